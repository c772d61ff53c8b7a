//! The generated side of the contract, for [`export!`](crate::export!) and for the capability modules.
//!
//! The world has every capability there is: what a tool does not call, the compiler drops, and it is no import of the
//! component.
#![allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated from the WIT: the canonical ABI passes raw pointers"
)]

wit_bindgen::generate!({
    path: "../wit/v1",
    world: "playhouse:tool/everything",
    pub_export_macro: true,
    export_macro_name: "export_tool",
    default_bindings_module: "playhouse_tool::bindings",
});

pub use exports::playhouse::tool::tool::{ErrorKind, Guest, ToolError};
