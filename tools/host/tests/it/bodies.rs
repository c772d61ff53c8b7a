//! How much a guest hands over at once: the largest body that can be granted arrives, and nothing larger is granted.

use std::path::PathBuf;
use std::sync::Arc;

use playhouse_core::egress::{HttpGrant, HttpLimits, HttpRule};
use playhouse_core::tool::ToolErrorKind;
use playhouse_tools_host::{Allow, Config, LoadError, REQUEST_BYTES_MAX, ToolConfig, WasmToolBox};
use serde_json::json;
use tempfile::TempDir;

use crate::escape::wat::{FETCH, Wat};
use crate::reaching::Echo;
use crate::support::{answer, base, failure};

const ORIGIN: &str = "https://example.com";
/// Bytes of the memory that a call may have unless the operator says otherwise.
const MEMORY: u64 = 64 << 20;

/// A guest that posts `bytes` of its memory to [`ORIGIN`], and where it lies.
fn posting(bytes: u64) -> (TempDir, PathBuf) {
    let (folder, url) = (TempDir::new().expect("a folder for one file"), format!("{ORIGIN}/"));
    let call = format!(
        "(call $host (i32.const 512) (i32.const 4) (i32.const 516) (i32.const {}) (i32.const 0) (i32.const 0) \
         (i32.const 0) (i32.const {bytes}) (i32.const 0) (i32.const 0) (i32.const 256)) i32.const 64",
        url.len()
    );
    let data = format!("(data (i32.const 512) \"POST{url}\")");
    let guest = Wat { memory: "128".into(), memory_items: data, ..Wat::calling(FETCH, &call) };
    let path = folder.path().join("guest.wasm");
    std::fs::write(&path, guest.bytes()).expect("the file is ours");
    (folder, path)
}

/// That guest in a tool box of its own, with these limits granted.
fn house(component: PathBuf, echo: &Arc<Echo>, limits: HttpLimits) -> Result<WasmToolBox, LoadError> {
    let rule = HttpRule { methods: vec!["POST".to_owned()], ..HttpRule::reading(ORIGIN) };
    let allow = Allow { http: HttpGrant { rules: vec![rule], limits }, ..Allow::default() };
    let tool = ToolConfig { component, allow, ..ToolConfig::default() };
    WasmToolBox::load(Config { tools: vec![tool], egress: Some(echo.clone()), ..base() })
}

fn limits(request_bytes: u64) -> HttpLimits {
    HttpLimits { request_bytes, ..HttpLimits::default() }
}

#[tokio::test]
async fn the_largest_body_that_can_be_granted_arrives_whole() {
    let (echo, (_folder, guest)) = (Arc::default(), posting(REQUEST_BYTES_MAX));
    let tools = house(guest, &echo, limits(REQUEST_BYTES_MAX)).expect("so much can be granted");
    assert_eq!(answer(&tools, "guest", json!({})).await, json!({ "ok": 1 }));
    let seen = echo.seen.lock().expect("no test panics in here");
    assert_eq!(seen.iter().map(|sent| sent.body.len() as u64).collect::<Vec<_>>(), [REQUEST_BYTES_MAX]);
}

#[tokio::test]
async fn what_is_handed_over_beyond_that_ends_the_call_in_words_that_say_why() {
    let (echo, (_folder, guest)) = (Arc::<Echo>::default(), posting(REQUEST_BYTES_MAX + (1 << 20)));
    let tools = house(guest, &echo, limits(REQUEST_BYTES_MAX)).expect("so much can be granted");
    let (kind, message) = failure(&tools, "guest", json!({})).await;
    assert_eq!(kind, ToolErrorKind::Crashed);
    assert_eq!(message, "the tool crashed: it handed over more than 4456448 bytes at once");
    assert!(echo.seen.lock().expect("no test panics in here").is_empty());
}

#[test]
fn bodies_that_no_call_could_hold_are_not_granted() {
    let (echo, (_folder, guest)) = (Arc::default(), posting(1));
    let refusal = |limits| house(guest.clone(), &echo, limits).expect_err("that is too much").to_string();
    assert_eq!(
        refusal(limits(REQUEST_BYTES_MAX + 1)),
        "what `guest` is granted cannot be used: `request_bytes` is 4194305, and a tool hands over at most 4194304 \
         bytes of a body: grant less"
    );
    assert_eq!(
        refusal(HttpLimits { response_bytes: MEMORY + 1, ..HttpLimits::default() }),
        "what `guest` is granted cannot be used: `response_bytes` is 67108865, and the memory of a call has 67108864 \
         bytes: grant less"
    );
}
