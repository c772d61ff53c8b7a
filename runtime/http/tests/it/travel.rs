//! Forking, exporting, forgetting.

use playhouse_api::{Export, ForkRequest};
use playhouse_core::task::Event;
use reqwest::Method;
use serde_json::json;

use crate::{
    fake::Heard,
    harness::{Answer, Server},
};

#[tokio::test]
async fn a_fork_is_a_new_task_that_says_where_it_comes_from() {
    let server = Server::start().await;
    server.submit("draw").await;
    let body = json!({"at": 2, "input": "in red", "agent": "painter", "model": "big"});
    let answer = server.post("/v1/tasks/t1/fork", body).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (202, Some("/v1/tasks/t2")));
    assert_eq!(answer.json()["forked"], json!({"task": "t1", "step": 2}));
    let wanted = ForkRequest {
        at: Some(2),
        input: Some("in red".into()),
        agent: Some("painter".into()),
        model: Some("big".into()),
    };
    assert_eq!(server.fake.heard(), [Heard::Fork(wanted)]);
}

#[tokio::test]
async fn a_fork_needs_no_body() {
    let server = Server::start().await;
    server.submit("draw").await;
    let answer = Answer::of(server.request(Method::POST, "/v1/tasks/t1/fork")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(server.fake.heard(), [Heard::Fork(ForkRequest::default())]);
}

#[tokio::test]
async fn a_fork_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    server.submit("draw").await;
    for (body, words) in [
        (json!({"at": 0}), "counted from 1"),
        (json!({"at": -1}), "invalid value"),
        (json!({"input": ""}), "leave it out"),
        (json!({"step": 1}), "unknown field `step`"),
    ] {
        let detail = server.post("/v1/tasks/t1/fork", body).await.problem(400);
        assert!(detail.contains(words), "{detail}");
    }
    server.post("/v1/tasks/nobody/fork", json!({})).await.problem(404);
    assert_eq!(server.fake.heard(), []);
}

#[tokio::test]
async fn an_export_holds_every_record_as_it_was_journaled() {
    let server = Server::start().await;
    server.submit("draw").await;
    server.fake.happen("t1", Event::ModelAsked { step: 1, attempt: 1 });
    server.fake.delta("t1", "…");
    server.fake.finish("t1", "a cat");
    let answer = server.get("/v1/tasks/t1/export").await;
    let export: Export = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((export.format.as_str(), export.task.as_str()), ("playhouse-task/1", "t1"));
    let events: Vec<_> = export.records.iter().map(|record| (record.seq, &record.event)).collect();
    assert_eq!(events[0], (0, &Event::ModelAsked { step: 1, attempt: 1 }));
    assert!(matches!(events[1], (1, Event::Finished { .. })) && events.len() == 2, "{events:?}");
    server.get("/v1/tasks/nobody/export").await.problem(404);
}

#[tokio::test]
async fn only_a_task_that_is_over_is_forgotten() {
    let server = Server::start().await;
    server.submit("draw").await;
    assert!(server.delete("/v1/tasks/t1").await.problem(409).contains("cancel it first"));
    server.fake.finish("t1", "a cat");
    let gone = server.delete("/v1/tasks/t1").await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
    server.get("/v1/tasks/t1").await.problem(404);
    server.delete("/v1/tasks/t1").await.problem(404);
}
