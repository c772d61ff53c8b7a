//! Coming to rest before a stop.

use std::{sync::Arc, time::Duration};

use playhouse_api::{ApiErrorKind, Caller, ForkRequest, RuntimeApi};
use playhouse_core::{
    task::{Event, Status},
    tool::EffectClass,
};
use playhouse_ports::Journal;
use playhouse_testkit::{FnTools, MemoryJournal, ScriptedModel, agent, answer, call_tool};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    brittle::{GatedTools, StuckTools},
    house::Plan,
};

const LONG: Duration = Duration::from_secs(60);

/// Pays once, then answers.
fn payer() -> ScriptedModel {
    ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({"euro": 5})),
        _ => answer("paid"),
    })
}

fn plan(model: &ScriptedModel, tools: &FnTools, journal: MemoryJournal) -> Plan {
    let mut plan = Plan::new(model);
    plan.tools = tools.clone();
    plan.agent = agent("assistant", ["pay"]);
    plan.journal = journal;
    plan
}

/// The heart of it: a `once` call under way is not cut off, its result is durable, and the model is not asked
/// the next question by this process but by the next.
#[tokio::test]
async fn a_decided_tool_call_ends_and_the_next_question_waits_for_the_next_start() {
    let (model, gate) = (payer(), Arc::new(Semaphore::new(0)));
    let tools = FnTools::new().with("pay", EffectClass::Once, Ok);
    let mut first = plan(&model, &tools, MemoryJournal::new());
    first.around.tools = Some(Arc::new(GatedTools(tools.clone(), gate.clone())));
    let house = first.build().await;
    let task = house.submit("pay").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ToolAsked { .. })).await;

    let runtime = house.runtime.clone();
    let mut draining = Box::pin(runtime.drain(LONG));
    assert!(futures_util::poll!(&mut draining).is_pending());
    let refused = house.submit("another").await.unwrap_err();
    assert_eq!(refused.kind, ApiErrorKind::Unavailable);
    assert!(refused.retry_after_ms.is_some() && refused.message.contains("stopping"), "{refused:?}");
    let health = house.runtime.health().await;
    assert_eq!((health.ready, health.problems), (false, vec!["the daemon is stopping".to_owned()]));

    gate.add_permits(1);
    assert_eq!(draining.as_mut().await, 0);
    assert_eq!(model.asked(), 1, "nothing new is asked");
    let journal = house.stop().await;
    let records = journal.read(&task, 0, 100).await.unwrap();
    let done = records.iter().any(|record| matches!(record.event, Event::ToolDone { .. }));
    assert!(done, "what the tool answered is durable");

    let house = plan(&model, &tools, journal).build().await;
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("paid"));
    assert_eq!((tools.started().len(), model.asked()), (1, 2));
}

#[tokio::test]
async fn a_model_call_that_runs_is_waited_for_and_one_that_queues_is_not() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("ok")).gated(gate.clone());
    let tools = FnTools::new().with("pay", EffectClass::Once, Ok);
    let mut first = plan(&model, &tools, MemoryJournal::new());
    first.permits = 1;
    let house = first.build().await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        tasks.push(house.submit("go").await.unwrap());
    }
    house.until(&tasks[19], |event| matches!(event, Event::ModelAsked { .. })).await;
    let runtime = house.runtime.clone();
    let mut draining = Box::pin(runtime.drain(LONG));
    assert!(futures_util::poll!(&mut draining).is_pending());
    gate.add_permits(100);
    assert_eq!(draining.as_mut().await, 0);
    assert_eq!(model.asked(), 1, "the queue is left to the next start");
    let journal = house.stop().await;

    let house = plan(&model, &tools, journal).build().await;
    for task in &tasks {
        assert_eq!(house.finish(task).await.head.status, Status::Done);
    }
    assert_eq!(model.asked(), 20, "no question was asked twice");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_counted_and_honestly_unknown_afterwards() {
    let model = payer();
    let tools = FnTools::new().with("pay", EffectClass::Once, Ok);
    let mut first = plan(&model, &tools, MemoryJournal::new());
    first.around.tools = Some(Arc::new(StuckTools(tools.clone())));
    let house = first.build().await;
    let task = house.submit("pay").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ToolAsked { .. })).await;
    assert_eq!(house.runtime.drain(Duration::from_millis(50)).await, 1);
    let journal = house.stop().await;

    let house = plan(&model, &tools, journal).build().await;
    let events = house.events(&task, 0).await;
    assert!(events.iter().any(|event| matches!(event, Event::OutcomeUnknown { .. })));
    assert_eq!(tools.started().len(), 1);
}

#[tokio::test]
async fn a_repeated_submission_is_still_answered_while_stopping() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let house = Plan::new(&model).build().await;
    let submission = || playhouse_api::Submission {
        agent: "assistant".into(),
        input: "go".into(),
        idempotency_key: Some("k".into()),
        ..Default::default()
    };
    let caller = Caller::local();
    let first = house.runtime.submit(&caller, submission()).await.unwrap();
    house.runtime.drain(LONG).await;
    let again = house.runtime.submit(&caller, submission()).await.unwrap();
    assert!(again.replayed && again.task.head.task == first.task.head.task);
}

/// It would be durable and do nothing, in a process that is about to go: like a submission, it is refused.
#[tokio::test]
async fn no_fork_is_taken_in_while_stopping() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    house.finish(&task).await;
    house.runtime.drain(LONG).await;
    let refused = house.runtime.fork(&Caller::local(), &task, ForkRequest::default()).await.unwrap_err();
    assert_eq!(refused.kind, ApiErrorKind::Unavailable, "{refused}");
    assert!(refused.retry_after_ms.is_some() && refused.message.contains("stopping"), "{refused:?}");
    assert_eq!(house.journal.heads(None, 10).await.unwrap().len(), 1, "nothing was written");
}
