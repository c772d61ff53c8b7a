//! Pausing, deciding, signalling: what reaches the runtime, and what callers get wrong.

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Decision, Signal, Wait, WaitView},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fake::Heard,
    harness::{Answer, Server},
};

fn approval(task: &str) -> WaitView {
    WaitView {
        effect_id: EffectId::new(&TaskId::new(task).unwrap(), 3, 0),
        tool: "transfer".into(),
        arguments: json!({"amount": 200}),
        args_digest: "d1".into(),
        wait: Wait::Approval { reason: "it is a lot".into(), expires_ms: 9000 },
    }
}

/// A server with a task that waits for approval of its call `3.0`.
async fn parked() -> Server {
    let server = Server::start().await;
    let id = server.submit("pay").await;
    server.fake.park(&id, approval(&id));
    server
}

async fn decide(server: &Server, body: Value) -> Answer {
    server.post("/v1/tasks/t1/decisions", body).await
}

#[track_caller]
fn says(answer: &Answer, status: u16, words: &str) {
    let detail = answer.problem(status);
    assert!(detail.contains(words), "{detail:?} does not say {words:?}");
}

#[tokio::test]
async fn a_parked_task_says_which_calls_wait_and_what_for() {
    let server = parked().await;
    let task = server.get("/v1/tasks/t1").await.json();
    let wait = json!({
        "effect_id": "t1/3.0", "tool": "transfer", "arguments": {"amount": 200}, "args_digest": "d1",
        "for": "approval", "reason": "it is a lot", "expires_ms": 9000,
    });
    assert_eq!(
        (&task["status"], &task["waiting"], &task["due_ms"]),
        (&json!("parked"), &json!("approval"), &json!(9000))
    );
    assert_eq!(task["waits"], json!([wait]));
}

#[tokio::test]
async fn a_list_can_be_narrowed_to_what_tasks_wait_for_and_who_made_them() {
    let server = parked().await;
    server.submit("other").await;
    server.fake.adopt("t2", "t1");
    let ids = async |query: &str| {
        let page = server.get(&format!("/v1/tasks?{query}")).await.json();
        page["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("status=parked&waiting=approval").await, ["t1"]);
    assert_eq!(ids("waiting=signal").await, [""; 0]);
    assert_eq!(ids("parent=t1").await, ["t2"]);
    let summary = &server.get("/v1/tasks?parent=t1").await.json()["tasks"][0];
    assert_eq!((&summary["parent"], &summary["waiting"]), (&json!("t1"), &Value::Null));
    says(&server.get("/v1/tasks?waiting=godot").await, 400, "unknown variant `godot`");
    says(&server.get("/v1/tasks?parent=a%2Fb").await, 400, "bad `parent`");
}

#[tokio::test]
async fn a_task_is_paused_with_a_reason_or_none_and_resumed() {
    let server = Server::start().await;
    server.submit("a").await;
    let paused = server.post("/v1/tasks/t1/pause", json!({"reason": "wait for Ada"})).await.json();
    assert_eq!(
        (&paused["status"], &paused["waiting"], &paused["reason"]),
        (&json!("parked"), &json!("paused"), &json!("wait for Ada"))
    );
    let resumed = Answer::of(server.request(Method::POST, "/v1/tasks/t1/resume")).await;
    assert_eq!((resumed.status.as_u16(), &resumed.json()["waiting"]), (200, &Value::Null));
    says(&Answer::of(server.request(Method::POST, "/v1/tasks/t1/resume")).await, 409, "not paused");
    Answer::of(server.request(Method::POST, "/v1/tasks/t1/pause")).await;
    let reasons = [Heard::Pause("wait for Ada".into()), Heard::Pause("paused by the caller".into())];
    assert_eq!(server.fake.heard(), reasons);
    says(&server.post("/v1/tasks/t1/pause", json!({"why": "x"})).await, 400, "unknown field `why`");
    says(&server.post("/v1/tasks/t1/pause", json!({"reason": "x".repeat(4097)})).await, 400, "4097 bytes");
    server.post("/v1/tasks/nobody/pause", json!({})).await.problem(404);
}

#[tokio::test]
async fn each_decision_reaches_the_runtime_with_what_belongs_to_it() {
    for (body, decision) in [
        (json!({"decision": "approve"}), Decision::Approve { arguments: None }),
        (
            json!({"decision": "approve", "arguments": {"amount": 1}}),
            Decision::Approve { arguments: Some(json!({"amount": 1})) },
        ),
        (json!({"decision": "deny", "reason": "too much"}), Decision::Deny { reason: "too much".into() }),
        (json!({"decision": "deny"}), Decision::Deny { reason: String::new() }),
        (json!({"decision": "happened", "output": [7]}), Decision::Happened { output: json!([7]) }),
        (json!({"decision": "happened"}), Decision::Happened { output: Value::Null }),
        (json!({"decision": "retry"}), Decision::Retry),
    ] {
        let server = parked().await;
        let mut body = body;
        body["effect_id"] = json!("3.0");
        body["args_digest"] = json!("d1");
        body["by"] = json!("ada");
        let answer = decide(&server, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["waits"], json!([]));
        let [Heard::Decide(verdict)] = &server.fake.heard()[..] else { panic!("one decision") };
        assert_eq!(verdict.effect_id.0, "t1/3.0");
        assert_eq!((verdict.args_digest.as_deref(), verdict.by.as_str()), (Some("d1"), "ada"));
        assert_eq!(verdict.decision, decision);
    }
}

#[tokio::test]
async fn who_decided_is_the_tenant_when_nobody_says() {
    let server = parked().await;
    decide(&server, json!({"effect_id": "t1/3.0", "decision": "approve"})).await;
    let [Heard::Decide(verdict)] = &server.fake.heard()[..] else { panic!("one decision") };
    assert_eq!(verdict.by, "local");
}

#[tokio::test]
async fn a_decision_that_makes_no_sense_is_refused_before_it_reaches_the_runtime() {
    let server = parked().await;
    for (body, words) in [
        (json!({"decision": "approve"}), "missing field `effect_id`"),
        (json!({"effect_id": "3.0"}), "missing field `decision`"),
        (json!({"effect_id": "3.0", "decision": "perhaps"}), "unknown variant `perhaps`"),
        (
            json!({"effect_id": "3.0", "decision": "deny", "arguments": {}}),
            "with the decision `approve` only",
        ),
        (json!({"effect_id": "3.0", "decision": "approve", "reason": "x"}), "with the decision `deny` only"),
        (json!({"effect_id": "3.0", "decision": "retry", "output": 1}), "with the decision `happened` only"),
        (json!({"effect_id": "t2/3.0", "decision": "approve"}), "names no call of task t1"),
        (json!({"effect_id": "t1/", "decision": "approve"}), "names no call of task t1"),
        (json!({"effect_id": "3.0", "decision": "approve", "by": ""}), "`by` has 0 bytes"),
    ] {
        says(&decide(&server, body).await, 400, words);
    }
    let large = json!({"effect_id": "3.0", "decision": "happened", "output": "x".repeat(64 * 1024)});
    says(&decide(&server, large).await, 413, "65536 bytes allowed");
    assert_eq!(server.fake.heard(), []);
    says(&decide(&server, json!({"effect_id": "4.0", "decision": "approve"})).await, 409, "t1/4.0");
}

#[tokio::test]
async fn a_signal_carries_any_json_under_the_senders_name_for_it_or_a_fresh_one() {
    let server = Server::start().await;
    server.submit("wait").await;
    for payload in [json!({"amount": 3}), json!("text"), json!(null), json!([1, 2])] {
        let request =
            server.request(Method::POST, "/v1/tasks/t1/signals/paid").header("idempotency-key", "k");
        let answer = Answer::of(request.json(&payload)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (202, &json!("t1")));
        let expected = Signal { id: "k".into(), name: "paid".into(), payload };
        assert_eq!(server.fake.heard().pop(), Some(Heard::Signal(expected)));
    }
    let fresh = async || {
        server.post("/v1/tasks/t1/signals/paid", json!(1)).await;
        let Some(Heard::Signal(signal)) = server.fake.heard().pop() else { panic!("a signal") };
        signal.id
    };
    let (one, two) = (fresh().await, fresh().await);
    assert!(one.len() == 26 && one != two, "{one} {two}");
}

#[tokio::test]
async fn a_signal_that_cannot_be_journaled_is_refused() {
    let server = Server::start().await;
    server.submit("wait").await;
    let path = "/v1/tasks/t1/signals/paid";
    says(&server.post_bytes(path, "").await, 400, "the body is empty");
    says(&server.post_bytes(path, "[".repeat(200) + &"]".repeat(200)).await, 400, "recursion limit");
    says(&server.post_bytes(path, format!("\"{}\"", "x".repeat(64 * 1024))).await, 413, "65536 bytes");
    Answer::of(server.request(Method::POST, path).body("{}")).await.problem(415);
    assert_eq!(server.fake.heard(), []);
}
