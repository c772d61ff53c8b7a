//! Built for `wasm32-wasip2`, with all that Rust's standard library does there: looks around where there is nothing.
#![allow(
    missing_docs,
    unsafe_code,
    dead_code,
    reason = "a component is no library, and only wasm has its exports"
)]

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use wasi_samples::answer;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Wanders;

impl wasip2::exports::http::incoming_handler::Guest for Wanders {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let began = Instant::now();
        std::thread::sleep(Duration::from_secs(60));
        let slept = began.elapsed() >= Duration::from_secs(60);
        let file = std::fs::read("/etc/passwd").map_err(|error| error.kind());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
        let map: HashMap<&str, u32> = [("a", 1)].into();
        print!("one ");
        println!("line");
        eprintln!("and {}", map["a"]);
        let said = format!(
            "{} {} {slept} {file:?} {}",
            std::env::vars().count(),
            std::env::args().count(),
            now.as_secs() > 1_700_000_000
        );
        answer(out, 200, &[], said.as_bytes());
    }
}

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Wanders);
