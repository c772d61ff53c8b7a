//! Chat completions of agents that park: the client is not left waiting for what may take days.

use std::time::Duration;

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Event, Join, Wait, WaitView},
};
use playhouse_http::Options;
use serde_json::{Value, json};

use crate::harness::{Answer, HANG, Server};

const PATH: &str = "/v1/chat/completions";

fn ask(stream: bool) -> Value {
    json!({"model": "helper", "messages": [{"role": "user", "content": "x"}], "stream": stream})
}

async fn server(parked_wait: Duration) -> Server {
    Server::start_with(Options { parked_wait, ..Options::default() }).await
}

/// Asks, while `then` happens to task `t1`.
async fn chat(server: &Server, stream: bool, then: impl Future<Output = ()>) -> Answer {
    let then = async {
        server.fake.submitted().await;
        then.await;
    };
    tokio::time::timeout(HANG, async { tokio::join!(server.post(PATH, ask(stream)), then).0 }).await.unwrap()
}

fn park(server: &Server, wait: Wait) {
    let due_ms = wait.due_ms();
    let view = WaitView {
        effect_id: EffectId::new(&TaskId::new("t1").unwrap(), 1, 0),
        tool: "wait".into(),
        arguments: json!({}),
        args_digest: "d1".into(),
        wait,
    };
    server.fake.park("t1", view);
    server.fake.happen("t1", Event::Parked { at_ms: 5, due_ms });
}

fn approval() -> Wait {
    Wait::Approval { reason: "it is a lot".into(), expires_ms: 9000 }
}

#[tokio::test]
async fn a_client_hears_what_its_parked_task_waits_for_and_where_to_go_on() {
    let signal = Wait::Signal { name: "paid".into(), expires_ms: 9000 };
    for (wait, told) in [
        (approval(), "POST /v1/tasks/t1/decisions"),
        (signal, "POST /v1/tasks/t1/signals/NAME"),
        (Wait::Timer { at_ms: 77_000 }, "77000 ms since 1970"),
    ] {
        let server = server(Duration::from_millis(50)).await;
        let answer = chat(&server, false, async { park(&server, wait) }).await;
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert_eq!(answer.header("x-should-retry"), Some("false"), "a second try would be a second task");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "task_parked");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(told) && message.contains("its answer under /v1/tasks/t1"), "{message}");
    }
}

#[tokio::test]
async fn a_streamed_answer_ends_in_the_same_way() {
    let server = server(Duration::from_millis(50)).await;
    let answer = chat(&server, true, async { park(&server, approval()) }).await;
    assert!(answer.body.contains(r#""code":"task_parked""#), "{}", answer.body);
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_task_that_goes_on_in_time_is_answered_as_any_other() {
    let server = server(HANG * 2).await;
    let decided = async {
        park(&server, approval());
        server.fake.happen("t1", Event::Woken { at_ms: 6 });
        server.fake.finish("t1", "paid");
    };
    let answer = chat(&server, false, decided).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "paid");
}

#[tokio::test]
async fn a_task_whose_own_tasks_are_at_work_is_waited_for() {
    let server = server(Duration::from_millis(20)).await;
    let child = TaskId::new("t1.1.0").unwrap();
    let done = async {
        park(&server, Wait::Children { tasks: vec![child], parallel: 1, join: Join::One });
        // Ten times as long as any other wait would be borne.
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.fake.finish("t1", "both of us");
    };
    let answer = chat(&server, false, done).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
