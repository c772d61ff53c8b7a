//! Tasks that are forgotten: only those that are over, and then for good.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::id::TaskId;

use super::{Broken, Invariant, Known, Oracle, ensure};

/// What is gone, and what may be.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    gone: BTreeMap<TaskId, Known>,
    /// Somebody asked, and nobody knows yet what came of it.
    asked: BTreeSet<TaskId>,
}

impl Gone {
    /// The journal is asked to forget `task`, which is over or is not.
    pub(super) fn asks(&mut self, task: &TaskId, is_over: bool) -> Result<(), Broken> {
        self.asked.insert(task.clone());
        ensure(is_over, Invariant::Forget, || format!("task {task} is to be forgotten and is not over"))
    }

    /// It is gone; this was known about it.
    pub(super) fn went(&mut self, task: &TaskId, known: Option<Known>) {
        self.asked.remove(task);
        self.gone.extend(known.map(|known| (task.clone(), known)));
    }

    /// Whether it is gone.
    pub(crate) fn is_gone(&self, task: &TaskId) -> bool {
        self.gone.contains_key(task)
    }

    /// Whether it may be gone.
    pub(crate) fn may_be_gone(&self, task: &TaskId) -> bool {
        self.is_gone(task) || self.asked.contains(task)
    }

    /// The journal shows something of `task`, which it was asked for when `was_gone` was so.
    pub(crate) fn shown(&self, task: &TaskId, was_gone: bool) -> Result<(), Broken> {
        ensure(!was_gone, Invariant::Forget, || format!("task {task} was forgotten and is there again"))
    }

    /// What was known about it.
    pub(super) fn known(&self, task: &TaskId) -> Option<&Known> {
        self.gone.get(task)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.gone.len()
    }
}

impl Oracle {
    /// The journal is asked to forget `task`.
    pub(crate) fn forgets(&mut self, task: &TaskId) -> Result<(), Broken> {
        let is_over = self.outcome(task).is_some();
        self.gone.asks(task, is_over)
    }

    /// It is gone.
    pub(crate) fn forgot(&mut self, task: &TaskId) {
        let known = self.tasks.remove(task);
        self.gone.went(task, known);
    }
}
