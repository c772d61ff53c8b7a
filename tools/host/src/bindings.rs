//! The host's side of `tools/wit`, generated: one module for each version of the contract.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, reason = "generated")]

/// Version 0.1, for tools that were built against it.
pub mod v0 {
    wasmtime::component::bindgen!({
        path: "../wit/v0",
        world: "playhouse:tool/keyed",
        imports: { default: trappable },
        exports: { default: async },
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// Version 1.
pub mod v1 {
    wasmtime::component::bindgen!({
        path: "../wit/v1",
        world: "playhouse:tool/everything",
        imports: {
            "playhouse:tool/kv@1.0.0": async | trappable,
            "playhouse:tool/kv-write@1.0.0": async | trappable,
            "playhouse:tool/files@1.0.0": async | trappable,
            "playhouse:tool/files-write@1.0.0": async | trappable,
            "playhouse:tool/http@1.0.0": async | trappable,
            "playhouse:tool/model@1.0.0": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        // Between a worker process and this one.
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// What a tool of version 1 exports if it can be asked about its calls.
pub mod asked {
    wasmtime::component::bindgen!({
        path: "../wit/v1",
        world: "playhouse:tool/asked",
        exports: { default: async },
    });
}
