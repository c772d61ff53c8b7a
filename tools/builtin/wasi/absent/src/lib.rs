//! Stands where the adapter could reach the host and its component never asks: whoever calls it has a bug, and the call
//! ends there.
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic, reason = "the generated exports")]

wit_bindgen::generate!({
    path: ["../../../wit/v1", "../wit"],
    world: "playhouse:adapter/absent",
        generate_all,
});

use exports::playhouse::tool::{clock, http, log, random};

struct Absent;

impl http::Guest for Absent {
    fn fetch(_: http::Request) -> Result<http::Response, http::Error> {
        std::process::abort()
    }
}

impl clock::Guest for Absent {
    fn now_ms() -> u64 {
        std::process::abort()
    }
}

impl random::Guest for Absent {
    fn bytes(_: u32) -> Vec<u8> {
        std::process::abort()
    }
}

impl log::Guest for Absent {
    fn write(_: log::Level, _: String) {
        std::process::abort()
    }
}

export!(Absent);
