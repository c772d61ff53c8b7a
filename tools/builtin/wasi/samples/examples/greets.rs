//! Answers requests and makes none: its tool touches nothing.
#![allow(
    missing_docs,
    unsafe_code,
    dead_code,
    reason = "a component is no library, and only wasm has its exports"
)]

use wasi_samples::{answer, body_of};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Greets;

impl wasip2::exports::http::incoming_handler::Guest for Greets {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (method, path) = (request.method(), request.path_with_query().unwrap_or_default());
        let headers = request.headers().entries();
        let body = String::from_utf8_lossy(&body_of(&request)).into_owned();
        if path == "/bytes" {
            return answer(out, 200, &[], &[0xff, 0xfe]);
        }
        answer(out, 201, &headers, format!("{method:?} {path} {body}").as_bytes());
    }
}

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Greets);
