//! Which task runs next: first come, first served, within the bounds of [`Bounds`] and one at a time per
//! session (J6).
//!
//! ```text
//! reserve ──▶ accepted ──▶ waiting ──▶ live ──▶ concluded (frees its place and its session)
//!    └─ rejected   └─ withdrawn  ▲       │
//!                                └─wake── parked (frees its place, keeps its session)
//! ```
//!
//! A task that waits for the first time may run out of time there: [`Schedule::overdue`] says which have.
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
    /// When the time of those that wait is up, in milliseconds since 1970.
    deadlines: BTreeMap<TaskId, u64>,
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
            deadlines: BTreeMap::new(),
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

    /// Says when the time of a waiting task is up, in milliseconds since 1970. No effect on a live one: it
    /// keeps its own time.
    pub fn set_deadline(&mut self, task: TaskId, at_ms: u64) {
        if !self.is_live(&task) {
            self.deadlines.insert(task, at_ms);
        }
    }

    /// Waiting tasks whose time is up at `now_ms`, at most `max` of them. They are held: end them, or
    /// [`release`](Self::release) them with a later deadline.
    #[must_use = "what is returned is held and must be ended or released"]
    pub fn overdue(&mut self, now_ms: u64, max: usize) -> Vec<TaskId> {
        let due = self.deadlines.iter().filter(|(_, at_ms)| **at_ms <= now_ms).take(max);
        let due: BTreeSet<_> = due.map(|(task, _)| task.clone()).collect();
        for task in &due {
            self.deadlines.remove(task);
        }
        // One that does not wait any more ended in another way, or keeps its own time.
        let waiting = self.waiting.iter().map(|(task, _)| task);
        let overdue: Vec<_> = waiting.filter(|task| due.contains(*task)).cloned().collect();
        self.held.extend(overdue.iter().cloned());
        overdue
    }

    /// When the time of the next waiting task is up, in milliseconds since 1970.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.deadlines.values().min().copied()
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
        // Nobody overtakes a held task of the same session.
        let mut kept = BTreeSet::new();
        let mut at = 0;
        while at < self.waiting.len() && self.live.len() < self.bounds.live_tasks {
            let (task, lane) = &self.waiting[at];
            let free = |session| !self.busy.contains(session) && !kept.contains(session);
            let held = self.held.contains(task);
            if held || !lane.as_ref().is_none_or(free) {
                kept.extend(lane.clone().filter(|_| held));
                at += 1;
                continue;
            }
            let (task, lane) = self.waiting.remove(at).expect("`at` is in range");
            self.busy.extend(lane.clone());
            self.deadlines.remove(&task);
            self.live.insert(task.clone(), lane);
            started.push(task);
        }
        started
    }

    /// Takes a waiting task out, so that it never starts. Its end is not a conclusion: it held no place.
    pub fn forget(&mut self, task: &TaskId) {
        self.held.remove(task);
        self.deadlines.remove(task);
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
mod tests;
