//! The host's side of `tools/wit/tool.wit`, generated.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit/v0",
    world: "playhouse:tool/keyed",
    imports: { default: trappable },
    exports: { default: async },
});

pub use exports::playhouse::tool::tool::{ErrorKind, ToolError};
pub use playhouse::tool::kv;
