//! Opens a socket, which no tool may.
#![allow(
    missing_docs,
    unsafe_code,
    dead_code,
    reason = "a component is no library, and only wasm has its exports"
)]

use wasi_samples::answer;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::sockets::{instance_network::instance_network, ip_name_lookup::resolve_addresses};

struct Dials;

impl wasip2::exports::http::incoming_handler::Guest for Dials {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let found = resolve_addresses(&instance_network(), "example.com").is_ok();
        answer(out, 200, &[], format!("{found}").as_bytes());
    }
}

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Dials);
