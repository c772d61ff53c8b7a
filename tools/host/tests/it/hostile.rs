//! Guests that mean harm, and a host that survives: after each crime it still answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_core::tool::ToolErrorKind;
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Config, Limits, WasmToolBox};
use serde_json::json;

use crate::support::{answer, base, failure, hostile, only, request, tool};

fn misbehaves() -> WasmToolBox {
    only(tool(hostile("misbehaves"))).expect("it describes itself like a good tool")
}

/// Commits `crime`; returns what the model is told. The next call must work, in an instance that knows nothing.
async fn told_after(crime: &str) -> (ToolErrorKind, String) {
    let tools = misbehaves();
    let told = failure(&tools, "misbehaves", json!({ "crime": crime })).await;
    assert_eq!(answer(&tools, "misbehaves", json!({"crime": "count calls"})).await, json!({"calls": 1}));
    told
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline() {
    let start = Instant::now();
    let (kind, message) = told_after("loop").await;
    assert_eq!((kind, message.as_str()), (ToolErrorKind::Timeout, "the tool did not finish in time"));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn an_endless_loop_with_all_the_time_in_the_world_runs_out_of_fuel() {
    let limits = Limits { fuel: 50_000_000, ..Limits::default() };
    let tools = WasmToolBox::load(Config { tools: vec![tool(hostile("misbehaves"))], limits, ..base() })
        .expect("it describes itself like a good tool");
    let mut endless = request("misbehaves", json!({ "crime": "loop" }));
    endless.timeout_ms = 60_000;
    let told = tools.call(endless).await.expect_err("it never ends by itself");
    assert_eq!(told.kind, ToolErrorKind::OutOfFuel);
    assert_eq!(
        told.message,
        "the tool computes more than the 50000000 units of fuel it may use: ask for less"
    );
}

#[tokio::test]
async fn what_a_guest_computed_is_booked_however_it_ends() {
    let tools = misbehaves();
    let mut endless = request("misbehaves", json!({ "crime": "loop" }));
    endless.timeout_ms = 100;
    let ended = tools.metered(endless.clone(), nobody()).await;
    assert_eq!(ended.result.expect_err("it never ends by itself").kind, ToolErrorKind::Timeout);
    let booked = ended.receipt.expect("it ran").fuel;
    assert!(booked > 5_000_000, "{booked} units in 100 ms");
    // What is left of a task's fuel bounds the call.
    endless.fuel = Some(3_000_000);
    let ended = tools.metered(endless, nobody()).await;
    assert_eq!(ended.result.expect_err("it never ends by itself").kind, ToolErrorKind::OutOfFuel);
    assert_eq!(ended.receipt.expect("it ran").fuel, 3_000_000);
    let hoarder = tools.metered(request("misbehaves", json!({ "crime": "allocate" })), nobody()).await;
    assert!(hoarder.result.is_err() && hoarder.receipt.expect("it ran").output.is_none());
}

#[tokio::test]
async fn a_guest_that_never_ends_leaves_the_thread_it_was_called_on_to_others() {
    let tools = misbehaves();
    // There is one thread for both: the second only gets anywhere if the guest has left it.
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        (kind, _) = failure(&tools, "misbehaves", json!({ "crime": "loop" })) => {
            assert_eq!(kind, ToolErrorKind::Timeout);
        }
        () = others => unreachable!("it goes on for ever"),
    }
    assert!(turns > 1_000, "others had {turns} turns in 300 ms");
}

#[tokio::test]
async fn quick_calls_go_on_beside_as_many_endless_ones_as_there_are_slots_for_but_one() {
    let limits = Limits { running: 9, ..Limits::default() };
    let tools = WasmToolBox::load(Config { tools: vec![tool(hostile("misbehaves"))], limits, ..base() });
    let tools = Arc::new(tools.expect("it describes itself like a good tool"));
    let mut endless = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let tools = Arc::clone(&tools);
        endless.spawn(async move { failure(&tools, "misbehaves", json!({ "crime": "loop" })).await.0 });
    }
    let mut answered = 0;
    while !endless.is_empty() {
        assert_eq!(
            answer(&tools, "misbehaves", json!({ "crime": "count calls" })).await,
            json!({ "calls": 1 })
        );
        answered += 1;
        tokio::task::yield_now().await;
        while let Some(ended) = endless.try_join_next() {
            assert_eq!(ended.expect("it does not panic"), ToolErrorKind::Timeout);
        }
    }
    assert!(answered > 20, "{answered} quick calls in the 300 ms that the endless ones had");
}

#[tokio::test]
async fn a_hoarder_meets_the_memory_limit() {
    let (kind, message) = told_after("allocate").await;
    assert_eq!(kind, ToolErrorKind::OutOfMemory);
    assert_eq!(message, "the tool needs more memory than the 16 MiB it may use");
}

#[tokio::test]
async fn endless_recursion_is_a_crash() {
    let (kind, message) = told_after("recurse").await;
    assert_eq!(kind, ToolErrorKind::Crashed);
    assert!(message.ends_with("(endless recursion?)"), "{message}");
}

#[tokio::test]
async fn a_panic_is_a_crash() {
    let told = told_after("panic").await;
    assert_eq!(told, (ToolErrorKind::Crashed, "the tool crashed: it panicked".to_owned()));
}

#[tokio::test]
async fn huge_output_is_refused() {
    let (kind, message) = told_after("huge output").await;
    assert_eq!(kind, ToolErrorKind::BadOutput);
    assert_eq!(message, "the output of `misbehaves` has 2097160 bytes, more than 262144: ask for less");
}

#[tokio::test]
async fn a_huge_error_message_is_clipped() {
    let (kind, message) = told_after("huge error").await;
    assert_eq!(kind, ToolErrorKind::Crashed);
    assert!(message.len() < 1_000, "{} bytes", message.len());
}

#[tokio::test]
async fn output_must_be_json_of_the_promised_shape() {
    for (crime, part) in [
        ("not json", "is not JSON"),
        ("wrong shape", "does not fit its own schema"),
        ("deep json", "is not JSON: recursion limit exceeded"),
    ] {
        let (kind, message) = told_after(crime).await;
        assert_eq!(kind, ToolErrorKind::BadOutput, "{crime}");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn nothing_of_one_call_is_left_in_the_next() {
    let tools = misbehaves();
    for _ in 0..200 {
        assert_eq!(answer(&tools, "misbehaves", json!({"crime": "count calls"})).await, json!({"calls": 1}));
    }
}

#[tokio::test]
async fn a_dropped_call_stops_burning_the_processor() {
    let tools = misbehaves();
    let mut endless = request("misbehaves", json!({"crime": "loop"}));
    endless.timeout_ms = 10_000;
    // Both slots are taken by guests that nobody waits for; a third call gets one long before their deadline.
    for _ in 0..2 {
        let abandoned = tokio::time::timeout(Duration::from_millis(50), tools.call(endless.clone())).await;
        assert!(abandoned.is_err(), "it never ends by itself");
    }
    let start = Instant::now();
    answer(&tools, "misbehaves", json!({"crime": "count calls"})).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_slots_wait_and_more_than_that_are_turned_away() {
    let tools = Arc::new(misbehaves());
    let mut calls = tokio::task::JoinSet::new();
    // Two slots, one place in the queue.
    for _ in 0..8 {
        let tools = Arc::clone(&tools);
        calls.spawn(async move { failure(&tools, "misbehaves", json!({"crime": "loop"})).await.0 });
    }
    let kinds = calls.join_all().await;
    let count = |kind| kinds.iter().filter(|other| **other == kind).count();
    assert_eq!((count(ToolErrorKind::Timeout), count(ToolErrorKind::RateLimited)), (3, 5), "{kinds:?}");
}
