//! Code that never answers is given up at its deadline, and no later than a second after it (F7).

use std::sync::Arc;

use playhouse_api::RuntimeApi;
use playhouse_core::{
    model::{ModelError, ModelErrorKind},
    task::{Event, Status},
    tool::{EffectClass, ToolErrorKind},
};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::json;
use tokio::{sync::Semaphore, time::Instant};

use crate::{brittle::StuckTools, house::Plan};

/// What is allowed on top of a deadline.
const GRACE_MS: u128 = 1000;

#[tokio::test(start_paused = true)]
async fn a_tool_that_never_answers_is_given_up_at_its_deadline() {
    let model = ScriptedModel::replies([call_tool("wait", json!({})), answer("sorry")]);
    let tools = FnTools::new().with("wait", EffectClass::Pure, Ok);
    let mut plan = Plan::new(&model);
    plan.agent = agent("assistant", ["wait"]);
    plan.agent.limits.tool_time_ms = 3000;
    plan.tools = tools.clone();
    plan.around.tools = Some(Arc::new(StuckTools(tools.clone())));
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ToolAsked { .. })).await;
    let before = Instant::now();
    let events = house.events(&task, 0).await;
    let took = before.elapsed().as_millis();
    assert!((3000..=3000 + GRACE_MS).contains(&took), "{took} ms");
    let timeout = |event: &Event| matches!(event, Event::ToolFailed { error, .. } if error.kind == ToolErrorKind::Timeout);
    assert!(events.iter().any(timeout), "{events:#?}");
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("sorry"));
}

/// Nothing has crashed, but nobody knows whether it happened: as after a crash, the tool does.
#[tokio::test(start_paused = true)]
async fn a_checkable_call_that_is_given_up_is_asked_about() {
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({})),
        _ => answer(&format!("{:?}", request.messages.last())),
    });
    let tools = FnTools::new().with("pay", EffectClass::Checkable, Ok);
    let mut plan = Plan::new(&model);
    plan.agent = agent("assistant", ["pay"]);
    plan.agent.limits.tool_time_ms = 3000;
    plan.tools = tools.clone();
    plan.around.tools = Some(Arc::new(StuckTools(tools.clone())));
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    let events = house.events(&task, 0).await;
    let asked = |event: &Event| matches!(event, Event::CheckAsked { error, .. } if error.kind == ToolErrorKind::Timeout);
    assert_eq!(events.iter().filter(|event| asked(event)).count(), 1, "{events:#?}");
    assert!(house.finish(&task).await.output.unwrap().contains("it did"));
    assert_eq!(tools.started().len(), 1, "it is not made again");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_answers_is_given_up_at_its_deadline() {
    let model = ScriptedModel::new(|_| answer("never")).gated(Arc::new(Semaphore::new(0)));
    let mut plan = Plan::new(&model);
    plan.agent.limits.model_time_ms = 3000;
    plan.agent.limits.model_retries = 0;
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let before = Instant::now();
    let view = house.finish(&task).await;
    let took = before.elapsed().as_millis();
    assert!((3000..=3000 + GRACE_MS).contains(&took), "{took} ms");
    assert_eq!(view.head.status, Status::Failed);
    assert!(view.error.unwrap().message.contains("limits.model_time_ms"));
    assert_eq!(model.running(), 0, "the call itself is ended, not only forgotten");
}

/// Neither a busy session nor the want of a place, nor a restart, lets a task outlive its time.
#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_its_turn_ends_when_its_time_is_up() {
    let model = ScriptedModel::new(|_| answer("done")).gated(Arc::new(Semaphore::new(0)));
    let plan = || {
        let mut plan = Plan::new(&model);
        plan.bounds.live_tasks = 2;
        plan.agent.limits.time_ms = 60_000;
        plan.agent.limits.model_time_ms = 60_000;
        plan
    };
    let house = plan().build().await;
    let began = Instant::now();
    house.submit_for("first", Some("s"), 60_000).await;
    let behind_it = house.submit_for("second", Some("s"), 3000).await;
    house.submit_for("other", None, 60_000).await;
    let without_a_place = house.submit_for("third", None, 5000).await;
    let after_a_restart = house.submit_for("fourth", None, 9000).await;
    for (task, limit_ms) in [(&behind_it, 3000), (&without_a_place, 5000)] {
        let view = house.finish(task).await;
        let took = began.elapsed().as_millis();
        assert!((limit_ms..=limit_ms + GRACE_MS).contains(&took), "{took} ms");
        let error = view.error.unwrap();
        assert!(error.message.contains("limits.time_ms"), "{error}");
    }
    // The clock of each house starts at the machine's time, which stands still for this test.
    let (house, began) = (plan().on(house.stop().await).build().await, Instant::now());
    let events = house.events(&after_a_restart, 0).await;
    let took = began.elapsed().as_millis();
    assert!((8000..=9000 + GRACE_MS).contains(&took), "{took} ms");
    let [Event::Submitted(_), Event::DeadlinePassed, Event::Finished { .. }] = &events[..] else {
        panic!("it never began: {events:#?}");
    };
    assert_eq!(house.runtime.health().await.queued_tasks, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_tool_holds_up_no_other_task() {
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 if request.messages[1].text_bytes() == 5 => call_tool("wait", json!({})),
        2 => Err(ModelError::new(ModelErrorKind::BadRequest, "done with it")),
        _ => answer("sorry"),
    });
    let tools = FnTools::new().with("wait", EffectClass::Pure, Ok);
    let mut plan = Plan::new(&model);
    plan.agent = agent("assistant", ["wait"]);
    plan.agent.limits.tool_time_ms = 60_000;
    plan.tools = tools.clone();
    plan.around.tools = Some(Arc::new(StuckTools(tools)));
    let house = plan.build().await;
    let stuck = house.submit("stuck").await.unwrap();
    house.until(&stuck, |event| matches!(event, Event::ToolAsked { .. })).await;
    let before = Instant::now();
    let other = house.submit("quick one").await.unwrap();
    assert_eq!(house.finish(&other).await.head.status, Status::Failed);
    assert!(before.elapsed().as_millis() < GRACE_MS);
}
