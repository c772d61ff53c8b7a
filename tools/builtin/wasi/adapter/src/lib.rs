//! Gives a component that speaks WASI 0.2 what Playhouse has in its place.
//!
//! | asked for | given |
//! |---|---|
//! | `wasi:http` | requests through `http` of the contract, whole bodies in both directions |
//! | `wasi:clocks` | `clock`; a sleep takes no time: the monotonic clock jumps to its end |
//! | `wasi:random` | `random`, which repeats when a call is repeated |
//! | stdout, stderr | `log`, line by line |
//! | stdin, arguments, environment, folders, sockets | none |
//! | exit | a trap |
//!
//! Nothing here waits: a request is sent and answered within the call that completes it. There is one thread, and what is
//! shared lives as long as the call.
#![cfg(target_arch = "wasm32")]

#[macro_use]
mod never;

mod body;
mod cli;
mod clocks;
mod fields;
mod files;
mod inside;
mod io;
mod outgoing;
mod request;
mod response;
mod sockets;

/// The generated side.
#[allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic, reason = "generated from the WIT")]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit/v1", "../wit"],
        world: "playhouse:adapter/adapter",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "crate::bindings",
    });
}

/// Everything that is exported.
struct Adapter;

#[allow(unsafe_code, reason = "the generated exports")]
mod export {
    use super::{Adapter, bindings};

    bindings::export!(Adapter with_types_in bindings);
}
