//! Code that never answers is given up at its deadline, and no later than a second after it (F7).

use std::sync::Arc;

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
