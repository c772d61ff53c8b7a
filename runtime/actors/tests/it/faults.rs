//! What a task does when something breaks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use playhouse_api::{ApiErrorKind, Caller, RuntimeApi};
use playhouse_core::{
    model::{ModelError, ModelErrorKind},
    task::{Event, Status},
    tool::EffectClass,
};
use playhouse_ports::{Journal, JournalError};
use playhouse_testkit::{FnTools, MemoryJournal, ScriptedModel, agent, answer, call_tool};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::house::Plan;

#[tokio::test]
async fn a_model_that_panics_costs_one_attempt() {
    let asked = AtomicUsize::new(0);
    let model = ScriptedModel::new(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("a bug in an adapter"),
        _ => answer("better"),
    });
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("better"));
}

#[tokio::test]
async fn a_tool_that_panics_is_an_error_for_the_model() {
    let model = ScriptedModel::replies([call_tool("bad", json!({})), answer("sorry")]);
    let mut plan = Plan::new(&model);
    plan.tools = FnTools::new().with("bad", EffectClass::Pure, |_| panic!("a bug in a tool"));
    plan.agent = agent("assistant", ["bad"]);
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    let events = house.events(&task, 0).await;
    assert!(events.iter().any(|event| matches!(event, Event::ToolFailed { .. })));
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("sorry"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stays_away_fails_the_task_with_its_reason() {
    let down = || Err(ModelError::new(ModelErrorKind::Unavailable, "the provider answered 503"));
    let model = ScriptedModel::new(move |_| down());
    let mut plan = Plan::new(&model);
    plan.agent.limits.model_retries = 2;
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    let error = house.finish(&task).await.error.unwrap();
    assert_eq!((error.message.as_str(), model.asked()), ("the provider answered 503 (after 3 attempts)", 3));
}

/// J1 at the level of actors: while an append is held back, nothing acts on it.
#[tokio::test]
async fn nothing_acts_before_its_cause_is_durable() {
    let model = ScriptedModel::replies([answer("ok")]);
    let mut plan = Plan::new(&model);
    let journal = MemoryJournal::new();
    plan.journal = journal.clone();
    let house = plan.build().await;
    journal.hold();
    let submitting = house.submit("go");
    tokio::pin!(submitting);
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut submitting => panic!("acknowledged before it was durable"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(model.asked(), 0);
    journal.release();
    let task = submitting.await.unwrap();
    house.finish(&task).await;
}

#[tokio::test]
async fn a_refused_submission_leaves_nothing_behind_and_the_next_one_works() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let mut plan = Plan::new(&model);
    plan.journal = MemoryJournal::failing_at(1, JournalError::Full("no space".into()));
    let house = plan.build().await;
    let error = house.submit("go").await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::StorageFull);
    let task = house.submit("go").await.unwrap();
    assert_eq!(house.finish(&task).await.head.status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_in_the_middle_of_a_task_is_waited_out() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let mut plan = Plan::new(&model);
    plan.journal = MemoryJournal::failing_at(2, JournalError::Full("no space".into()));
    let house = plan.build().await;
    let task = house.submit("go").await.unwrap();
    assert_eq!(house.finish(&task).await.head.status, Status::Done);
}

/// A watcher from the first event on sees the last one, whichever append lost its answer.
#[tokio::test(start_paused = true)]
async fn a_watcher_sees_the_end_although_an_acknowledgement_was_lost() {
    for lost in 1..=3 {
        let gate = Arc::new(Semaphore::new(0));
        let model = ScriptedModel::new(|_| answer("ok")).gated(gate.clone());
        let mut plan = Plan::new(&model);
        plan.journal = MemoryJournal::losing_ack_at(lost);
        let house = plan.build().await;
        let task = house.submit("go").await;
        // A submission whose answer was lost is refused, and runs all the same: the journal has it.
        let task = match task {
            Ok(task) => task,
            Err(_) => house.journal.appended()[0].head.task.clone(),
        };
        let watching = house.events(&task, 0);
        gate.add_permits(9);
        let events = watching.await;
        assert!(matches!(events.last(), Some(Event::Finished { .. })), "lost append {lost}");
    }
}

#[tokio::test]
async fn a_cancel_is_not_forgotten_wherever_the_planner_stands() {
    let model = ScriptedModel::new(|_| answer("ok")).gated(Arc::new(Semaphore::new(0)));
    let house = Plan::new(&model).build().await;
    for _ in 0..50 {
        let task = house.submit("go").await.unwrap();
        house.runtime.cancel(&Caller::local(), &task, "no".into()).await.unwrap();
        assert_eq!(house.finish(&task).await.head.status, Status::Cancelled);
    }
    assert_eq!(house.runtime.health().await.live_tasks, 0);
}

#[tokio::test]
async fn tasks_follow_each_other_through_a_single_live_place() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let mut plan = Plan::new(&model);
    plan.bounds.live_tasks = 1;
    let house = plan.build().await;
    let mut tasks = Vec::new();
    for n in 0..200 {
        tasks.push(house.submit_to("go", Some(["a", "b", "c"][n % 3])).await.unwrap());
    }
    for task in &tasks {
        assert_eq!(house.finish(task).await.head.status, Status::Done);
    }
}

/// J8: what the names mean may change between two trees; a task in flight does not follow.
#[tokio::test]
async fn a_task_never_uses_a_tool_that_changed_since_it_began() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({})),
        _ => answer("sorry"),
    })
    .gated(gate.clone());
    let plan = |journal: MemoryJournal, effect| {
        let mut plan = Plan::new(&model);
        plan.tools = FnTools::new().with("pay", effect, Ok);
        plan.agent = agent("assistant", ["pay"]);
        plan.journal = journal;
        plan
    };
    let house = plan(MemoryJournal::new(), EffectClass::Once).build().await;
    let task = house.submit("pay").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let journal = house.stop().await;
    let changed = plan(journal, EffectClass::Pure);
    let tools = changed.tools.clone();
    let house = changed.build().await;
    gate.add_permits(9);
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("sorry"));
    assert!(tools.started().is_empty());
}

/// The journal is all that crosses from one tree to the next, as from one process to the next.
#[tokio::test]
async fn a_task_goes_on_in_the_next_tree_where_it_stood() {
    let gate = Arc::new(Semaphore::new(1));
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({"euro": 5})),
        _ => answer("paid"),
    })
    .gated(gate.clone());
    let tools = FnTools::new().with("pay", EffectClass::Once, Ok);
    let plan = |journal: MemoryJournal| {
        let mut plan = Plan::new(&model);
        plan.tools = tools.clone();
        plan.agent = agent("assistant", ["pay"]);
        plan.journal = journal;
        plan
    };
    let house = plan(MemoryJournal::new()).build().await;
    let task = house.submit("pay").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ToolDone { .. })).await;
    let journal = house.stop().await;
    assert_eq!(journal.head(&task).await.unwrap().unwrap().status, Status::Running);

    let house = plan(journal).build().await;
    gate.add_permits(9);
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("paid"));
    assert_eq!(tools.started().len(), 1, "a completed step is not repeated");
    let health = house.runtime.health().await;
    assert!(health.ready && health.live_tasks == 0);
    assert_eq!(house.runtime.task(&Caller::local(), &task).await.unwrap().head.epoch, 1);
}
