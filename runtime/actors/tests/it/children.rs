//! Tasks that make tasks.

use std::sync::Arc;

use playhouse_api::{Caller, RuntimeApi, TaskQuery};
use playhouse_core::{
    id::TaskId,
    message::Message,
    model::ChatRequest,
    task::{Event, Status},
};
use playhouse_testkit::{ScriptedModel, agent, answer, call_tool};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::house::{House, Plan};

fn me() -> Caller {
    Caller::local()
}

fn first_words(request: &ChatRequest) -> &str {
    let words = request.messages.iter().find_map(|message| match message {
        Message::User { content } => Some(content.as_str()),
        _ => None,
    });
    words.unwrap_or_default()
}

/// An assistant that calls `tool` once and answers with its result; a worker that answers `did: …`.
fn family(tool: &'static str, arguments: Value) -> ScriptedModel {
    ScriptedModel::new(move |request| match (first_words(request), request.messages.last()) {
        ("go", Some(Message::User { content })) if content == "go" => call_tool(tool, arguments.clone()),
        ("go", Some(Message::Tool { content, .. })) => answer(content),
        (_, Some(Message::User { content })) => answer(&format!("did: {content}")),
        other => panic!("nobody expected {other:?}"),
    })
}

fn plan(model: &ScriptedModel, tools: &[&str]) -> Plan {
    let mut plan = Plan::new(model);
    plan.agent = agent("assistant", tools.iter().copied());
    plan.agent.policy.agents = vec!["worker".into()];
    plan.others = vec![agent("worker", [])];
    plan
}

async fn children(house: &House, parent: &TaskId) -> Vec<Status> {
    let query = TaskQuery { limit: 99, parent: Some(parent.clone()), ..TaskQuery::default() };
    let list = house.runtime.tasks(&me(), query).await.unwrap();
    list.tasks.into_iter().map(|head| head.status).collect()
}

#[tokio::test]
async fn a_task_gives_work_away_and_uses_the_answer() {
    let model = family("run_task", json!({ "agent": "worker", "input": "sweep" }));
    let house = plan(&model, &["run_task"]).build().await;
    let task = house.submit("go").await.unwrap();
    let done = house.finish(&task).await;
    assert!(done.output.unwrap().contains("did: sweep"));
    assert_eq!(children(&house, &task).await, [Status::Done]);
    assert_eq!(done.usage.output_tokens, 15, "its own two replies and the child's");
}

#[tokio::test]
async fn a_map_runs_so_many_at_once_and_keeps_the_order() {
    let gate = Arc::new(Semaphore::new(1));
    let inputs: Vec<_> = (0..5).map(|n| format!("part {n}")).collect();
    let arguments = json!({ "agent": "worker", "inputs": inputs, "parallel": 2 });
    let model = family("map_tasks", arguments).gated(gate.clone());
    let house = plan(&model, &["map_tasks"]).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::Parked { .. })).await;
    while model.running() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(children(&house, &task).await.len(), 2);
    gate.add_permits(99);
    let answers: Vec<Value> = serde_json::from_str(&house.finish(&task).await.output.unwrap()).unwrap();
    let answers: Vec<_> = answers.iter().map(|entry| entry["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, ["did: part 0", "did: part 1", "did: part 2", "did: part 3", "did: part 4"]);
}

#[tokio::test]
async fn a_conversation_that_is_handed_over_ends_with_the_others_answer() {
    let model = family("hand_off", json!({ "agent": "worker", "input": "take over" }));
    let house = plan(&model, &["hand_off"]).build().await;
    let task = house.submit("go").await.unwrap();
    let done = house.finish(&task).await;
    assert_eq!(done.output.as_deref(), Some("did: take over"));
}

#[tokio::test]
async fn cancelling_a_task_cancels_what_it_made() {
    let gate = Arc::new(Semaphore::new(1));
    let model = family("run_task", json!({ "agent": "worker", "input": "sweep" })).gated(gate);
    let house = plan(&model, &["run_task"]).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::Parked { .. })).await;
    let query = TaskQuery { limit: 9, parent: Some(task.clone()), ..TaskQuery::default() };
    let child = loop {
        let list = house.runtime.tasks(&me(), query.clone()).await.unwrap();
        if let Some(head) = list.tasks.first() {
            break head.task.clone();
        }
        tokio::task::yield_now().await;
    };
    house.runtime.cancel(&me(), &task, "enough".into()).await.unwrap();
    assert_eq!(house.finish(&task).await.head.status, Status::Cancelled);
    assert_eq!(house.finish(&child).await.head.status, Status::Cancelled);
}

#[tokio::test]
async fn the_end_of_a_child_reaches_its_parent_through_a_restart() {
    let gate = Arc::new(Semaphore::new(1));
    let model = family("run_task", json!({ "agent": "worker", "input": "sweep" })).gated(gate.clone());
    let house = plan(&model, &["run_task"]).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::Parked { .. })).await;
    let journal = house.stop().await;
    gate.add_permits(99);
    let house = plan(&model, &["run_task"]).on(journal).build().await;
    assert!(house.finish(&task).await.output.unwrap().contains("did: sweep"));
}

#[tokio::test]
async fn a_child_is_kept_until_the_task_that_made_it_is_over() {
    let gate = Arc::new(Semaphore::new(0));
    let model = family("run_task", json!({ "agent": "worker", "input": "sweep" })).gated(gate.clone());
    let house = plan(&model, &["run_task"]).build().await;
    let task = house.submit("go").await.unwrap();
    // The parent's first step and the child's only one; the parent's second waits.
    gate.add_permits(2);
    house.until(&task, |event| matches!(event, Event::ChildEnded { .. })).await;
    let query = TaskQuery { limit: 9, parent: Some(task.clone()), ..TaskQuery::default() };
    let child = house.runtime.tasks(&me(), query).await.unwrap().tasks[0].task.clone();
    let refused = house.runtime.forget(&me(), &child).await.unwrap_err();
    assert_eq!(refused.kind, playhouse_api::ApiErrorKind::Conflict);
    assert!(refused.message.contains(&format!("task {task} made task {child}")), "{refused}");
    gate.add_permits(1);
    house.finish(&task).await;
    house.runtime.forget(&me(), &child).await.unwrap();
    house.runtime.forget(&me(), &task).await.unwrap();
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_is_not_forgotten_with_age_while_the_task_that_made_it_goes_on() {
    let gate = Arc::new(Semaphore::new(2));
    let model = family("run_task", json!({ "agent": "worker", "input": "sweep" })).gated(gate);
    let mut plan = plan(&model, &["run_task"]);
    plan.retention.tasks_s = 3600;
    plan.agent.limits.time_ms = 24 * 3_600_000;
    plan.agent.limits.model_time_ms = 24 * 3_600_000;
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ChildEnded { .. })).await;
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    assert_eq!(children(&house, &task).await, [Status::Done]);
    house.runtime.cancel(&me(), &task, "enough".into()).await.unwrap();
    house.finish(&task).await;
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    assert!(children(&house, &task).await.is_empty());
}

#[tokio::test]
async fn work_is_only_given_to_agents_that_are_named_and_only_so_deep() {
    for (agents, depth, problem) in [(vec![], 3, "cannot be given"), (vec!["worker".into()], 0, "nested")] {
        let model = family("run_task", json!({ "agent": "worker", "input": "sweep" }));
        let mut plan = plan(&model, &["run_task"]);
        plan.agent.policy.agents = agents;
        plan.agent.limits.depth = depth;
        let house = plan.build().await;
        let task = house.submit("go").await.unwrap();
        assert!(house.finish(&task).await.output.unwrap().contains(problem));
        assert!(children(&house, &task).await.is_empty());
    }
}
