//! Forking: a new task that shares another's history up to a step.

use super::{BadJournal, Event, Lineage, Phase, Record, Task, TaskSpec};
use crate::{agent::Pinned, id::TaskId};

/// What the new task is, and what is different about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fork {
    /// Its name.
    pub id: TaskId,
    /// The step that is asked anew, from 1. Everything before it is shared.
    pub step: u32,
    /// Other words of the user: instead of the first ones when `step` is 1, else added before the step.
    pub input: Option<String>,
    /// What it runs on.
    pub pinned: Pinned,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// Why a task cannot be forked there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// It never got there.
    #[error("the task has no step {step}; its last is {last}")]
    NoSuchStep {
        /// What was asked for.
        step: u32,
        /// What there is; 0 if its model was never asked.
        last: u32,
    },
    /// The journal cannot be replayed.
    #[error(transparent)]
    Journal(#[from] BadJournal),
}

/// The journal with which the fork of the task that wrote `records` begins, and the task it makes. The
/// session is not continued: a fork is an experiment.
pub fn fork(records: &[Record], fork: Fork) -> Result<(Task, Vec<Event>), ForkError> {
    let Fork { id, step, input, pinned, now_ms } = fork;
    let asks = |event: &Event, wanted: u32| matches!(event, Event::ModelAsked { step, attempt: 1 } if *step == wanted);
    let end = records.iter().position(|record| asks(&record.event, step));
    let Some(end) = end.filter(|_| 0 < step) else {
        let asked = |record: &Record| match record.event {
            Event::ModelAsked { step, .. } => step,
            _ => 0,
        };
        let last = records.iter().map(asked).max().unwrap_or(0);
        return Err(ForkError::NoSuchStep { step, last });
    };
    let Some(Event::Submitted(old)) = records.first().map(|record| &record.event) else {
        return Err(BadJournal { at: 0, why: "a journal begins with `submitted`".into() }.into());
    };
    let (first, later) = if step == 1 { (input, None) } else { (None, input) };
    let spec = TaskSpec {
        id,
        session: None,
        topic: None,
        input: first.unwrap_or_else(|| old.input.clone()),
        pinned,
        submitted_ms: now_ms,
        until_ms: None,
        lineage: Lineage { forked: Some((old.id.clone(), step)), parent: None, ..old.lineage.clone() },
        ..(**old).clone()
    };
    let mut events = vec![Event::Submitted(Box::new(spec))];
    events.extend(records[1..end].iter().map(|record| record.event.clone()));
    events.push(Event::Forked { step, input: later });
    let task = Task::restore(events.clone())?;
    debug_assert!(matches!(task.phase, Phase::Ready { .. }), "a fork is about to ask its model");
    Ok((task, events))
}
