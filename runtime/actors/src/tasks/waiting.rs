//! Tasks that wait for their turn and have no planner: what is written to them, and when their time is up.
//!
//! The time of a task runs from its submission on. Whose is up before it has begun gets the same input that
//! a planner would give it, [`Input::Tick`], and the task machine says whether that ends it.

use std::time::Duration;

use playhouse_core::{
    id::TaskId,
    task::{Input, Refusal, Status, Task},
};
use playhouse_supervise::tell;
use ractor::ActorRef;
use tokio::task::AbortHandle;

use super::{Ended, Tasks, TasksMsg, TasksState, lane};
use crate::timers::TimersMsg;

/// Longest wait between two looks at the clock, in milliseconds: one that jumps must not make a task a year late.
const LOOK_MS_MAX: u64 = 60_000;
/// Tasks ended by one look. Each is a read and an append of its own.
const OVERDUE_MAX: usize = 256;
/// Between two looks while more is overdue than one look takes, in milliseconds.
const LOOK_SOON_MS: u64 = 20;

/// A look at the clock that has been decided on.
#[derive(Debug)]
pub(super) struct Look {
    at_ms: u64,
    timer: AbortHandle,
}

impl Tasks {
    /// A task that has not begun was written to: it waits for its turn, or not any more.
    pub(super) fn written(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        id: &TaskId,
        task: Option<Box<Task>>,
    ) {
        let later = state.writing.remove(id).unwrap_or_default();
        match task {
            Some(task) if task.outcome().is_some() => {
                later.into_iter().for_each(|delivery| delivery.answer(Err(Refusal::Over)));
                self.conclude(myself, state, id);
                let ended = Ended::of(&task);
                // Whoever made it waits to hear of it.
                return ended.into_iter().for_each(|ended| self.child_over(myself, state, ended));
            }
            // It gives up its turn: it would keep its session waiting.
            Some(task) if task.status() == Status::Parked => {
                state.schedule.forget(id);
                task.due_ms()
                    .into_iter()
                    .for_each(|at_ms| self.services.cast_timers(TimersMsg::Parked(at_ms)));
            }
            Some(task) => {
                if !state.schedule.is_waiting(id) && !state.schedule.is_live(id) {
                    state.schedule.restore(id.clone(), lane(task.spec()));
                }
                if task.is_unbegun() {
                    self.time_them(myself, state, vec![(id.clone(), task.deadline_ms())]);
                }
            }
            None => {}
        }
        let started = state.schedule.release(id);
        self.start(myself, state, started);
        for delivery in later {
            self.deliver(myself, state, id.clone(), delivery);
        }
    }

    /// Waiting tasks will have run out of time at these times.
    pub(super) fn time_them(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        deadlines: Vec<(TaskId, u64)>,
    ) {
        let first_ms = deadlines.iter().map(|(_, at_ms)| *at_ms).min();
        for (task, at_ms) in deadlines {
            state.schedule.set_deadline(task, at_ms);
        }
        let sooner = |first_ms: &u64| state.look.as_ref().is_none_or(|look| *first_ms < look.at_ms);
        if let Some(first_ms) = first_ms.filter(sooner) {
            self.look_at(myself, state, first_ms, 0);
        }
    }

    /// Ends the waiting tasks whose time is up.
    pub(super) fn look(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState) {
        if let Some(look) = state.look.take() {
            look.timer.abort();
        }
        let now_ms = self.services.ledger.clock.now_ms();
        for task in state.schedule.overdue(now_ms, OVERDUE_MAX) {
            self.end(myself, state, task, Input::Tick);
        }
        if let Some(next_ms) = state.schedule.next_deadline_ms() {
            self.look_at(myself, state, next_ms, LOOK_SOON_MS);
        }
    }

    /// Looks at the clock at `at_ms`, in milliseconds since 1970, but no sooner than in `least_ms`, and not
    /// when it was decided before.
    fn look_at(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, at_ms: u64, least_ms: u64) {
        let left_ms = at_ms.saturating_sub(self.services.ledger.clock.now_ms());
        let wait = Duration::from_millis(left_ms.clamp(least_ms, LOOK_MS_MAX));
        let myself = myself.clone();
        let timer = state.jobs.spawn(async move {
            tokio::time::sleep(wait).await;
            // Fails only when this actor has stopped.
            let _ = tell(&myself, TasksMsg::Look);
        });
        if let Some(earlier) = state.look.replace(Look { at_ms, timer }) {
            earlier.timer.abort();
        }
    }
}
