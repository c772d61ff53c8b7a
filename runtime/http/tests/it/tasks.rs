//! Submitting, looking, listing, cancelling; sessions and catalogs: what answers look like.

use playhouse_core::{
    agent::LimitsOverride,
    id::{SessionId, Tenant},
    labels::Labels,
    message::{Arguments, Assistant, Message, ToolCall},
    session::{Session, Turn},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fake::task_id,
    harness::{Answer, Server},
};

async fn submit_with_key(server: &Server, key: &str, input: &str) -> Answer {
    let request = server.request(Method::POST, "/v1/tasks").header("idempotency-key", key);
    Answer::of(request.json(&json!({"agent": "helper", "input": input}))).await
}

#[tokio::test]
async fn a_submitted_task_answers_202_with_its_place() {
    let server = Server::start().await;
    let answer = server.post("/v1/tasks", json!({"agent": "helper", "input": "hi"})).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("location"), Some("/v1/tasks/t1"));
    assert_eq!(answer.header("idempotency-replayed"), None);
    let expected = json!({
        "id": "t1", "agent": "helper", "session": null, "status": "queued", "input": "hi", "output": null,
        "error": null, "reason": null, "steps": 0, "epoch": 1, "events": 0, "waiting": null, "waits": [],
        "due_ms": null, "parent": null, "children": [], "forked": null, "cost_microusd": 0, "fuel": 0,
        "usage": {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0},
        "submitted_ms": 1000, "updated_ms": 1000,
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(server.get("/v1/tasks/t1").await.json(), expected);
}

#[tokio::test]
async fn everything_in_a_submission_reaches_the_runtime() {
    let server = Server::start().await;
    let body = json!({
        "agent": "helper", "input": "hi\u{0}", "session": "trip", "topic": "berlin",
        "limits": {"steps": 3, "time_ms": 9, "tokens": 8, "cost_microusd": 7, "fuel": 10, "children": 6, "depth": 5},
        "labels": ["user", "mail"], "until_ms": 4_000_000_000_000_u64,
    });
    assert_eq!(server.post("/v1/tasks", body).await.status, 202);
    let submission = server.fake.submission("t1");
    assert_eq!(submission.input, "hi\0", "NUL is text; the runtime decides whether it wants it");
    assert_eq!(submission.session, Some(SessionId::new("trip").unwrap()));
    assert_eq!(submission.topic.as_deref(), Some("berlin"));
    let limits = LimitsOverride {
        steps: Some(3),
        time_ms: Some(9),
        tokens: Some(8),
        cost_microusd: Some(7),
        fuel: Some(10),
        children: Some(6),
        depth: Some(5),
    };
    assert_eq!(submission.limits, limits);
    assert_eq!(submission.until_ms, Some(4_000_000_000_000));
    assert_eq!(submission.labels, Labels::of(["user", "mail"]));
    assert_eq!(server.fake.callers()[0].tenant, Tenant::local());
}

#[tokio::test]
async fn the_same_key_with_the_same_body_is_the_same_task() {
    let server = Server::start().await;
    let first = submit_with_key(&server, "k1", "hi").await;
    let again = submit_with_key(&server, "k1", "hi").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 200));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("location"), Some("/v1/tasks/t1"));
    assert_eq!(first.json(), again.json());
    assert_eq!(server.fake.tasks_len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let server = Server::start().await;
    submit_with_key(&server, "k1", "hi").await;
    let detail = submit_with_key(&server, "k1", "ho").await.problem(409);
    assert!(detail.contains("another body"), "{detail}");
    assert_eq!(server.fake.tasks_len(), 1);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let server = Server::start().await;
    for n in 0..5 {
        server.submit(&format!("{n}")).await;
    }
    let (mut path, mut seen) = ("/v1/tasks?limit=2".to_owned(), Vec::new());
    loop {
        let page = server.get(&path).await.json();
        let tasks = page["tasks"].as_array().unwrap();
        assert!(tasks.len() <= 2);
        seen.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        match &page["next"] {
            Value::String(next) => path = format!("/v1/tasks?limit=2&before={next}"),
            next => break assert!(next.is_null()),
        }
    }
    assert_eq!(seen, ["t5", "t4", "t3", "t2", "t1"]);
}

#[tokio::test]
async fn a_list_can_be_narrowed_to_a_status_and_a_session() {
    let server = Server::start().await;
    server.submit("a").await;
    server.post("/v1/tasks", json!({"agent": "helper", "input": "b", "session": "trip"})).await;
    server.fake.finish("t1", "done");
    let ids = async |query: &str| {
        let page = server.get(&format!("/v1/tasks?{query}")).await.json();
        page["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("status=done").await, ["t1"]);
    assert_eq!(ids("session=trip").await, ["t2"]);
    assert_eq!(ids("session=trip&status=done").await, [""; 0]);
}

#[tokio::test]
async fn cancelling_takes_a_reason_or_none() {
    let server = Server::start().await;
    server.submit("a").await;
    server.submit("b").await;
    let told = server.post("/v1/tasks/t1/cancel", json!({"reason": "changed my mind"})).await.json();
    assert_eq!((&told["status"], &told["reason"]), (&json!("cancelled"), &json!("changed my mind")));
    let silent = Answer::of(server.request(Method::POST, "/v1/tasks/t2/cancel")).await;
    assert_eq!(silent.status, 200);
    assert_eq!(silent.json()["reason"], "cancelled by the caller");
}

#[tokio::test]
async fn a_session_shows_its_turns_but_not_what_a_backend_keeps_for_itself() {
    let server = Server::start().await;
    let call = |arguments| ToolCall { id: "c1".into(), name: "lookup".into(), arguments };
    let malformed = Arguments::Malformed { raw: "{oops".into(), error: "no".into() };
    let reply = Message::Assistant(Assistant {
        content: "hello".into(),
        tool_calls: vec![call(Arguments::Json(json!({"q": 1}))), call(malformed)],
        provider: Some(json!("secret-tokens")),
    });
    let mut session = Session::new(SessionId::new("trip").unwrap(), Tenant::local(), 5);
    let messages = vec![Message::user("hi"), reply];
    session.put(Turn {
        task: task_id("t1"),
        topic: Some("berlin wall".into()),
        at_ms: 4,
        messages,
        labels: Labels::default(),
    });
    server.fake.put_session(session);

    let answer = server.get("/v1/sessions/trip").await;
    assert!(!answer.body.contains("secret-tokens"));
    let calls = json!([
        {"id": "c1", "name": "lookup", "arguments": {"q": 1}},
        {"id": "c1", "name": "lookup", "arguments": null, "malformed": {"raw": "{oops", "error": "no"}},
    ]);
    let messages = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello", "tool_calls": calls},
    ]);
    let turn = json!({"task": "t1", "topic": "berlin wall", "at_ms": 4, "messages": messages});
    assert_eq!(answer.json(), json!({"id": "trip", "pinned": [], "turns": [turn], "used_ms": 5}));

    assert_eq!(server.delete("/v1/sessions/trip/topics/berlin%20wall").await.json(), json!({"dropped": 1}));
    let gone = server.delete("/v1/sessions/trip").await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
    server.get("/v1/sessions/trip").await.problem(404);
}

#[tokio::test]
async fn catalogs_list_what_the_daemon_has() {
    let server = Server::start().await;
    let agents = server.get("/v1/agents").await.json();
    assert_eq!(agents["agents"][0]["name"], "helper");
    let tools = server.get("/v1/tools").await.json();
    assert_eq!(
        (&tools["tools"][0]["name"], &tools["tools"][0]["effect"]),
        (&json!("lookup"), &json!("pure"))
    );
    let annotations =
        json!({ "read_only": true, "destructive": false, "idempotent": true, "open_world": false });
    assert_eq!(tools["tools"][0]["annotations"], annotations);
    let model = json!({
        "id": "nano", "object": "model", "created": 0, "owned_by": "llama_cpp", "version": "sha256:c2",
        "context_tokens": 4096,
    });
    assert_eq!(server.get("/v1/models").await.json(), json!({"object": "list", "data": [model]}));
}
