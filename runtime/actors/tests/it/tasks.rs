//! What a task does when nothing breaks.

use std::sync::Arc;

use futures_util::StreamExt;
use playhouse_actors::Catalog;
use playhouse_api::{ApiErrorKind, Caller, RuntimeApi, Submission, TaskEvent, TaskQuery};
use playhouse_core::{
    admission::Bounds,
    task::{Event, Status},
    tool::{EffectClass, ToolError, ToolErrorKind},
};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool, call_tools};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::house::Plan;

#[tokio::test]
async fn a_question_is_answered_with_the_help_of_a_tool() {
    let model = ScriptedModel::replies([call_tool("echo", json!({"n": 42})), answer("it is 42")]);
    let house = Plan::new(&model).build().await;
    let task = house.submit("what is it?").await.unwrap();
    let view = house.finish(&task).await;
    assert_eq!((view.head.status, view.output.as_deref(), view.steps), (Status::Done, Some("it is 42"), 3));
    assert_eq!(view.usage.output_tokens, 10);
}

#[tokio::test]
async fn parallel_calls_run_and_their_results_keep_the_models_order() {
    let model = ScriptedModel::replies([
        call_tools([("echo", json!({"n": 1})), ("echo", json!({"n": 2})), ("fail", json!({}))]),
        answer("done"),
    ]);
    let fail = |_| Err(ToolError::new(ToolErrorKind::NotFound, "nothing there"));
    let mut plan = Plan::new(&model);
    plan.tools = FnTools::echo().with("fail", EffectClass::Once, fail);
    plan.agent = agent("assistant", ["echo", "fail"]);
    let tools = plan.tools.clone();
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    assert_eq!(house.finish(&task).await.head.status, Status::Done, "a tool's error is a value");
    assert_eq!(tools.started().len(), 3);
}

#[tokio::test]
async fn the_mailboxes_stay_open_while_the_model_thinks() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::replies([answer("late")]).gated(gate.clone());
    let house = Plan::new(&model).build().await;
    let task = house.submit("think").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let view = house.runtime.task(&Caller::local(), &task).await.unwrap();
    assert_eq!(view.head.status, Status::Running);
    gate.add_permits(1);
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("late"));
}

#[tokio::test]
async fn cancelling_reaches_the_running_model_call() {
    let model = ScriptedModel::replies([answer("never")]).gated(Arc::new(Semaphore::new(0)));
    let house = Plan::new(&model).build().await;
    let task = house.submit("think").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    while model.running() == 0 {
        tokio::task::yield_now().await;
    }
    house.runtime.cancel(&Caller::local(), &task, "enough".into()).await.unwrap();
    let view = house.finish(&task).await;
    assert_eq!((view.head.status, view.reason.as_deref()), (Status::Cancelled, Some("enough")));
    while model.running() > 0 {
        tokio::task::yield_now().await;
    }
    let again = house.runtime.cancel(&Caller::local(), &task, "again".into()).await.unwrap();
    assert_eq!(again.reason.as_deref(), Some("enough"), "a finished task is left alone");
}

#[tokio::test(start_paused = true)]
async fn the_time_budget_ends_a_task_that_hangs() {
    let model = ScriptedModel::replies([answer("never")]).gated(Arc::new(Semaphore::new(0)));
    let mut plan = Plan::new(&model);
    plan.agent.limits.time_ms = 500;
    let house = plan.build().await;
    let task = house.submit("hang").await.unwrap();
    let error = house.finish(&task).await.error.unwrap();
    assert!(error.message.contains("500 ms") && error.message.contains("limits.time_ms"), "{error}");
}

#[tokio::test]
async fn events_resume_from_any_position_without_loss_or_repeat() {
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("echo", json!({})),
        _ => answer("done"),
    });
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    let all = house.events(&task, 0).await;
    assert!(matches!(all.last(), Some(Event::Finished { .. })));
    assert_eq!(all.len() as u64, house.journal_len(&task).await);
    for from in 0..=all.len() {
        assert_eq!(house.events(&task, from as u64).await, all[from..]);
    }
    let beyond = house.runtime.events(&Caller::local(), &task, 99, false).await.err().unwrap();
    assert_eq!(beyond.kind, ApiErrorKind::BadRequest);
}

#[tokio::test]
async fn provisional_text_reaches_a_watcher_before_the_reply_is_journaled() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::replies([answer("one two")]).gated(gate.clone());
    let house = Plan::new(&model).build().await;
    let task = house.submit("count").await.unwrap();
    let events = house.runtime.events(&Caller::local(), &task, 0, true).await.unwrap();
    gate.add_permits(1);
    let texts: Vec<String> = events
        .filter_map(|event| async move {
            match event.unwrap() {
                TaskEvent::Delta { text, .. } => Some(text),
                TaskEvent::Record(_) | TaskEvent::Progress { .. } => None,
            }
        })
        .collect()
        .await;
    assert_eq!(texts, ["one ", "two"]);
}

#[tokio::test]
async fn beyond_the_bounds_a_submission_is_turned_away_with_advice() {
    let model = ScriptedModel::new(|_| answer("ok")).gated(Arc::new(Semaphore::new(0)));
    let mut plan = Plan::new(&model);
    plan.bounds = Bounds { live_tasks: 1, queued_tasks: 1, ..Bounds::default() };
    let house = plan.build().await;
    house.submit("one").await.unwrap();
    house.submit("two").await.unwrap();
    let error = house.submit("three").await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::TooBusy);
    assert!(error.retry_after_ms.is_some());
    assert_eq!(house.runtime.health().await.live_tasks, 1);
}

#[tokio::test]
async fn bad_submissions_are_refused_before_any_work() {
    let model = ScriptedModel::new(|_| answer("ok")).context_tokens(512);
    let mut plan = Plan::new(&model);
    plan.bounds.input_bytes = 4000;
    let house = plan.build().await;
    for (input, says) in [
        ("", "`input` is empty"),
        (" \n", "`input` is empty"),
        ("a\0b", "NUL character at byte 1"),
        (&"x".repeat(4001), "at most 4000"),
        (&"x".repeat(3999), "1336 tokens; model `scripted` holds 512"),
    ] {
        let error = house.submit(input).await.unwrap_err();
        assert!(error.message.contains(says), "{input:.20}: {error}");
    }
    let unknown = Submission { agent: "nobody".into(), input: "hi".into(), ..Submission::default() };
    let error = house.runtime.submit(&Caller::local(), unknown).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no agent `nobody`; the agents are: assistant");
    assert_eq!((house.journal.count(), model.asked()), (0, 0));
}

#[tokio::test]
async fn an_idempotency_key_makes_one_task_however_often_it_is_sent() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let house = Plan::new(&model).build().await;
    let submission = |input: &str| Submission {
        agent: "assistant".into(),
        input: input.into(),
        idempotency_key: Some("k1".into()),
        ..Submission::default()
    };
    let caller = Caller::local();
    let (a, b) = tokio::join!(
        house.runtime.submit(&caller, submission("hi")),
        house.runtime.submit(&caller, submission("hi"))
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.task.head.task, b.task.head.task);
    assert!(a.replayed != b.replayed);
    let error = house.runtime.submit(&caller, submission("other")).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Conflict);
}

#[tokio::test]
async fn lists_are_paged_newest_first_and_filtered() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let house = Plan::new(&model).build().await;
    let mut tasks = Vec::new();
    for n in 0..5 {
        let task = house.submit(&format!("task {n}")).await.unwrap();
        house.finish(&task).await;
        tasks.insert(0, task);
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let query = TaskQuery { before, limit: 2, status: Some(Status::Done), ..TaskQuery::default() };
        let page = house.runtime.tasks(&Caller::local(), query).await.unwrap();
        seen.extend(page.tasks.into_iter().map(|head| head.task));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, tasks);
}

#[test]
fn an_agent_that_cannot_work_is_refused_with_what_would_be_right() {
    let tools = Arc::new(FnTools::echo());
    let refuse = |agent| Catalog::new([agent], tools.clone(), Default::default()).unwrap_err().to_string();
    assert_eq!(refuse(agent("a", [])), "agent `a`: there is no model `scripted`; the models are: (none)");
}
