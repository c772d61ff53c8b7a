//! Following a task: order, resumption, provisional text, and breaks.

use playhouse_api::{ApiError, ApiErrorKind};
use playhouse_core::{
    labels::Labels,
    message::{Assistant, Message},
    model::{Finish, Reply, Usage},
    task::Event,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Answer, HANG, Server};

/// One server-sent event.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    id: Option<u64>,
    event: String,
    data: Value,
}

/// A client in the middle of an event stream.
pub(crate) struct Follower {
    response: Response,
    unread: String,
}

impl Follower {
    pub(crate) async fn follow(server: &Server, id: &str, query: &str, last: Option<u64>) -> Self {
        let mut request = server.request(Method::GET, &format!("/v1/tasks/{id}/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The next event; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.unread.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.unread = rest;
                if !frame.starts_with(':') {
                    return Some(parse(&frame));
                }
                continue;
            }
            let chunk = timeout(HANG, self.response.chunk()).await.expect("the stream goes on").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

fn parse(text: &str) -> Frame {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Frame {
        id: field("id").map(|id| id.parse().unwrap()),
        event: field("event").unwrap().to_owned(),
        data: serde_json::from_str(field("data").unwrap()).unwrap(),
    }
}

fn ids(frames: &[Frame]) -> Vec<u64> {
    frames.iter().filter_map(|frame| frame.id).collect()
}

fn names(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.event.as_str()).collect()
}

fn asked(step: u32) -> Event {
    Event::ModelAsked { step, attempt: 1 }
}

#[tokio::test]
async fn events_come_in_order_past_ones_first_and_the_stream_ends_after_the_last() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    server.fake.happen(&id, asked(1));
    let mut follower = Follower::follow(&server, &id, "", None).await;
    let first = follower.next().await.unwrap();
    let data = json!({
        "seq": 0, "at_ms": 1001, "epoch": 1, "labels": [], "type": "model_asked", "step": 1, "attempt": 1,
    });
    assert_eq!(first, Frame { id: Some(0), event: "model_asked".into(), data });
    server.fake.happen(&id, asked(2));
    assert_eq!(follower.next().await.unwrap().id, Some(1), "a live one");
    server.fake.finish(&id, "Berlin\r\n\ndone");
    let last = follower.rest().await;
    assert_eq!(names(&last), ["finished"]);
    assert_eq!(last[0].data["status"], "done");
    assert_eq!(last[0].data["output"], "Berlin\r\n\ndone", "line breaks do not break the frame");
}

#[tokio::test]
async fn a_client_that_reconnects_after_every_event_loses_none_and_gets_none_twice() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    let (mut seen, mut last) = (Vec::new(), None);
    for step in 0..20 {
        server.fake.happen(&id, asked(step));
        server.fake.delta(&id, "…");
        let mut follower = Follower::follow(&server, &id, "?deltas=true&from=0", last).await;
        let frame = follower.next().await.unwrap();
        let frame = if frame.id.is_none() { follower.next().await.unwrap() } else { frame };
        last = frame.id;
        seen.push(frame.id.unwrap());
    }
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_can_begin_at_any_event_and_the_header_goes_before_the_query() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    for step in 1..4 {
        server.fake.happen(&id, asked(step));
    }
    server.fake.finish(&id, "done");
    assert_eq!(ids(&Follower::follow(&server, &id, "?from=2", None).await.rest().await), [2, 3]);
    assert_eq!(ids(&Follower::follow(&server, &id, "?from=0", Some(2)).await.rest().await), [3]);
    assert_eq!(ids(&Follower::follow(&server, &id, "", None).await.rest().await), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_client_that_has_everything_of_a_finished_task_is_told_to_stop() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    server.fake.finish(&id, "done");
    for last in ["0", "7"] {
        let request = server.request(Method::GET, &format!("/v1/tasks/{id}/events"));
        let answer = Answer::of(request.header("last-event-id", last)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    }
}

#[tokio::test]
async fn provisional_text_comes_without_an_id_and_only_when_asked_for() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    server.fake.happen(&id, asked(1));
    server.fake.delta(&id, "Ber");
    server.fake.delta(&id, "lin");
    server.fake.finish(&id, "Berlin");
    let told = Follower::follow(&server, &id, "?deltas=true", None).await.rest().await;
    assert_eq!(names(&told), ["model_asked", "delta", "delta", "finished"]);
    assert_eq!(ids(&told), [0, 1]);
    assert_eq!(told[1], Frame { id: None, event: "delta".into(), data: json!({"step": 1, "text": "Ber"}) });
    let untold = Follower::follow(&server, &id, "", None).await.rest().await;
    assert_eq!(names(&untold), ["model_asked", "finished"]);
}

#[tokio::test]
async fn a_break_in_the_middle_is_told_and_a_reconnect_goes_on_where_it_broke() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    server.fake.happen(&id, asked(1));
    server.fake.finish(&id, "done");
    let error = ApiError::new(ApiErrorKind::Unavailable, "the journal is away").retry_after(300);
    server.fake.break_stream_at(1, error);
    let broken = Follower::follow(&server, &id, "", None).await.rest().await;
    assert_eq!(names(&broken), ["model_asked", "problem"]);
    assert_eq!((broken[1].id, &broken[1].data["status"]), (None, &json!(503)));
    assert_eq!(broken[1].data["detail"], "the journal is away");
    let resumed = Follower::follow(&server, &id, "", broken[0].id).await.rest().await;
    assert_eq!(ids(&resumed), [1]);
}

#[tokio::test]
async fn a_stream_that_cannot_begin_is_a_plain_problem() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    server.fake.refuse_next(ApiError::new(ApiErrorKind::TooBusy, "too many watchers"));
    server.get(&format!("/v1/tasks/{id}/events")).await.problem(429);
}

#[tokio::test]
async fn what_a_backend_keeps_for_itself_is_not_in_the_events() {
    let server = Server::start().await;
    let id = server.submit("x").await;
    let message =
        Assistant { content: "hi".into(), provider: Some(json!("secret-tokens")), ..Default::default() };
    let usage = Usage { input_tokens: 7, cached_tokens: 3, output_tokens: 2 };
    server.fake.happen(
        &id,
        Event::Started {
            history: vec![Message::Assistant(message.clone())],
            dropped_turns: 0,
            labels: Labels::default(),
        },
    );
    let reply = Reply { message, usage, finish: Finish::Stop, model: "nano@c2".into() };
    server.fake.happen(&id, Event::ModelReplied { step: 1, reply });
    server.fake.finish(&id, "hi");
    let frames = Follower::follow(&server, &id, "", None).await.rest().await;
    assert!(!format!("{frames:?}").contains("secret-tokens"));
    let expected = json!({
        "seq": 1, "at_ms": 1002, "epoch": 1, "labels": [], "type": "model_replied", "step": 1,
        "content": "hi", "tool_calls": [], "finish": "stop", "model": "nano@c2",
        "usage": {"input_tokens": 7, "cached_tokens": 3, "output_tokens": 2},
    });
    assert_eq!(frames[1].data, expected);
}
