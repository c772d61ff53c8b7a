//! A guest that uses every capability of contract 1, as its arguments say: `{"do": [["kv.get", "a"], …]}`, and misuses them
//! as well as Rust can. For the tests of the host: what is granted works, what is not is refused, and what it says about
//! either comes back word for word. `{"raw": "…"}` is answered with that text as it is, `{"fail": "denied"}` with an error.
#![allow(
    unsafe_code,
    missing_docs,
    dead_code,
    reason = "the generated exports, which only wasm has; and a guest of tests needs no manners"
)]

use serde_json::{Value, json};

wit_bindgen::generate!({ path: "../../wit/v1", world: "playhouse:tool/everything" });

use exports::playhouse::tool::tool::{ErrorKind, Guest, ToolError};
use playhouse::tool::{
    clock, context, files, files_write, http, kv, kv_write, log, progress, random, secrets, tools,
};

struct Reaches;

impl Guest for Reaches {
    fn describe() -> String {
        json!({
            "name": "reaches", "version": "1.0.0", "description": "Reaches for everything.",
            "input_schema": {"type": "object"}, "output_schema": {},
            "effect": "idempotent", "wants": {"http": "to see what it can reach"},
        })
        .to_string()
    }

    fn call(arguments: String) -> Result<String, ToolError> {
        let arguments: Value = serde_json::from_str(&arguments).unwrap_or_default();
        if let Some(kind) = arguments["fail"].as_str() {
            return Err(failure(kind, &arguments));
        }
        if let Some(raw) = arguments["raw"].as_str() {
            return Ok(raw.to_owned());
        }
        let steps = arguments["do"].as_array().cloned().unwrap_or_default();
        Ok(Value::from_iter(steps.iter().map(one)).to_string())
    }
}

fn failure(kind: &str, arguments: &Value) -> ToolError {
    let kind = match kind {
        "denied" => ErrorKind::Denied,
        "unavailable" => ErrorKind::Unavailable,
        "conflict" => ErrorKind::Conflict,
        _ => ErrorKind::Failed,
    };
    let after = arguments["after"].as_u64().map(|ms| ms as u32);
    let message = arguments["message"].as_str().unwrap_or("as asked for").to_owned();
    ToolError { kind, message, retry_after_ms: after }
}

/// One step and what came of it: `{"ok": …}` or `{"err": …}`.
fn one(step: &Value) -> Value {
    let text = |at: usize| step[at].as_str().unwrap_or_default();
    let number = |at: usize| step[at].as_u64().unwrap_or_default();
    let maybe = |at: usize| step[at].as_str().map(str::to_owned);
    match text(0) {
        "effect-id" => json!({"ok": context::effect_id()}),
        "time-left" => json!({"ok": context::time_left_ms()}),
        "report" => {
            progress::report(number(1), number(2), &long(text(3), number(4)));
            json!({"ok": null})
        }
        "partial" => {
            progress::partial(&long(text(1), number(2)));
            json!({"ok": null})
        }
        "log" => {
            (0..number(2).max(1)).for_each(|_| log::write(log::Level::Info, text(1)));
            json!({"ok": null})
        }
        "now" => json!({"ok": clock::now_ms()}),
        "random" => json!({"ok": random::bytes(number(1) as u32)}),
        "kv.get" => said(kv::get(text(1))),
        "kv.keys" => said(kv::keys(text(1), maybe(2).as_deref(), 1_000)),
        "kv.put" => said(kv_write::put(text(1), &long(text(2), number(3)))),
        "kv.delete" => said(kv_write::delete(text(1))),
        "roots" => json!({"ok": files::roots()}),
        "stat" => said(
            files::stat(text(1)).map(|info| json!([info.name, info.size, info.is_folder])).map_err(named),
        ),
        "entries" => {
            let names = |page: Vec<files::Info>| page.into_iter().map(|info| info.name).collect::<Vec<_>>();
            said(files::entries(text(1), None, 1_000).map(names).map_err(named))
        }
        "read" => {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            said(files::read(step[1].as_str().unwrap_or_default(), 0, 1 << 20).map(text).map_err(named))
        }
        "write" => said(
            files_write::write(text(1), long(text(2), number(4)).as_bytes(), maybe(3).as_deref())
                .map(|_| ())
                .map_err(named),
        ),
        "remove" => said(files_write::remove(text(1)).map_err(named)),
        "fetch" => fetch(step),
        "is-granted" => json!({"ok": secrets::is_granted(text(1))}),
        "sign" => said(secrets::hmac_sha256(text(1), long(text(2), number(3)).as_bytes())),
        "tool" => match tools::call(text(1), &step[2].to_string()) {
            Ok(output) => json!({"ok": serde_json::from_str::<Value>(&output).unwrap_or_default()}),
            Err(error) => json!({"err": [error.kind, error.message]}),
        },
        "tool-text" => match tools::call(text(1), &long(text(2), number(3))) {
            Ok(output) => json!({"ok": output}),
            Err(error) => json!({"err": [error.kind, error.message]}),
        },
        "again" => again(number(1), &step[2]),
        crime => commit(crime, number(1)),
    }
}

/// The same step many times: what came of it, each outcome once.
fn again(times: u64, step: &Value) -> Value {
    let mut seen = Vec::new();
    for _ in 0..times {
        let outcome = one(step);
        if !seen.contains(&outcome) {
            seen.push(outcome);
        }
    }
    json!({ "seen": seen })
}

/// What needs no host to be a nuisance.
fn commit(crime: &str, size: u64) -> Value {
    match crime {
        "spin" => loop {
            std::hint::black_box(());
        },
        "hoard" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        "dig" => json!({"ok": dig(1)}),
        "copy" => {
            let mut heap = vec![1_u8; size as usize];
            loop {
                heap.copy_within(1.., 0);
                std::hint::black_box(&heap);
            }
        }
        "panic" => panic!("a bug in the tool"),
        "long" => json!({"ok": "x".repeat(size as usize)}),
        "deep" => (0..size).fold(json!({}), |inner, _| json!([inner])),
        other => json!({"err": format!("no such step: {other}")}),
    }
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "that is the crime")]
fn dig(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    dig(depth + 1) + frame[63]
}

/// `["fetch", method, url, {header: value}, body, [secret …]]`
fn fetch(step: &Value) -> Value {
    let headers = step[3].as_object().into_iter().flatten();
    let request = http::Request {
        method: step[1].as_str().unwrap_or_default().to_owned(),
        url: step[2].as_str().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        body: step[4].as_str().unwrap_or_default().as_bytes().to_vec(),
        secrets: step[5]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    };
    match http::fetch(&request) {
        Ok(http::Response { status, headers, body, truncated, url }) => json!({"ok": {
            "status": status, "headers": headers, "body": String::from_utf8_lossy(&body), "truncated": truncated, "url": url,
        }}),
        Err(error) => json!({"err": [format!("{:?}", error.kind), error.message]}),
    }
}

fn long(text: &str, times: u64) -> String {
    text.repeat(times.max(1) as usize)
}

fn named(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn said<T: serde::Serialize>(outcome: Result<T, String>) -> Value {
    match outcome {
        Ok(value) => json!({"ok": value}),
        Err(why) => json!({"err": why}),
    }
}

// Only a component exports: linkers of other systems refuse such names.
#[cfg(target_arch = "wasm32")]
export!(Reaches);
