//! Which task runs next: first come, first served, within the bounds of [`Bounds`] and one at a time per
//! session (J6).
//!
//! ```text
//! reserve ──▶ accepted ──▶ waiting ──▶ live ──▶ concluded (frees its place and its session)
//!    └─ rejected   └─ withdrawn  ▲       │
//!                                └─wake── parked (frees its place, keeps its session)
//! ```
//!
//! A parked task is remembered only if it keeps a session; a million others cost nothing here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    admission::Bounds,
    id::{SessionId, TaskId, Tenant},
};

/// The session a task belongs to; tasks without one never wait for each other.
pub type Lane = Option<(Tenant, SessionId)>;

/// The state of all admitted tasks.
///
/// Invariant: at most one task per session is live or parked or woken; at most `bounds.live_tasks` are live.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    bounds: Bounds,
    /// Admitted, not yet durable.
    reserved: usize,
    /// Woken tasks stand before new ones: their sessions wait for them.
    woken: VecDeque<(TaskId, Lane)>,
    waiting: VecDeque<(TaskId, Lane)>,
    /// Waiting tasks that must not start now: something is being written to them.
    held: BTreeSet<TaskId>,
    live: BTreeMap<TaskId, Lane>,
    /// Only those of a session.
    parked: BTreeMap<TaskId, (Tenant, SessionId)>,
    busy: BTreeSet<(Tenant, SessionId)>,
}

impl Schedule {
    /// An empty schedule.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            reserved: 0,
            woken: VecDeque::new(),
            waiting: VecDeque::new(),
            held: BTreeSet::new(),
            live: BTreeMap::new(),
            parked: BTreeMap::new(),
            busy: BTreeSet::new(),
        }
    }

    /// Makes room for one more task, or turns it away. Every `true` is followed by [`accept`](Self::accept)
    /// or [`withdraw`](Self::withdraw).
    pub fn reserve(&mut self) -> bool {
        // Those admitted fill the live places first; the rest wait.
        let admitted = self.live.len() + self.waiting();
        let admit = admitted < self.bounds.live_tasks + self.bounds.queued_tasks;
        self.reserved += usize::from(admit);
        admit
    }

    /// Makes room for a task that a live one made. Its parent's limits bound it, and turning it away could
    /// leave the parent waiting for ever, so there is always room.
    pub fn reserve_child(&mut self) {
        self.reserved += 1;
    }

    /// Gives a reservation back.
    pub fn withdraw(&mut self) {
        self.reserved -= 1;
    }

    /// Adds a durable task under its reservation; returns what can start now.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn accept(&mut self, task: TaskId, lane: Lane) -> Vec<TaskId> {
        self.reserved -= 1;
        self.restore(task, lane);
        self.start_what_can()
    }

    /// Adds a task found in the journal at start-up. The bounds were checked when it was submitted.
    pub fn restore(&mut self, task: TaskId, lane: Lane) {
        self.waiting.push_back((task, lane));
    }

    /// Adds a parked task of a session, found in the journal at start-up.
    pub fn restore_parked(&mut self, task: TaskId, session: (Tenant, SessionId)) {
        self.busy.insert(session.clone());
        self.parked.insert(task, session);
    }

    /// Frees the place of a live task that waits for something outside, but not its session; returns what can
    /// start now.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn park(&mut self, task: &TaskId) -> Vec<TaskId> {
        if let Some(Some(session)) = self.live.remove(task) {
            self.parked.insert(task.clone(), session);
        }
        self.start_what_can()
    }

    /// Lets a parked task go on as soon as there is a place; returns what can start now. No effect on one
    /// that is live or waiting.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn wake(&mut self, task: TaskId) -> Vec<TaskId> {
        if !self.is_live(&task) && !self.is_waiting(&task) {
            let lane = self.parked.remove(&task);
            self.woken.push_back((task, lane));
        }
        self.start_what_can()
    }

    /// Keeps a waiting task from starting until [`release`](Self::release); `false` if it does not wait.
    pub fn hold(&mut self, task: &TaskId) -> bool {
        let waits = self.is_waiting(task);
        if waits {
            self.held.insert(task.clone());
        }
        waits
    }

    /// Ends a hold; returns what can start now.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn release(&mut self, task: &TaskId) -> Vec<TaskId> {
        self.held.remove(task);
        self.start_what_can()
    }

    /// Frees what a task has that is over, wherever it stood; returns what can start now.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn conclude(&mut self, task: &TaskId) -> Vec<TaskId> {
        let woken = self.woken.iter().position(|(woken, _)| woken == task);
        let woken = woken.and_then(|at| self.woken.remove(at)).and_then(|(_, lane)| lane);
        let session = self.live.remove(task).flatten().or_else(|| self.parked.remove(task)).or(woken);
        if let Some(session) = session {
            self.busy.remove(&session);
        }
        self.forget(task);
        self.start_what_can()
    }

    /// Starts waiting tasks in order, passing over those whose session is busy.
    #[must_use = "what is returned counts as live and must be started"]
    pub fn start_what_can(&mut self) -> Vec<TaskId> {
        let mut started = Vec::new();
        let mut at = 0;
        while at < self.woken.len() && self.live.len() < self.bounds.live_tasks {
            if self.held.contains(&self.woken[at].0) {
                at += 1;
                continue;
            }
            // Its session is its own already.
            let (task, lane) = self.woken.remove(at).expect("`at` is in range");
            self.live.insert(task.clone(), lane);
            started.push(task);
        }
        let mut at = 0;
        while at < self.waiting.len() && self.live.len() < self.bounds.live_tasks {
            let (task, lane) = &self.waiting[at];
            let free = lane.as_ref().is_none_or(|session| !self.busy.contains(session));
            if !free || self.held.contains(task) {
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
        self.held.remove(task);
        self.waiting.retain(|(waiting, _)| waiting != task);
    }

    /// Whether the task has a live planner.
    pub fn is_live(&self, task: &TaskId) -> bool {
        self.live.contains_key(task)
    }

    /// Whether the task waits, for the first time or again.
    pub fn is_waiting(&self, task: &TaskId) -> bool {
        self.waiting.iter().any(|(waiting, _)| waiting == task) || self.is_woken(task)
    }

    /// Whether the task was parked and waits for a place.
    pub fn is_woken(&self, task: &TaskId) -> bool {
        self.woken.iter().any(|(woken, _)| woken == task)
    }

    /// Number of live tasks.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Number of tasks accepted and waiting.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.woken.len() + self.reserved
    }

    /// Whether more parked tasks should be woken now: waiting where they are costs them nothing.
    pub fn has_room_to_wake(&self) -> bool {
        self.woken.len() < self.bounds.live_tasks
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

    #[test]
    fn a_parked_task_gives_its_place_away_but_not_its_session() {
        let bounds = Bounds { live_tasks: 1, queued_tasks: 9, ..Bounds::default() };
        let mut schedule = Schedule::new(bounds);
        for (n, of) in [(0, lane(1)), (1, lane(1)), (2, None)] {
            assert!(schedule.reserve());
            let _ = schedule.accept(id(n), of);
        }
        assert!(schedule.is_live(&id(0)));
        assert_eq!(schedule.park(&id(0)), [id(2)], "its session waits for it");
        assert!(schedule.wake(id(0)).is_empty(), "there is no place");
        assert_eq!(schedule.conclude(&id(2)), [id(0)], "the woken goes first");
        assert_eq!(schedule.conclude(&id(0)), [id(1)]);
    }

    #[test]
    fn a_held_task_waits_until_it_is_released() {
        let mut schedule = Schedule::new(Bounds { live_tasks: 1, ..Bounds::default() });
        for n in 0..3 {
            assert!(schedule.reserve());
            let _ = schedule.accept(id(n), lane(n));
        }
        assert!(schedule.hold(&id(1)) && !schedule.hold(&id(0)));
        assert_eq!(schedule.conclude(&id(0)), [id(2)]);
        assert!(schedule.conclude(&id(2)).is_empty());
        assert_eq!(schedule.release(&id(1)), [id(1)]);
    }
}
