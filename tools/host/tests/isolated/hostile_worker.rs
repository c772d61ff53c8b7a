//! A worker that was taken over: `examples/hostile_worker` says what it likes. It costs itself its call, and learns what
//! its guest could have learnt.

use std::path::PathBuf;
use std::sync::Arc;

use playhouse_core::tool::{Reach, ToolErrorKind, ToolRequest};
use playhouse_ports::egress::Secret;
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{
    Allow, Config, Isolation, Limits, LoadError, SecretUse, ToolConfig, WasmToolBox, WorkerCommand,
};
use serde_json::json;

use crate::support::{base, hostile, request, shipped, tool};

/// Cargo builds examples with tests, beside them.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("it runs");
    tests.parent().and_then(|deps| deps.parent()).expect("target/…/deps").join("examples/hostile_worker")
}

fn taken_over(how: &str) -> Result<WasmToolBox, LoadError> {
    let command = WorkerCommand { program: program(), args: vec![how.into()] };
    let secret = SecretUse { value: Secret::new("sk-test-0123456789"), header: None, sign: true };
    let mut touches = tool(hostile("misbehaves"));
    touches.allow = Allow { secrets: [("signing".to_owned(), secret)].into(), ..Allow::default() };
    let config = Config {
        tools: vec![touches],
        limits: Limits { host_calls: 50, ..Limits::default() },
        isolation: Isolation::Process(command),
        ..base()
    };
    WasmToolBox::load(config)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_worker_says_costs_its_own_call() {
    for (how, kind) in [
        ("garbage", ToolErrorKind::Crashed),
        ("too-long", ToolErrorKind::Crashed),
        ("half-a-frame", ToolErrorKind::Crashed),
        ("trailing", ToolErrorKind::Crashed),
        ("ready-again", ToolErrorKind::Crashed),
        // Not among the imports of the component.
        ("ask-for-a-secret", ToolErrorKind::Crashed),
        ("ask-for-a-tool", ToolErrorKind::Crashed),
        ("silent", ToolErrorKind::Timeout),
        ("deaf-flood", ToolErrorKind::Crashed),
        ("not-json", ToolErrorKind::BadOutput),
        // Speaks before it is asked: found out before the next call begins.
        ("two-answers", ToolErrorKind::BadOutput),
    ] {
        let tools = Arc::new(taken_over(how).expect("it introduces itself like a good tool"));
        for _ in 0..2 {
            let arguments = json!({"crime": "count calls"});
            let call = ToolRequest { timeout_ms: 500, ..request("misbehaves", arguments) };
            let ended = tools.metered(call, nobody()).await;
            let error = ended.result.expect_err("it says nothing that makes sense");
            assert_eq!(error.kind, kind, "{how}: {error}");
            assert!(!error.message.contains("sk-test"), "{how}: {error}");
        }
    }
}

#[tokio::test]
async fn what_was_reached_is_in_the_receipt_even_if_the_worker_says_that_nothing_was_computed() {
    let codes = [("a".to_owned(), "14".to_owned())].into();
    let reads = ToolConfig { tables: [("codes".to_owned(), codes)].into(), ..tool(shipped("lookup")) };
    let command = WorkerCommand { program: program(), args: vec!["for-nothing".into()] };
    let isolation = Isolation::Process(command);
    let tools = WasmToolBox::load(Config { tools: vec![reads], isolation, ..base() });
    let tools = tools.expect("it introduces itself like a good tool");
    let called = tools.metered(request("misbehaves", json!({})), nobody()).await;
    assert_eq!(called.result.expect("it answers"), json!({}));
    let receipt = called.receipt.expect("it called its host");
    assert_eq!((receipt.fuel, receipt.reached), (1, Reach { calls: 1, bytes: 3 }));
}

#[tokio::test]
async fn a_worker_that_dies_at_its_start_is_not_started_again_at_once() {
    let refused = taken_over("dies").expect_err("there is no worker").to_string();
    assert!(refused.contains("does it call `worker_entry` first?"), "{refused}");
}
