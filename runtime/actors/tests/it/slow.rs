//! Coming to rest while many calls of a slow, remote model are under way (F13).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use playhouse_api::{ApiErrorKind, RuntimeApi};
use playhouse_core::{
    id::TaskId,
    task::{Event, Status},
    tool::EffectClass,
};
use playhouse_ports::Journal;
use playhouse_testkit::{FnTools, MemoryJournal, ScriptedModel, agent, answer, call_tool};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    brittle::SlowModel,
    house::{House, Plan},
};

/// Tasks with a model call under way.
const TASKS: usize = 64;
/// `server.drain_ms` unless set.
const DRAIN: Duration = Duration::from_secs(20);

/// Tasks that ask a model which takes `call`, pay once, and ask again.
struct World {
    model: ScriptedModel,
    tools: FnTools,
    call: Duration,
}

impl World {
    fn new(call: Duration) -> Self {
        let model = ScriptedModel::new(|request| match request.messages.len() {
            2 => call_tool("pay", json!({ "euro": 5 })),
            _ => answer("paid"),
        });
        Self { model, tools: FnTools::new().with("pay", EffectClass::Once, Ok), call }
    }

    async fn house(&self, journal: MemoryJournal) -> House {
        let mut plan = Plan::new(&self.model).on(journal);
        plan.permits = TASKS;
        plan.tools = self.tools.clone();
        plan.agent = agent("assistant", ["pay"]);
        plan.around.model = Some(Arc::new(SlowModel(self.model.clone(), self.call)));
        plan.build().await
    }

    /// A house where half of the tasks ask for the second time, and half for the first; and as many again, whose
    /// question waits for a permit.
    async fn at_work(&self) -> (House, Vec<TaskId>) {
        let house = self.house(MemoryJournal::new()).await;
        let mut tasks = Vec::new();
        for (many, step) in [(TASKS / 2, 2), (TASKS / 2, 1), (TASKS, 1)] {
            let some = join_all((0..many).map(|_| house.submit("pay"))).await;
            let some: Vec<_> = some.into_iter().map(|task| task.unwrap()).collect();
            let asks =
                |event: &Event| matches!(event, Event::ModelAsked { step: asked, .. } if *asked == step);
            for task in &some {
                house.until(task, asks).await;
            }
            tasks.extend(some);
        }
        (house, tasks)
    }

    /// The next start finds every task, and each ends with its answer, paid for once.
    async fn goes_on(&self, journal: MemoryJournal, tasks: &[TaskId]) {
        let known = journal.heads(None, usize::MAX).await.unwrap();
        assert_eq!(known.len(), tasks.len(), "what was acknowledged is there, what was refused is not");
        let house = self.house(journal).await;
        for task in tasks {
            let view = house.finish(task).await;
            assert_eq!((view.head.status, view.output.as_deref()), (Status::Done, Some("paid")));
        }
        let mut paid = self.tools.started();
        paid.sort();
        paid.dedup();
        assert_eq!((paid.len(), self.tools.started().len()), (tasks.len(), tasks.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn many_slow_calls_come_to_rest_in_time_and_what_was_acknowledged_goes_on() {
    let world = World::new(Duration::from_secs(8));
    let (house, mut tasks) = world.at_work().await;
    let asked = world.model.asked();
    let began = Instant::now();
    // Some of these come before the daemon begins to rest, some while it does.
    let late = join_all((0..TASKS).map(|n| {
        let house = &house;
        async move {
            for _ in 0..n {
                tokio::task::yield_now().await;
            }
            house.submit("pay").await
        }
    }));
    let rest = async {
        tokio::task::yield_now().await;
        house.runtime.drain(DRAIN).await
    };
    let (late, left) = tokio::join!(late, rest);
    assert_eq!(left, 0, "everything under way was waited for");
    assert!(began.elapsed() <= world.call, "no second round: {:?}", began.elapsed());
    assert_eq!(world.model.asked() - asked, TASKS, "the calls under way end, no other begins");
    let (accepted, refused): (Vec<_>, Vec<_>) = late.into_iter().partition(Result::is_ok);
    assert!(!accepted.is_empty() && !refused.is_empty(), "{} accepted", accepted.len());
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind, ApiErrorKind::Unavailable);
    }
    tasks.extend(accepted.into_iter().map(Result::unwrap));
    for task in &tasks[..TASKS / 2] {
        let view = house.runtime.task(&playhouse_api::Caller::local(), task).await.unwrap();
        assert_eq!(view.head.status, Status::Done, "the last answer of a task ends it");
    }
    world.goes_on(house.stop().await, &tasks).await;
    assert_eq!(world.model.asked(), 2 * tasks.len(), "no question was asked twice");
}

#[tokio::test(start_paused = true)]
async fn calls_slower_than_the_time_to_rest_are_counted_and_asked_again() {
    let world = World::new(Duration::from_secs(30));
    let (house, tasks) = world.at_work().await;
    let began = Instant::now();
    assert_eq!(house.runtime.drain(DRAIN).await, TASKS);
    assert_eq!(began.elapsed().as_secs(), DRAIN.as_secs(), "not a moment longer");
    world.goes_on(house.stop().await, &tasks).await;
}
