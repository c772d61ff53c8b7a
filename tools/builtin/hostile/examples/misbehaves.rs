//! One component, many crimes: the arguments say which. Written against the raw bindings, because the kit for tool
//! authors would keep it from most of them.
#![allow(
    unsafe_code,
    missing_docs,
    dead_code,
    reason = "the generated exports; and a guest that means harm needs no manners"
)]

use hostile::bindings::{ErrorKind, Guest, ToolError};
use std::sync::atomic::{AtomicU32, Ordering};

struct Misbehaves;

/// Survives from call to call only if the host reuses instances, which it must not.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl Guest for Misbehaves {
    fn describe() -> String {
        r#"{"name":"misbehaves","version":"0.1.0","description":"Misbehaves.","input_schema":{"type":"object"},
            "output_schema":{"type":"object"},"effect":"idempotent","annotations":{},"wants":{}}"#
            .to_owned()
    }

    fn call(arguments: String) -> Result<String, ToolError> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let crime = arguments.split('"').nth(3).unwrap_or_default();
        match crime {
            "count calls" => Ok(format!(r#"{{"calls":{calls}}}"#)),
            "loop" => loop {
                std::hint::black_box(());
            },
            "allocate" => allocate(),
            "recurse" => Ok(recurse(1).to_string()),
            "panic" => panic!("a bug in the tool"),
            "huge output" => Ok(format!(r#"{{"x":"{}"}}"#, "x".repeat(2 << 20))),
            "huge error" => Err(ToolError { kind: ErrorKind::Internal, message: "x".repeat(2 << 20) }),
            "not json" => Ok("I am not JSON".to_owned()),
            "wrong shape" => Ok(r#"["an array"]"#.to_owned()),
            "deep json" => Ok("[".repeat(100_000) + &"]".repeat(100_000)),
            other => {
                Err(ToolError { kind: ErrorKind::InvalidInput, message: format!("no such crime: {other}") })
            }
        }
    }
}

fn allocate() -> Result<String, ToolError> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "that is the crime")]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[63]
}

#[cfg(target_arch = "wasm32")]
hostile::bindings::export_pure!(Misbehaves with_types_in hostile::bindings);
