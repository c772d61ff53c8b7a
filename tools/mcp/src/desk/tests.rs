//! Which call a server speaks of, and how much of it is passed on.

use async_trait::async_trait;
use playhouse_core::{model::Reply, tool::ToolError};
use playhouse_ports::ToolQuestion;
use rmcp::model::{CallToolRequestParams, JsonRpcRequest};

use super::*;
use crate::{ServerConfig, Text};

/// Keeps what it is told.
#[derive(Default)]
struct Ear(Mutex<Vec<(u64, u64, String)>>);

#[async_trait]
impl ToolCaller for Ear {
    fn progress(&self, progress: ToolProgress) {
        let ToolProgress::Report { done, total, message } = progress else { panic!("{progress:?}") };
        self.0.lock().unwrap().push((done, total, message));
    }

    async fn ask(&self, _: ToolQuestion) -> Result<Reply, ToolError> {
        panic!("nobody asks")
    }
}

/// A call on its way through the guard with this id and token; what is left of it on the wire.
fn send(desk: &Desk, opened: &Opened, id: i64) -> serde_json::Value {
    let mut params = CallToolRequestParams::new("t");
    params.meta = Some(opened.marked(RequestMetaObject::new()));
    let mut request = ClientRequest::CallToolRequest(rmcp::model::CallToolRequest::new(params));
    request.get_meta_mut().set_progress_token(token(id));
    let mut message = JsonRpcMessage::Request(JsonRpcRequest::new(RequestId::Number(id), request));
    desk.note(&mut message);
    serde_json::to_value(message).unwrap()
}

fn policy() -> Policy {
    let env = [("TOKEN".to_owned(), Text::verbatim("hunter2-hunter2"))].into();
    Policy::of(&ServerConfig { env, ..ServerConfig::default() })
}

fn token(id: i64) -> ProgressToken {
    ProgressToken(RequestId::Number(id + 100))
}

fn said(id: i64, progress: f64, total: Option<f64>, message: &str) -> ProgressNotificationParam {
    let mut said = ProgressNotificationParam::new(token(id), progress).with_message(message);
    said.total = total;
    said
}

#[tokio::test]
async fn progress_reaches_the_call_it_is_about_and_no_other() {
    let (desk, one, two) = (Desk::default(), Arc::new(Ear::default()), Arc::new(Ear::default()));
    let (first, second) =
        (desk.open(Some(one.clone()), Instant::now()), desk.open(Some(two.clone()), Instant::now()));
    let wire = send(&desk, &first, 1);
    assert_eq!(wire["params"]["_meta"], json!({ "progressToken": 101 }), "the number is not on the wire");
    send(&desk, &second, 2);
    // The same call asks again, with what the server wanted to know.
    send(&desk, &second, 3);
    desk.progress(&said(1, 1.0, Some(4.0), "one\u{1b}\nstep of hunter2-hunter2"), &policy());
    desk.progress(&said(3, 0.25, Some(1.0), ""), &policy());
    desk.progress(&said(9, 1.0, None, "whose?"), &policy());
    assert_eq!(*one.0.lock().unwrap(), [(1, 4, "one\u{FFFD} step of [secret]".to_owned())]);
    assert_eq!(*two.0.lock().unwrap(), [(250, 1_000, String::new())]);
    drop(first);
    desk.progress(&said(1, 2.0, Some(4.0), "too late"), &policy());
    assert_eq!(one.0.lock().unwrap().len(), 1);
    drop(second);
    let cases = desk.lock();
    assert!(cases.open.is_empty() && cases.requests.is_empty() && cases.tokens.is_empty());
}

#[tokio::test(start_paused = true)]
async fn endless_progress_is_passed_on_at_a_bounded_rate_and_length() {
    let (desk, ear) = (Desk::default(), Arc::new(Ear::default()));
    let opened = desk.open(Some(ear.clone()), Instant::now());
    send(&desk, &opened, 1);
    for second in 1..=3_u32 {
        for step in 0..1_000 {
            desk.progress(&said(1, f64::from(step), None, &"x".repeat(1_000)), &policy());
        }
        let told = ear.0.lock().unwrap().clone();
        assert_eq!(told.len(), (PROGRESS_MAX * second) as usize);
        assert!(told.iter().all(|(_, _, message)| message.chars().count() <= PROGRESS_CHARS_MAX + 1));
        tokio::time::advance(PROGRESS_PERIOD * 2).await;
    }
}

#[test]
fn any_number_is_a_step() {
    for (done, total, wanted) in [
        (3.0, None, (3, 0)),
        (3.9, None, (3, 0)),
        (-1.0, Some(5.0), (0, 5)),
        (f64::NAN, Some(f64::NAN), (0, 0)),
        (f64::INFINITY, None, (u64::MAX, 0)),
        (1.0, Some(-3.0), (1, 0)),
        (1.5, Some(3.0), (500, 1_000)),
        (1e308, Some(0.5), (u64::MAX, 1_000)),
    ] {
        assert_eq!(steps(done, total), wanted, "{done} {total:?}");
    }
}

#[tokio::test]
async fn what_belongs_to_a_call_ends_with_it_and_is_counted() {
    let desk = Desk::default();
    let opened = desk.open(None, Instant::now());
    let case = opened.case.clone();
    assert!((0..3).all(|_| Case::one_more(&case.sampled, 3)) && !Case::one_more(&case.sampled, 3));
    assert!(futures_util::poll!(std::pin::pin!(case.over())).is_pending());
    drop(opened);
    case.over().await;
}
