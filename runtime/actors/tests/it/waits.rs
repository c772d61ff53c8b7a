//! Tasks that wait have no actor, and go on when something happens.

use playhouse_api::{ApiErrorKind, Caller, RuntimeApi, Verdict};
use playhouse_core::{
    id::EffectId,
    message::Message,
    policy::{ApprovalRule, Policy},
    task::{Decision, Signal, Status, TaskView, Waiting},
    tool::EffectClass,
};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::{Value, json};

use crate::house::Plan;

fn me() -> Caller {
    Caller::local()
}

/// A house whose agent needs approval for its one tool, `pay`.
fn careful(tools: &FnTools) -> Plan {
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({ "amount": 5 })),
        _ => answer(&format!("{:?}", request.messages.last())),
    });
    let mut plan = Plan::new(&model);
    plan.tools = tools.clone();
    plan.agent = agent("assistant", ["pay"]);
    plan.agent.policy = Policy { approvals: vec![ApprovalRule::default()], ..Policy::default() };
    plan
}

fn pay() -> FnTools {
    FnTools::new().with("pay", EffectClass::Once, Ok)
}

fn verdict(view: &TaskView, decision: Decision) -> Verdict {
    let wait = &view.waits[0];
    let args_digest = Some(wait.args_digest.clone());
    Verdict { effect_id: wait.effect_id.clone(), args_digest, decision, by: "ada".into() }
}

#[tokio::test]
async fn a_call_that_needs_approval_waits_without_a_planner_and_runs_as_approved() {
    let tools = pay();
    let house = careful(&tools).build().await;
    let task = house.submit("go").await.unwrap();
    let view = house.parked(&task).await;
    assert_eq!((view.head.status, view.head.waiting), (Status::Parked, Some(Waiting::Approval)));
    assert!(tools.started().is_empty(), "nothing runs before somebody agrees");
    let house = careful(&tools).on(house.stop().await).build().await;

    let changed = Decision::Approve { arguments: Some(json!({ "amount": 3 })) };
    house.runtime.decide(&me(), &task, verdict(&view, changed)).await.unwrap();
    let done = house.finish(&task).await;
    assert_eq!(tools.started(), [view.waits[0].effect_id.clone()]);
    assert!(done.output.unwrap().contains(r#"{\"amount\":3}"#));
}

#[tokio::test]
async fn a_denied_call_never_runs_and_the_model_hears_why() {
    let tools = pay();
    let house = careful(&tools).build().await;
    let task = house.submit("go").await.unwrap();
    let view = house.parked(&task).await;
    let deny = Decision::Deny { reason: "too much".into() };
    house.runtime.decide(&me(), &task, verdict(&view, deny)).await.unwrap();
    assert!(house.finish(&task).await.output.unwrap().contains("too much"));
    assert!(tools.started().is_empty());
}

#[tokio::test]
async fn a_decision_about_another_call_or_other_arguments_is_refused() {
    let house = careful(&pay()).build().await;
    let task = house.submit("go").await.unwrap();
    let view = house.parked(&task).await;
    let good = verdict(&view, Decision::Approve { arguments: None });
    let other_call = Verdict { effect_id: EffectId("x/9.9".into()), ..good.clone() };
    let other_arguments = Verdict { args_digest: Some("0".into()), ..good.clone() };
    let other_answer = Verdict { decision: Decision::Retry, ..good };
    for bad in [other_call, other_arguments, other_answer] {
        let refused = house.runtime.decide(&me(), &task, bad).await.unwrap_err();
        assert_eq!(refused.kind, ApiErrorKind::Conflict, "{refused}");
    }
    assert_eq!(house.parked(&task).await.waits, view.waits);
}

/// A house whose agent waits for the signal `paid`.
fn waiting() -> Plan {
    let model = ScriptedModel::new(|request| match request.messages.last() {
        Some(Message::User { .. }) => call_tool("wait_signal", json!({ "name": "paid" })),
        _ => answer(&format!("{:?}", request.messages.last())),
    });
    let mut plan = Plan::new(&model);
    plan.agent = agent("assistant", ["wait_signal"]);
    let schema = json!({ "type": "object", "required": ["sum"] });
    plan.agent.policy.signals.insert("paid".into(), schema);
    plan
}

fn signal(id: &str, payload: Value) -> Signal {
    Signal { id: id.into(), name: "paid".into(), payload }
}

#[tokio::test]
async fn a_signal_wakes_its_task_once_however_often_it_is_sent() {
    let house = waiting().build().await;
    let task = house.submit("go").await.unwrap();
    house.parked(&task).await;
    let refused = house.runtime.signal(&me(), &task, signal("s", json!({}))).await.unwrap_err();
    assert_eq!(refused.kind, ApiErrorKind::BadRequest, "{refused}");
    house.runtime.signal(&me(), &task, signal("s1", json!({ "sum": 7 }))).await.unwrap();
    assert!(house.finish(&task).await.output.unwrap().contains("7"));
    let late = house.runtime.signal(&me(), &task, signal("s1", json!({ "sum": 7 }))).await.unwrap_err();
    assert_eq!(late.kind, ApiErrorKind::Conflict);
}

#[tokio::test]
async fn what_a_sender_calls_it_is_bounded_alike_for_tasks_and_signals() {
    let house = waiting().build().await;
    let task = house.submit("go").await.unwrap();
    for id in [String::new(), "a\nb".into(), "x".repeat(256)] {
        let submission = playhouse_api::Submission {
            agent: "assistant".into(),
            input: "go".into(),
            idempotency_key: Some(id.clone()),
            ..Default::default()
        };
        let as_key = house.runtime.submit(&me(), submission).await.unwrap_err();
        let as_signal =
            house.runtime.signal(&me(), &task, signal(&id, json!({ "sum": 1 }))).await.unwrap_err();
        for (refused, what) in [(&as_key, "the idempotency key "), (&as_signal, "the signal's id ")] {
            assert_eq!(refused.kind, ApiErrorKind::BadRequest, "{refused}");
            let why = format!("must be 1 to 255 bytes without control characters; it has {} bytes", id.len());
            assert_eq!(refused.message.strip_prefix(what), Some(why.as_str()));
        }
    }
}

#[tokio::test]
async fn a_task_that_sleeps_survives_a_restart_and_wakes_in_time() {
    let plan = || {
        let model = ScriptedModel::new(|request| match request.messages.len() {
            2 => call_tool("sleep", json!({ "seconds": 0.3 })),
            _ => answer("awake"),
        });
        let mut plan = Plan::new(&model);
        plan.agent = agent("assistant", ["sleep"]);
        plan
    };
    let house = plan().build().await;
    let task = house.submit("go").await.unwrap();
    let due_ms = house.parked(&task).await.head.due_ms.unwrap();
    let house = plan().on(house.stop().await).build().await;
    let done = house.finish(&task).await;
    assert_eq!(done.output.as_deref(), Some("awake"));
    assert!(due_ms <= done.head.updated_ms, "not before its time");
}

#[tokio::test]
async fn a_task_that_waits_keeps_its_session_but_not_its_place() {
    let mut plan = waiting();
    plan.bounds.live_tasks = 1;
    let house = plan.build().await;
    let first = house.submit_to("one", Some("s")).await.unwrap();
    house.parked(&first).await;
    let second = house.submit_to("two", Some("s")).await.unwrap();
    let other = house.submit("three").await.unwrap();
    house.parked(&other).await;
    assert_eq!(house.runtime.task(&me(), &second).await.unwrap().head.status, Status::Queued);
    house.runtime.signal(&me(), &first, signal("a", json!({ "sum": 1 }))).await.unwrap();
    house.finish(&first).await;
    house.parked(&second).await;
}

#[tokio::test]
async fn a_parked_task_can_be_cancelled() {
    let house = waiting().build().await;
    let task = house.submit("go").await.unwrap();
    house.parked(&task).await;
    house.runtime.cancel(&me(), &task, "enough".into()).await.unwrap();
    assert_eq!(house.finish(&task).await.head.status, Status::Cancelled);
}
