//! Tasks that wait for people and messages, and what is said to them.

use playhouse::{
    Agent, AgentBuilder, ApiErrorKind, Approval, Decision, Error, Playhouse, Retry, Status, Tool,
    ToolFailure, Waiting, replay,
    testing::{answer, call_tool},
    tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{listening, tool_results};

/// Takes nothing.
#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Paid {
    amount: u32,
}

fn act() -> Tool {
    tool("act", |_: Nothing| async move { Ok("acted") })
}

/// A house with one agent.
async fn house(agent: AgentBuilder) -> Playhouse {
    let agent = agent.build().expect("the agent is sound");
    Playhouse::builder().agent(agent).start().await.expect("the house starts")
}

#[tokio::test]
async fn a_denied_call_is_not_made_and_the_model_hears_why() {
    let (model, heard) = listening(vec![call_tool("act", json!({})), answer("very well")]);
    let house = house(Agent::builder("a").tool(act()).approve(Approval::of("act")).own_model(model)).await;
    let task = house.agent("a").stream("go").await.unwrap().handle();
    let view = task.parked().await.unwrap();
    assert_eq!((view.head.status, view.head.waiting), (Status::Parked, Some(Waiting::Approval)));
    let wrong = task.decide(&view.waits[0], "ada", Decision::Retry).await.unwrap_err();
    assert!(matches!(&wrong, Error::Refused(error) if error.kind == ApiErrorKind::Conflict), "{wrong}");
    task.deny(&view.waits[0], "ada", "not today").await.unwrap();
    assert_eq!(task.answer().await.unwrap().text(), "very well");
    assert!(tool_results(&heard)[0].contains("not today"));
    house.stop().await;
}

#[tokio::test]
async fn a_signal_wakes_the_task_that_waits_for_it_and_must_fit_its_type() {
    let (model, heard) =
        listening(vec![call_tool("wait_signal", json!({ "name": "paid" })), answer("thanks")]);
    let house = house(Agent::builder("a").signal::<Paid>("paid").own_model(model)).await;
    let task = house.agent("a").stream("go").await.unwrap().handle();
    assert_eq!(task.parked().await.unwrap().head.waiting, Some(Waiting::Signal));
    let misfit = task.signal("paid", "plenty").await.unwrap_err();
    assert!(matches!(&misfit, Error::Refused(error) if error.kind == ApiErrorKind::BadRequest), "{misfit}");
    task.signal("paid", Paid { amount: 3 }).await.unwrap();
    assert_eq!(task.answer().await.unwrap().text(), "thanks");
    assert!(tool_results(&heard)[0].contains(r#""amount":3"#), "{:?}", tool_results(&heard));
    house.stop().await;
}

#[tokio::test]
async fn a_paused_task_goes_on_where_it_stood_when_it_is_resumed() {
    let (model, _) = listening(vec![call_tool("act", json!({})), answer("done")]);
    let house = house(Agent::builder("a").tool(act()).approve(Approval::of_any()).own_model(model)).await;
    let task = house.agent("a").stream("go").await.unwrap().handle();
    task.parked().await.unwrap();
    task.pause("lunch").await.unwrap();
    let view = task.view().await.unwrap();
    assert_eq!((view.head.waiting, view.reason.as_deref()), (Some(Waiting::Paused), Some("lunch")));
    task.resume().await.unwrap();
    let view = task.parked().await.unwrap();
    task.approve(&view.waits[0], "ada").await.unwrap();
    assert_eq!(task.answer().await.unwrap().text(), "done");
    let export = task.export().await.unwrap();
    assert_eq!(replay(&export, None).unwrap().divergence, None);
    task.clone().forget().await.unwrap();
    assert!(task.view().await.is_err());
    house.stop().await;
}

#[tokio::test]
async fn a_failed_call_that_may_be_repeated_is_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let flaky = tool("flaky", move |_: Nothing| {
        let attempt = count.fetch_add(1, Ordering::SeqCst);
        async move { if attempt == 0 { Err(ToolFailure::upstream("503")) } else { Ok("there") } }
    });
    let (model, heard) = listening(vec![call_tool("flaky", json!({})), answer("done")]);
    let retry = Retry { times: 2, backoff_ms: 1, ..Retry::default() };
    let house = house(Agent::builder("a").tool(flaky.pure()).retry("flaky", retry).own_model(model)).await;
    house.agent("a").run("go").await.unwrap();
    assert_eq!((tries.load(Ordering::SeqCst), &tool_results(&heard)[..]), (2, &["\"there\"".to_owned()][..]));
    house.stop().await;
}
