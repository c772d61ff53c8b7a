//! Which task runs next: first come, first served, within the bounds of [`Bounds`] and one at a time per
//! session (J6).
//!
//! ```text
//! reserve ──▶ accepted ──▶ waiting ──▶ live ──▶ concluded
//!    └─ rejected   └─ withdrawn           (frees room and its session)
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    admission::Bounds,
    id::{SessionId, TaskId, Tenant},
};

/// The session a task belongs to; tasks without one never wait for each other.
pub type Lane = Option<(Tenant, SessionId)>;

/// The state of all admitted tasks.
///
/// Invariant: at most one live task per session; at most `bounds.live_tasks` live tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    bounds: Bounds,
    /// Admitted, not yet durable.
    reserved: usize,
    waiting: VecDeque<(TaskId, Lane)>,
    live: BTreeMap<TaskId, Lane>,
    busy: BTreeSet<(Tenant, SessionId)>,
}

impl Schedule {
    /// An empty schedule.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, reserved: 0, waiting: VecDeque::new(), live: BTreeMap::new(), busy: BTreeSet::new() }
    }

    /// Makes room for one more task, or turns it away. Every `true` is followed by [`accept`](Self::accept)
    /// or [`withdraw`](Self::withdraw).
    pub fn reserve(&mut self) -> bool {
        // Those admitted fill the live places first; the rest wait.
        let admitted = self.live.len() + self.waiting.len() + self.reserved;
        let admit = admitted < self.bounds.live_tasks + self.bounds.queued_tasks;
        self.reserved += usize::from(admit);
        admit
    }

    /// Gives a reservation back.
    pub fn withdraw(&mut self) {
        self.reserved -= 1;
    }

    /// Adds a durable task under its reservation; returns what can start now.
    pub fn accept(&mut self, task: TaskId, lane: Lane) -> Vec<TaskId> {
        self.reserved -= 1;
        self.waiting.push_back((task, lane));
        self.start_what_can()
    }

    /// Adds a task found in the journal at start-up. The bounds were checked when it was submitted.
    pub fn restore(&mut self, task: TaskId, lane: Lane) {
        self.waiting.push_back((task, lane));
    }

    /// Frees the place of a task that is over, whether it was live or waiting; returns what can start now.
    pub fn conclude(&mut self, task: &TaskId) -> Vec<TaskId> {
        match self.live.remove(task) {
            Some(Some(session)) => drop(self.busy.remove(&session)),
            Some(None) => {}
            None => self.waiting.retain(|(waiting, _)| waiting != task),
        }
        self.start_what_can()
    }

    /// Starts waiting tasks in order, passing over those whose session is busy.
    pub fn start_what_can(&mut self) -> Vec<TaskId> {
        let mut started = Vec::new();
        let mut at = 0;
        while at < self.waiting.len() && self.live.len() < self.bounds.live_tasks {
            let free = self.waiting[at].1.as_ref().is_none_or(|session| !self.busy.contains(session));
            if !free {
                at += 1;
                continue;
            }
            let (task, lane) = self.waiting.remove(at).expect("`at` is in range");
            self.busy.extend(lane.clone());
            self.live.insert(task.clone(), lane);
            started.push(task);
        }
        started
    }

    /// Takes a waiting task out, so that it never starts. Its end is not a conclusion: it held no place.
    pub fn forget(&mut self, task: &TaskId) {
        self.waiting.retain(|(waiting, _)| waiting != task);
    }

    /// Whether the task has a live planner.
    pub fn is_live(&self, task: &TaskId) -> bool {
        self.live.contains_key(task)
    }

    /// Whether the task waits.
    pub fn is_waiting(&self, task: &TaskId) -> bool {
        self.waiting.iter().any(|(waiting, _)| waiting == task)
    }

    /// Number of live tasks.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Number of tasks accepted and waiting.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.reserved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: usize) -> TaskId {
        TaskId::new(format!("t{n:03}")).unwrap()
    }

    fn lane(n: usize) -> Lane {
        (n > 0).then(|| (Tenant::local(), SessionId::new(format!("s{n}")).unwrap()))
    }

    proptest! {
        /// J6 and J7 over any order of submissions and conclusions, and nobody is forgotten.
        #[test]
        fn tasks_of_one_session_never_interleave_and_bounds_hold(
            lanes in prop::collection::vec(0usize..4, 1..40),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let bounds = Bounds { live_tasks: 3, queued_tasks: 100, ..Bounds::default() };
            let mut schedule = Schedule::new(bounds);
            let mut live: Vec<TaskId> = Vec::new();
            let mut begun: Vec<(usize, TaskId)> = Vec::new();
            let lane_of = |task: &TaskId| lanes[task.as_str()[1..].parse::<usize>().unwrap()];
            let mut picks = picks.into_iter();
            for n in 0..lanes.len() + 200 {
                let started = match n < lanes.len() {
                    true => {
                        prop_assert!(schedule.reserve());
                        schedule.accept(id(n), lane(lanes[n]))
                    }
                    false if live.is_empty() => break,
                    false => {
                        let done = live.swap_remove(picks.next().unwrap().index(live.len()));
                        schedule.conclude(&done)
                    }
                };
                begun.extend(started.iter().map(|task| (lane_of(task), task.clone())));
                live.extend(started);
                prop_assert!(live.len() <= 3);
                let mut sessions: Vec<_> = live.iter().map(lane_of).filter(|lane| *lane > 0).collect();
                let all = sessions.len();
                sessions.sort_unstable();
                sessions.dedup();
                prop_assert_eq!(sessions.len(), all, "two live tasks of one session");
            }
            prop_assert_eq!(begun.len(), lanes.len(), "every task starts once");
            for session in 1..4 {
                let order: Vec<_> = begun.iter().filter(|(lane, _)| *lane == session).collect();
                prop_assert!(order.is_sorted(), "tasks of a session start in the order of submission");
            }
        }
    }

    #[test]
    fn beyond_the_bounds_a_task_is_turned_away() {
        let bounds = Bounds { live_tasks: 1, queued_tasks: 1, ..Bounds::default() };
        let mut schedule = Schedule::new(bounds);
        assert!(schedule.reserve());
        assert_eq!(schedule.accept(id(0), None), [id(0)]);
        assert!(schedule.reserve());
        assert!(schedule.accept(id(1), None).is_empty());
        assert!(!schedule.reserve());
        assert_eq!(schedule.conclude(&id(0)), [id(1)]);
        assert!(schedule.reserve());
    }
}
