//! Makes a tool of a component that answers HTTP requests: `call` asks it one question, and its answer is the result.
//!
//! Whoever composes the tool writes what it says about itself over [`ABOUT`].
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The generated side.
#[allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic, reason = "generated from the WIT")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit/v1", "../wit"],
        world: "playhouse:adapter/front",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "crate::bindings",
    });
}

use bindings::exports::playhouse::tool::tool::{ErrorKind, Guest, ToolError};
use bindings::playhouse::adapter::inside::{self, Question};
use bindings::wasi::http::incoming_handler;

/// Bytes of [`ABOUT`].
const ABOUT_BYTES: usize = 8 << 10;
/// How it begins in this component, so that it is found.
const MARK: &[u8] = b"playhouse-adapter:about:";

/// JSON that describes the tool, and spaces up to its end.
static ABOUT: [u8; ABOUT_BYTES] = {
    let (mut about, mut at) = ([b' '; ABOUT_BYTES], 0);
    while at < MARK.len() {
        about[at] = MARK[at];
        at += 1;
    }
    about
};

/// The arguments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: String,
}

fn get() -> String {
    "GET".to_owned()
}

/// The result.
#[derive(Serialize)]
struct Output {
    status: u16,
    headers: Vec<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

struct Front;

impl Guest for Front {
    fn describe() -> String {
        // What stands here is not what was compiled.
        String::from_utf8_lossy(black_box(&ABOUT)).trim_end().to_owned()
    }

    fn call(arguments: String) -> Result<String, ToolError> {
        let wrong = |message: String| failure(ErrorKind::InvalidInput, message);
        let arguments: Arguments = serde_json::from_str(&arguments)
            .map_err(|error| wrong(format!("the arguments do not fit: {error}")))?;
        let Arguments { method, path, headers, body } = arguments;
        let headers = headers.into_iter().map(|Header { name, value }| (name, value)).collect();
        let question = Question { method, path, headers, body: body.into_bytes() };
        let (request, out) = inside::ask(&question).map_err(wrong)?;
        incoming_handler::handle(request, out);
        let answer = inside::answer().map_err(|message| failure(ErrorKind::Failed, message))?;
        Ok(printed(answer))
    }
}

fn printed(answer: inside::Answered) -> String {
    let inside::Answered { status, headers, body, problems } = answer;
    let header = |(name, value): (String, Vec<u8>)| Header {
        name,
        value: String::from_utf8_lossy(&value).into_owned(),
    };
    let (body, body_base64) = match String::from_utf8(body) {
        Ok(text) => (Some(text), None),
        Err(bytes) => (None, Some(STANDARD.encode(bytes.as_bytes()))),
    };
    let output =
        Output { status, headers: headers.into_iter().map(header).collect(), body, body_base64, problems };
    serde_json::to_string(&output).expect("texts and numbers always print")
}

fn failure(kind: ErrorKind, message: String) -> ToolError {
    ToolError { kind, message, retry_after_ms: None }
}

#[allow(unsafe_code, reason = "the generated exports")]
mod export {
    use super::{Front, bindings};

    bindings::export!(Front with_types_in bindings);
}
