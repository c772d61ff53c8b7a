//! Forks: each shares with another task what came before its step, exactly that, and belongs to nobody.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::TaskId,
    task::{Event, Record, TaskSpec},
};

use super::{Broken, Invariant, ensure};

/// What was forked, and by whose wish.
#[derive(Debug, Default)]
pub(crate) struct Forks {
    /// The task and the step.
    wanted: BTreeSet<(TaskId, u32)>,
    /// Forks whose shared part is not over yet, and of which task each is.
    sharing: BTreeMap<TaskId, (TaskId, u32)>,
    made: usize,
}

fn wrong(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    ensure(holds, Invariant::Fork, what)
}

impl Forks {
    /// Somebody is about to ask for a fork of `task` at `step`.
    pub(crate) fn wants(&mut self, task: &TaskId, step: u32) {
        self.wanted.insert((task.clone(), step));
    }

    /// A task of `spec` is durable.
    pub(super) fn born(&mut self, spec: &TaskSpec) -> Result<(), Broken> {
        let Some(forked) = &spec.lineage.forked else { return Ok(()) };
        self.sharing.insert(spec.id.clone(), forked.clone());
        let is_free = spec.session.is_none() && spec.lineage.parent.is_none() && spec.until_ms.is_none();
        wrong(self.wanted.contains(forked) && is_free, || {
            format!("nobody wanted fork {} of {forked:?}, or not so: {:?}", spec.id, spec.session)
        })
    }

    /// Whether `record` of `task` is the history of another. `original` gives the records of that other.
    pub(super) fn shares<'a>(
        &mut self,
        task: &TaskId,
        record: &Record,
        original: impl Fn(&TaskId) -> Option<&'a [Record]>,
    ) -> Result<bool, Broken> {
        let shares = self.sharing.get(task).filter(|_| 0 < record.seq);
        let Some((of, wanted)) = shares else { return Ok(false) };
        let there =
            original(of).and_then(|records| records.get(record.seq as usize)).map(|there| &there.event);
        // The history of a fork holds the end of what that one shares, too.
        let is_last = there != Some(&record.event);
        let fits = match &record.event {
            Event::Forked { step, .. } if is_last => {
                let asks = |event: &&Event| matches!(event, Event::ModelAsked { step, attempt: 1 } if step == wanted);
                step == wanted && there.filter(asks).is_some()
            }
            _ => !is_last,
        };
        wrong(fits, || {
            format!("fork {task} of {of} at step {wanted} has {:?} where that has {there:?}", record.event)
        })?;
        if is_last {
            self.sharing.remove(task);
            self.made += 1;
        }
        Ok(true)
    }

    /// How many were made.
    pub(crate) fn count(&self) -> usize {
        self.made
    }
}
