//! Crashes of every kind of actor, also while it starts (F6). Two ways to die: a bug that panics inside the
//! actor, brought to light by a port it waits for; and a kill, which needs no bug and reaches all of them.

use std::{sync::Arc, time::Duration};

use playhouse_api::{Caller, RuntimeApi, TreeNode};
use playhouse_core::{
    id::TaskId,
    task::{Event, Status},
    tool::EffectClass,
};
use playhouse_ports::Journal;
use playhouse_supervise::RootError;
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use ractor::{ActorCell, ActorStatus};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    brittle::{Asked, Brittle, LastAnswerGated, times},
    house::{House, Plan},
};

/// Nothing here takes so long; a test that waits longer has lost something.
const LOST: Duration = Duration::from_secs(20);
/// The actors below the root in the order in which they start, which is the order of their ids.
const STARTED: [&str; 7] = ["memory", "models", "model:scripted", "tools", "tasks", "planners", "dispatcher"];

/// Every actor below the root, in the order of their starts.
fn everybody(house: &House) -> Vec<ActorCell> {
    let mut found = Vec::new();
    let mut below = house.root.supervisor.get_children();
    while let Some(actor) = below.pop() {
        below.extend(actor.get_children());
        found.push(actor);
    }
    found.sort_by_key(|actor| actor.get_id().pid());
    found
}

fn find<'a>(top: &'a TreeNode, id: &str) -> Option<&'a TreeNode> {
    if top.id == id {
        return Some(top);
    }
    top.children.iter().find_map(|child| find(child, id))
}

async fn restarts(house: &House, id: &str) -> u32 {
    let tree = house.runtime.tree(&Caller::local()).await.unwrap();
    find(&tree, id).map_or(0, |node| node.restarts)
}

/// A plan whose tasks pay once each and wait at the gate for their last answer.
fn paying(gate: &Arc<Semaphore>) -> (Plan, FnTools) {
    let model = ScriptedModel::new(|request| match request.messages.len() {
        2 => call_tool("pay", json!({})),
        _ => answer("paid"),
    });
    let tools = FnTools::new().with("pay", EffectClass::Once, Ok);
    let mut plan = Plan::new(&model);
    plan.tools = tools.clone();
    plan.agent = agent("assistant", ["pay"]);
    plan.around.model = Some(Arc::new(LastAnswerGated(model, gate.clone())));
    (plan, tools)
}

async fn ends(house: &House, task: &TaskId) -> Status {
    timeout(LOST, house.finish(task)).await.expect("no task is lost").head.status
}

/// Kills `victim` while eight tasks have paid and wait for their last answer; nobody pays twice.
async fn survives(victim: &str) {
    let gate = Arc::new(Semaphore::new(0));
    let (plan, tools) = paying(&gate);
    let house = plan.build().await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        tasks.push(house.submit("pay").await.unwrap());
    }
    for task in &tasks {
        house.until(task, |event| matches!(event, Event::ToolDone { .. })).await;
    }
    let actors = everybody(&house);
    let at = STARTED.iter().position(|id| *id == victim).unwrap_or(STARTED.len());
    actors[at].kill();
    actors[at].wait(Some(LOST)).await.unwrap();
    gate.add_permits(1000);
    for task in &tasks {
        assert_eq!(ends(&house, task).await, Status::Done, "{victim}");
    }
    assert_eq!(tools.started().len(), 8, "{victim}: a completed step was repeated");
    // The tasks may have ended while the tree was still being put together again.
    let ready = async {
        while !house.runtime.health().await.ready {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LOST, ready).await.expect("the tree comes back");
    if at < STARTED.len() {
        assert_eq!(restarts(&house, victim).await, 1, "{victim}");
    }
    // rest_for_one: whoever was started before the victim never noticed.
    let top = ["memory", "models", "tools", "tasks"];
    let before = top.iter().take_while(|id| **id != victim && !below(id).contains(&victim));
    for id in before {
        let actor = &actors[STARTED.iter().position(|started| started == id).unwrap()];
        assert_eq!(actor.get_status(), ActorStatus::Running, "{victim} disturbed {id}");
    }
}

fn below(id: &str) -> &'static [&'static str] {
    match id {
        "models" => &["model:scripted"],
        "tasks" => &["planners", "dispatcher", "a planner"],
        _ => &[],
    }
}

/// The key of their tenant was destroyed while the daemon was down.
#[tokio::test]
async fn open_tasks_whose_records_were_erased_are_set_aside_and_new_ones_run() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("done")).gated(gate.clone());
    let mut first = Plan::new(&model);
    first.bounds.live_tasks = 2;
    let house = first.build().await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(house.submit("go").await.unwrap());
    }
    let journal = house.stop().await;
    let mut plan = Plan::new(&model).on(journal.clone());
    plan.bounds.live_tasks = 2;
    plan.around.journal = Some(Brittle::erased(&journal));
    let house = plan.build().await;
    let becomes = async |task: &TaskId, status: Status| {
        while journal.head(task).await.unwrap().unwrap().status != status {
            tokio::task::yield_now().await;
        }
    };
    for task in &tasks {
        timeout(LOST, becomes(task, Status::Quarantined)).await.unwrap();
    }
    gate.add_permits(1);
    let next = house.submit("go").await.unwrap();
    timeout(LOST, becomes(&next, Status::Done)).await.unwrap();
}

#[tokio::test]
async fn a_task_that_a_newer_version_wrote_is_left_alone_until_that_version_is_back() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("ok")).gated(gate.clone());
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let journal = house.stop().await;
    let before = journal.head(&task).await.unwrap();
    gate.add_permits(8);

    // Back to a version that cannot read it: others run, and this one stays as it was, also when it is cancelled.
    let mut plan = Plan::new(&model).on(journal.clone());
    plan.bounds.live_tasks = 2;
    plan.around.journal = Some(Brittle::newer(&journal));
    let house = plan.build().await;
    for _ in 0..4 {
        let other = house.submit("go").await.unwrap();
        let done = async {
            while journal.head(&other).await.unwrap().unwrap().status != Status::Done {
                tokio::task::yield_now().await;
            }
        };
        timeout(LOST, done).await.unwrap();
    }
    house.runtime.cancel(&Caller::local(), &task, "enough".into()).await.ok();
    let journal = house.stop().await;
    assert_eq!(journal.head(&task).await.unwrap(), before);

    // And forward again.
    let house = Plan::new(&model).on(journal).build().await;
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("ok"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_is_lost_or_repeated_whichever_actor_dies() {
    for victim in STARTED.into_iter().chain(["a planner"]) {
        survives(victim).await;
    }
}

#[tokio::test]
async fn an_actor_that_cannot_stay_up_ends_the_tree_with_its_name() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let mut house = Plan::new(&model).build().await;
    let mut killed = 0;
    let ended = loop {
        let memory = everybody(&house).into_iter().next();
        if let Some(memory) = memory {
            memory.kill();
            memory.wait(Some(LOST)).await.unwrap();
            killed += 1;
        }
        match timeout(Duration::from_millis(50), house.root.ended()).await {
            Ok(ended) => break ended,
            // Up again: all of its seven.
            Err(_) => {
                while everybody(&house).len() < STARTED.len() {
                    tokio::task::yield_now().await
                }
            }
        }
    };
    assert_eq!(killed, 4, "three restarts in 30 s are put up with");
    let Err(RootError::Escalated(why)) = ended else { panic!("{ended:?}") };
    assert_eq!((why.supervisor.as_str(), why.child.as_str()), ("root", "memory"));
}

#[tokio::test]
async fn a_poison_task_is_quarantined_at_its_third_crash_and_the_others_go_on() {
    let (mut plan, tools) = paying(&Arc::new(Semaphore::new(1000)));
    // Its planner dies whenever it is about to note the tool's result.
    let poisoned = |asked: &Asked<'_>| match asked {
        Asked::Append(batch) => {
            batch.head.session.as_ref().is_some_and(|session| session.as_str() == "poison")
                && batch.records.iter().any(|record| {
                    matches!(record.event, Event::ToolDone { .. } | Event::OutcomeUnknown { .. })
                })
        }
        _ => false,
    };
    plan.around.journal = Some(Brittle::new(&plan.journal, poisoned));
    let house = plan.build().await;
    let poison = house.submit_to("pay", Some("poison")).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(house.submit("pay").await.unwrap());
    }
    let view = timeout(LOST, house.finish(&poison)).await.expect("it is not restarted for ever");
    assert_eq!(view.head.status, Status::Quarantined);
    // The same bug is met again by whoever ends the task, and does not keep it from ending.
    let reason = view.reason.unwrap();
    assert!(reason.contains("a bug that a journal") && reason.contains("ending the task"), "{reason}");
    for task in &others {
        assert_eq!(ends(&house, task).await, Status::Done);
    }
    assert_eq!(tools.started().len(), 21, "three crashes, and still one payment");
    for id in ["planners", "dispatcher", "tasks", "tools", "memory"] {
        assert_eq!(restarts(&house, id).await, 0, "{id} was disturbed");
    }
    let next = house.submit_to("pay", Some("poison")).await.unwrap();
    assert_eq!(ends(&house, &next).await, Status::Quarantined, "the session is free again, and as poisonous");
}

#[tokio::test]
async fn a_planner_that_panics_while_it_starts_is_started_again() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut plan, tools) = paying(&gate);
    // Reading the journal back is what a planner does first when it is started again.
    let once = times(1);
    let breaks = move |asked: &Asked<'_>| matches!(asked, Asked::Read) && once();
    plan.around.journal = Some(Brittle::new(&plan.journal, breaks));
    let house = plan.build().await;
    let task = house.submit("pay").await.unwrap();
    while tools.started().is_empty() {
        tokio::task::yield_now().await;
    }
    let planner = everybody(&house).pop().unwrap();
    planner.kill();
    // Nobody else may read the journal before its successor has.
    while restarts(&house, task.as_str()).await < 2 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(9);
    assert_eq!(ends(&house, &task).await, Status::Done);
    assert_eq!(tools.started().len(), 1, "the kill and the panic cost no payment");
    assert_eq!(restarts(&house, "planners").await, 0);
}

#[tokio::test]
async fn a_dispatcher_that_panics_while_it_starts_is_started_again() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut plan, tools) = paying(&gate);
    let (first, once) = (times(1), times(1));
    // Not in the first start of the tree, but in the one after the kill.
    let breaks = move |asked: &Asked<'_>| matches!(asked, Asked::Open) && !first() && once();
    plan.around.journal = Some(Brittle::new(&plan.journal, breaks));
    let house = plan.build().await;
    let task = house.submit("pay").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ToolDone { .. })).await;
    everybody(&house)[6].kill();
    gate.add_permits(9);
    assert_eq!(ends(&house, &task).await, Status::Done);
    assert_eq!(tools.started().len(), 1);
    assert_eq!(restarts(&house, "dispatcher").await, 2, "the kill, and the panic in its start");
    assert_eq!(restarts(&house, "memory").await, 0);
}

#[tokio::test]
async fn a_service_whose_thing_panics_or_dies_is_started_again() {
    let model = ScriptedModel::new(|_| answer("ok"));
    let mut plan = Plan::new(&model);
    let starts = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = starts.clone();
    plan.around.worker =
        Some(Arc::new(move || match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Box::pin(async { "it died".into() }),
            1 => panic!("while it starts"),
            2 => Box::pin(async { panic!("while it runs") }),
            _ => Box::pin(std::future::pending()),
        }));
    let house = plan.build().await;
    let worker = "worker:scripted";
    while starts.load(std::sync::atomic::Ordering::SeqCst) < 4 || restarts(&house, worker).await < 3 {
        tokio::task::yield_now().await;
    }
    let tree = house.runtime.tree(&Caller::local()).await.unwrap();
    assert_eq!(find(&tree, worker).unwrap().last_exit.as_deref(), Some("it panicked"));
    assert_eq!(restarts(&house, "model:scripted").await, 0, "one_for_one: its sibling is undisturbed");
    let task = house.submit("go").await.unwrap();
    assert_eq!(ends(&house, &task).await, Status::Done);
}
