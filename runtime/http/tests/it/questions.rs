//! What running calls ask people: listed, answered, declined.

use playhouse_api::Question;
use playhouse_core::id::{EffectId, TaskId};
use serde_json::json;

use crate::{fake::Heard, harness::Server};

async fn asking() -> Server {
    let server = Server::start().await;
    server.submit("move").await;
    server.fake.ask(Question {
        number: 7,
        effect_id: EffectId::new(&TaskId::new("t1").unwrap(), 1, 0),
        tool: "files__move".into(),
        message: "Overwrite it?".into(),
        schema: json!({"type": "object", "properties": {"sure": {"type": "boolean"}}}),
        asked_ms: 5,
    });
    server
}

#[tokio::test]
async fn an_open_question_is_listed_and_its_answer_reaches_the_runtime() {
    let server = asking().await;
    let listed = server.get("/v1/tasks/t1/questions").await.json();
    let question = json!({
        "number": 7, "effect_id": "t1/1.0", "tool": "files__move", "message": "Overwrite it?",
        "schema": {"type": "object", "properties": {"sure": {"type": "boolean"}}}, "asked_ms": 5,
    });
    assert_eq!(listed, json!({"questions": [question]}));
    let answer = server.post("/v1/tasks/t1/questions/7", json!({"answer": {"sure": true}})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"questions": []})));
    let said = json!({"sure": true}).as_object().cloned();
    assert_eq!(server.fake.heard(), [Heard::Answer(7, said)]);
    server.post("/v1/tasks/t1/questions/7", json!({"decline": true})).await.problem(404);
}

#[tokio::test]
async fn a_question_can_be_declined() {
    let server = asking().await;
    assert_eq!(server.post("/v1/tasks/t1/questions/7", json!({"decline": true})).await.status, 200);
    assert_eq!(server.fake.heard(), [Heard::Answer(7, None)]);
}

#[tokio::test]
async fn what_is_no_answer_is_refused_before_it_reaches_the_runtime() {
    let server = asking().await;
    let path = "/v1/tasks/t1/questions/7";
    for body in [
        json!({}),
        json!({"decline": false}),
        json!({"answer": {}, "decline": true}),
        json!({"answer": "yes"}),
        json!({"say": {}}),
    ] {
        server.post(path, body).await.problem(400);
    }
    server.post(path, json!({"answer": {"sure": "x".repeat(64 * 1024)}})).await.problem(413);
    server.post("/v1/tasks/t1/questions/first", json!({"decline": true})).await.problem(400);
    server.post("/v1/tasks/t2/questions/7", json!({"decline": true})).await.problem(404);
    server.get("/v1/tasks/t2/questions").await.problem(404);
    assert_eq!(server.fake.heard(), []);
}
