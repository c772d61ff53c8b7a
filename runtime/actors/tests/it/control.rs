//! Holding a task still, forking, exporting, forgetting, taking back.

use std::sync::Arc;

use playhouse_api::{ApiErrorKind, Caller, ForkRequest, RuntimeApi};
use playhouse_core::{
    policy::{Retry, ToolRules, UndoRule},
    task::{Event, Status, Waiting, replay},
    tool::{EffectClass, ToolError, ToolErrorKind},
};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::house::Plan;

fn me() -> Caller {
    Caller::local()
}

#[tokio::test]
async fn a_paused_task_stops_its_model_and_asks_again_when_it_goes_on() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("done")).gated(gate.clone());
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let view = house.runtime.pause(&me(), &task, "lunch".into()).await.unwrap();
    assert_eq!((view.head.status, view.head.waiting), (Status::Parked, Some(Waiting::Paused)));
    assert_eq!(view.reason.as_deref(), Some("lunch"));
    let again = house.runtime.pause(&me(), &task, "tea".into()).await.unwrap_err();
    assert_eq!(again.kind, ApiErrorKind::Conflict);
    house.parked(&task).await;
    gate.add_permits(9);
    house.runtime.resume(&me(), &task).await.unwrap();
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_queued_task_can_be_paused_and_starts_when_it_goes_on() {
    let gate = Arc::new(Semaphore::new(0));
    let mut plan = Plan::new(&ScriptedModel::new(|_| answer("done")).gated(gate.clone()));
    plan.bounds.live_tasks = 1;
    let house = plan.build().await;
    let first = house.submit("one").await.unwrap();
    let second = house.submit("two").await.unwrap();
    let view = house.runtime.pause(&me(), &second, "wait".into()).await.unwrap();
    assert_eq!(view.head.status, Status::Parked);
    gate.add_permits(9);
    house.finish(&first).await;
    assert_eq!(house.runtime.task(&me(), &second).await.unwrap().head.status, Status::Parked);
    house.runtime.resume(&me(), &second).await.unwrap();
    assert_eq!(house.finish(&second).await.output.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_fork_shares_the_past_and_goes_its_own_way() {
    let tools = FnTools::new().with("book", EffectClass::Once, Ok);
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("book", json!({ "room": 1 })),
        n => answer(&format!("{n}: {:?}", request.messages.last())),
    });
    let mut plan = Plan::new(&model);
    plan.tools = tools.clone();
    plan.agent = agent("assistant", ["book"]);
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    house.finish(&task).await;
    let request = ForkRequest { at: Some(2), input: Some("and now?".into()), ..ForkRequest::default() };
    let forked = house.runtime.fork(&me(), &task, request).await.unwrap();
    let done = house.finish(&forked.head.task).await;
    assert!(done.output.unwrap().contains("and now?"));
    assert_eq!(done.forked, Some((task.clone(), 2)));
    assert_eq!(tools.started().len(), 1, "what was shared is not done again");

    let refused =
        house.runtime.fork(&me(), &task, ForkRequest { at: Some(9), ..ForkRequest::default() }).await;
    assert_eq!(refused.unwrap_err().kind, ApiErrorKind::BadRequest);
    for id in [&task, &forked.head.task] {
        let export = house.runtime.export(&me(), id).await.unwrap();
        assert_eq!(replay(&export.records, None).unwrap().divergence, None);
    }
}

#[tokio::test]
async fn a_finished_task_is_forgotten_and_an_open_one_is_not() {
    let gate = Arc::new(Semaphore::new(0));
    let house = Plan::new(&ScriptedModel::new(|_| answer("done")).gated(gate.clone())).build().await;
    let task = house.submit("go").await.unwrap();
    assert_eq!(house.runtime.forget(&me(), &task).await.unwrap_err().kind, ApiErrorKind::Conflict);
    gate.add_permits(1);
    house.finish(&task).await;
    house.runtime.forget(&me(), &task).await.unwrap();
    assert_eq!(house.runtime.task(&me(), &task).await.unwrap_err().kind, ApiErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_be_repeated_is_and_what_was_done_is_taken_back_newest_first() {
    let failures = Arc::new(Semaphore::new(2));
    let flaky = move |arguments| match failures.try_acquire() {
        Ok(permit) => {
            permit.forget();
            Err(ToolError::new(ToolErrorKind::Upstream, "not now"))
        }
        Err(_) => Ok(arguments),
    };
    let tools =
        FnTools::new().with("book", EffectClass::Idempotent, flaky).with("cancel", EffectClass::Pure, Ok);
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("book", json!({ "room": 1 })),
        4 => call_tool("book", json!({ "room": 2 })),
        _ => answer(""),
    });
    let mut plan = Plan::new(&model);
    plan.tools = tools.clone();
    plan.agent = agent("assistant", ["book", "cancel"]);
    let undo = UndoRule { tool: "cancel".into(), arguments: json!({ "room": "$output/room" }) };
    let rules = ToolRules { retry: Retry { times: 3, ..Retry::default() }, undo: Some(undo) };
    plan.agent.policy.rules.insert("book".into(), rules);
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    let events = house.events(&task, 0).await;
    assert_eq!(house.finish(&task).await.head.status, Status::Failed);
    let undone = events.iter().filter_map(|event| match event {
        Event::ToolAsked(intent) if intent.tool == "cancel" => Some(intent.arguments["room"].as_u64()),
        _ => None,
    });
    assert_eq!(undone.collect::<Vec<_>>(), [Some(2), Some(1)]);
    let retried = events.iter().filter(|event| matches!(event, Event::ToolRetried { .. })).count();
    assert_eq!((retried, tools.started().len()), (2, 6));
}

#[tokio::test(start_paused = true)]
async fn finished_tasks_are_forgotten_when_they_are_old_and_open_ones_are_not() {
    let gate = Arc::new(Semaphore::new(1));
    let mut plan = Plan::new(&ScriptedModel::new(|_| answer("done")).gated(gate));
    plan.retention.tasks_s = 3600;
    plan.agent.limits.time_ms = 24 * 3_600_000;
    plan.agent.limits.model_time_ms = 24 * 3_600_000;
    let house = plan.build().await;
    let old = house.submit("one").await.unwrap();
    house.finish(&old).await;
    let open = house.submit("two").await.unwrap();
    assert!(house.runtime.task(&me(), &old).await.is_ok());
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    assert_eq!(house.runtime.task(&me(), &old).await.unwrap_err().kind, ApiErrorKind::NotFound);
    assert!(house.runtime.task(&me(), &open).await.is_ok());
}
