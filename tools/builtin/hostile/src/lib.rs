//! Guests that misbehave, for the tests of the host. The code is in `examples/`, one component per file; this library
//! holds what they share: bindings of contract 0.1, whose components a host must keep running, and which the kit for tool
//! authors no longer makes.

/// The generated side of contract 0.1.
#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated from tool.wit: the canonical ABI passes raw pointers"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/v0",
        world: "playhouse:tool/pure",
        pub_export_macro: true,
        export_macro_name: "export_pure",
        default_bindings_module: "hostile::bindings",
    });
    pub use exports::playhouse::tool::tool::{ErrorKind, Guest, ToolError};
}
