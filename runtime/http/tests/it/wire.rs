//! Events on the wire: each under its own name, with what clients need.

use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    model::Usage,
    policy::UndoRule,
    task::{Event, Intent, Join, Outcome, Record, Share, Signal, Spent, Wait},
    tool::{EffectClass, Grant, ToolError, ToolErrorKind},
};
use playhouse_http::wire;
use serde_json::{Value, json};

fn task(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

fn effect() -> EffectId {
    EffectId::new(&task("t"), 3, 0)
}

fn intent() -> Intent {
    Intent {
        effect_id: effect(),
        call_id: "c".into(),
        tool: "transfer".into(),
        arguments: json!({"amount": 1}),
        args_digest: "d".into(),
        class: EffectClass::Once,
        grant: Grant { table: Some("secret-table".into()), ..Grant::default() },
        epoch: 1,
        repairs: Vec::new(),
        undo: Some(UndoRule { tool: "refund".into(), arguments: json!({}) }),
    }
}

/// What a client sees of `event`, without the frame that all records share.
fn seen(event: Event) -> Value {
    let record =
        Record { seq: 1, epoch: 1, at_ms: 5, tenant: Tenant::local(), labels: Labels::default(), event };
    let record = wire::Record::from(record);
    let mut value = serde_json::to_value(&record).unwrap();
    assert_eq!(value["type"], record.event.name(), "the SSE name is the type");
    assert_eq!(
        serde_json::from_value::<wire::Record>(value.clone()).unwrap(),
        record,
        "clients read it back"
    );
    for key in ["seq", "epoch", "at_ms", "labels"] {
        value.as_object_mut().unwrap().remove(key);
    }
    value
}

#[test]
fn waiting_is_told_with_what_for_and_until_when() {
    let wait = |wait| seen(Event::WaitBegun { intent: intent(), wait })["wait"].clone();
    assert_eq!(
        wait(Wait::Approval { reason: "a lot".into(), expires_ms: 9 }),
        json!({"for": "approval", "reason": "a lot", "expires_ms": 9})
    );
    assert_eq!(wait(Wait::Verdict { expires_ms: 9 }), json!({"for": "verdict", "expires_ms": 9}));
    assert_eq!(
        wait(Wait::Signal { name: "paid".into(), expires_ms: 9 }),
        json!({"for": "signal", "name": "paid", "expires_ms": 9})
    );
    assert_eq!(wait(Wait::Timer { at_ms: 9 }), json!({"for": "timer", "at_ms": 9}));
    assert_eq!(
        wait(Wait::Children { tasks: vec![task("a")], parallel: 2, join: Join::HandOff }),
        json!({"for": "children", "tasks": ["a"], "parallel": 2, "join": "hand_off"})
    );
}

#[test]
fn a_call_that_waits_is_told_without_what_only_the_operator_may_know() {
    let told = seen(Event::WaitBegun { intent: intent(), wait: Wait::Timer { at_ms: 9 } });
    let expected = json!({
        "type": "wait_begun", "effect_id": "t/3.0", "call_id": "c", "tool": "transfer",
        "arguments": {"amount": 1}, "wait": {"for": "timer", "at_ms": 9},
    });
    assert_eq!(told, expected);
}

#[test]
fn decisions_and_messages_are_told_with_who_and_what() {
    let effect_id = effect();
    for (event, expected) in [
        (
            Event::VerdictAsked { effect_id: effect(), expires_ms: 9 },
            json!({"type": "verdict_asked", "effect_id": "t/3.0", "expires_ms": 9}),
        ),
        (
            Event::Approved { effect_id: effect(), by: "ada".into(), arguments: Some(json!({"amount": 2})) },
            json!({"type": "approved", "effect_id": "t/3.0", "by": "ada", "arguments": {"amount": 2}}),
        ),
        (
            Event::Denied { effect_id: effect(), by: None, reason: "late".into() },
            json!({"type": "denied", "effect_id": "t/3.0", "by": null, "reason": "late"}),
        ),
        (
            Event::Ruled { effect_id: effect(), by: "ada".into() },
            json!({"type": "ruled", "effect_id": "t/3.0", "by": "ada"}),
        ),
        (
            Event::SignalReceived {
                signal: Signal { id: "s".into(), name: "paid".into(), payload: json!([1]) },
            },
            json!({"type": "signal_received", "id": "s", "name": "paid", "payload": [1]}),
        ),
        (
            Event::SignalTaken { id: "s".into(), effect_id },
            json!({"type": "signal_taken", "id": "s", "effect_id": "t/3.0"}),
        ),
    ] {
        assert_eq!(seen(event), expected);
    }
}

#[test]
fn other_tasks_pauses_and_retries_are_told() {
    let done = Outcome::Done { output: "yes".into() };
    let usage = Usage { input_tokens: 3, cached_tokens: 2, output_tokens: 1 };
    let error = ToolError::new(ToolErrorKind::Upstream, "503");
    let asked = Event::ChildAsked {
        child: task("t.1"),
        effect_id: effect(),
        agent: "scout".into(),
        input: "look".into(),
        hand_off: false,
        share: Share { tokens: Some(9), cost_microusd: None, fuel: None },
    };
    for (event, expected) in [
        (
            asked,
            json!({"type": "child_asked", "child": "t.1", "effect_id": "t/3.0", "agent": "scout",
                "input": "look", "hand_off": false}),
        ),
        (
            Event::ChildEnded {
                child: task("t.1"),
                outcome: done,
                spent: Spent { usage, cost_microusd: 4, fuel: 5 },
            },
            json!({"type": "child_ended", "child": "t.1", "outcome": {"status": "done", "output": "yes"},
                "usage": {"input_tokens": 3, "cached_tokens": 2, "output_tokens": 1}, "cost_microusd": 4, "fuel": 5}),
        ),
        (
            Event::ToolRetried { effect_id: effect(), attempt: 2, error, after_ms: 200 },
            json!({"type": "tool_retried", "effect_id": "t/3.0", "attempt": 2, "after_ms": 200,
                "error": {"kind": "upstream", "message": "503"}}),
        ),
        (
            Event::CheckAsked { effect_id: effect(), error: ToolError::new(ToolErrorKind::Timeout, "slow") },
            json!({"type": "check_asked", "effect_id": "t/3.0",
                "error": {"kind": "timeout", "message": "slow"}}),
        ),
        (Event::Parked { at_ms: 5, due_ms: Some(9) }, json!({"type": "parked", "due_ms": 9})),
        (Event::Woken { at_ms: 5 }, json!({"type": "woken"})),
        (Event::Paused { reason: "tea".into() }, json!({"type": "paused", "reason": "tea"})),
        (Event::Unpaused, json!({"type": "unpaused"})),
        (Event::DeadlinePassed, json!({"type": "deadline_passed"})),
        (Event::CrashedTooOften { reason: "x".into() }, json!({"type": "crashed_too_often", "reason": "x"})),
        (
            Event::Undoing { outcome: Outcome::Cancelled { reason: "x".into() } },
            json!({"type": "undoing", "outcome": {"status": "cancelled", "reason": "x"}}),
        ),
        (Event::Forked { step: 2, input: None }, json!({"type": "forked", "step": 2, "input": null})),
    ] {
        assert_eq!(seen(event), expected);
    }
}
