//! Never finishes introducing itself: loading must have a deadline too.
#![allow(unsafe_code, missing_docs, dead_code, reason = "the generated exports, which only wasm has")]

use hostile::bindings::{Guest, ToolError};

struct Endless;

impl Guest for Endless {
    fn describe() -> String {
        loop {
            std::hint::black_box(());
        }
    }

    fn call(_: String) -> Result<String, ToolError> {
        Ok("{}".to_owned())
    }
}

#[cfg(target_arch = "wasm32")]
hostile::bindings::export_pure!(Endless with_types_in hostile::bindings);
