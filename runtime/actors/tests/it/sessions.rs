//! Sessions: order, memory, forgetting.

use std::sync::Arc;

use playhouse_api::{ApiErrorKind, Caller, RuntimeApi};
use playhouse_core::{
    id::SessionId,
    message::Message,
    task::{Event, Status},
};
use playhouse_testkit::{ScriptedModel, answer};
use tokio::sync::Semaphore;

use crate::house::Plan;

/// Answers with what the user said last, and how much of the past was visible.
fn parrot() -> ScriptedModel {
    ScriptedModel::new(|request| {
        let users: Vec<&str> = request
            .messages
            .iter()
            .filter_map(|message| match message {
                Message::User { content } => Some(content.as_str()),
                _ => None,
            })
            .collect();
        answer(&users.join("+"))
    })
}

#[tokio::test]
async fn a_follow_up_sees_the_earlier_turns_of_its_session_only() {
    let house = Plan::new(&parrot()).build().await;
    for (input, session, says) in [
        ("a", Some("s1"), "a"),
        ("b", Some("s1"), "a+b"),
        ("x", Some("s2"), "x"),
        ("y", None, "y"),
        ("c", Some("s1"), "a+b+c"),
    ] {
        let task = house.submit_to(input, session).await.unwrap();
        assert_eq!(house.finish(&task).await.output.as_deref(), Some(says));
    }
}

/// J6, with the second task submitted while the first one runs.
#[tokio::test]
async fn tasks_of_one_session_run_in_order_and_others_pass_by() {
    let gate = Arc::new(Semaphore::new(0));
    let house = Plan::new(&parrot().gated(gate.clone())).build().await;
    let first = house.submit_to("a", Some("s")).await.unwrap();
    let second = house.submit_to("b", Some("s")).await.unwrap();
    let other = house.submit("x").await.unwrap();
    house.until(&first, |event| matches!(event, Event::ModelAsked { .. })).await;
    house.until(&other, |event| matches!(event, Event::ModelAsked { .. })).await;
    let waiting = house.runtime.task(&Caller::local(), &second).await.unwrap();
    assert_eq!(waiting.head.status, Status::Queued);
    gate.add_permits(3);
    assert_eq!(house.finish(&second).await.output.as_deref(), Some("a+b"));
}

#[tokio::test]
async fn a_task_that_waits_for_its_session_can_be_cancelled() {
    let gate = Arc::new(Semaphore::new(0));
    let house = Plan::new(&parrot().gated(gate.clone())).build().await;
    let first = house.submit_to("a", Some("s")).await.unwrap();
    let second = house.submit_to("b", Some("s")).await.unwrap();
    house.runtime.cancel(&Caller::local(), &second, "changed my mind".into()).await.unwrap();
    assert_eq!(house.finish(&second).await.head.status, Status::Cancelled);
    gate.add_permits(2);
    assert_eq!(house.finish(&first).await.output.as_deref(), Some("a"));
    let third = house.submit_to("c", Some("s")).await.unwrap();
    assert_eq!(house.finish(&third).await.output.as_deref(), Some("a+c"), "a cancelled task leaves no turn");
}

#[tokio::test]
async fn a_deleted_session_is_forgotten() {
    let house = Plan::new(&parrot()).build().await;
    let (caller, id) = (Caller::local(), SessionId::new("s").unwrap());
    let task = house.submit_to("a", Some("s")).await.unwrap();
    house.finish(&task).await;
    assert_eq!(house.runtime.session(&caller, &id).await.unwrap().turns.len(), 1);
    house.runtime.delete_session(&caller, &id).await.unwrap();
    for gone in [
        house.runtime.session(&caller, &id).await.map(drop),
        house.runtime.delete_session(&caller, &id).await,
    ] {
        assert_eq!(gone.unwrap_err().kind, ApiErrorKind::NotFound);
    }
    let task = house.submit_to("b", Some("s")).await.unwrap();
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("b"));
}
