//! Times: what waits for one goes on when the clock shows it, not before, and not much later.

use std::collections::BTreeMap;

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Event, Intent, Record, TaskSpec, Wait},
};
use serde_json::Value;

use super::{Broken, Invariant, ensure};

/// A task that sleeps.
#[derive(Debug)]
struct Sleep {
    task: TaskId,
    at_ms: u64,
}

/// What waits for a time.
#[derive(Debug, Default)]
pub(crate) struct Times {
    sleeps: BTreeMap<EffectId, Sleep>,
    /// When any call of a task stops waiting by itself.
    due: BTreeMap<EffectId, Sleep>,
    rung: usize,
}

fn wrong(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    ensure(holds, Invariant::Timer, what)
}

impl Times {
    /// `record` of the task of `spec` is durable; `clock_ms` is when it was decided.
    pub(super) fn follow(&mut self, spec: &TaskSpec, record: &Record, clock_ms: u64) -> Result<(), Broken> {
        match &record.event {
            Event::WaitBegun { intent, wait } => {
                if let Some(at_ms) = wait.due_ms() {
                    let due = Sleep { task: spec.id.clone(), at_ms };
                    self.due.insert(intent.effect_id.clone(), due);
                }
                if let Wait::Timer { at_ms } = wait {
                    self.sleeps(spec, record, intent, *at_ms)?;
                }
            }
            Event::VerdictAsked { effect_id, expires_ms } => {
                let due = Sleep { task: spec.id.clone(), at_ms: *expires_ms };
                self.due.insert(effect_id.clone(), due);
            }
            Event::Approved { effect_id, .. }
            | Event::Denied { effect_id, .. }
            | Event::Ruled { effect_id, .. } => drop(self.due.remove(effect_id)),
            Event::ToolDone { effect_id, .. } => {
                self.due.remove(effect_id);
                if let Some(Sleep { at_ms, .. }) = self.sleeps.remove(effect_id) {
                    self.rung += 1;
                    wrong(at_ms <= clock_ms, || {
                        format!("call {effect_id} slept until {clock_ms} instead of {at_ms}")
                    })?;
                }
            }
            Event::ToolFailed { effect_id, .. } | Event::OutcomeUnknown { effect_id } => {
                self.due.remove(effect_id);
                self.sleeps.remove(effect_id);
            }
            Event::DeadlinePassed => self.is_late(spec, clock_ms)?,
            Event::Finished { .. } => {
                self.due.retain(|_, due| due.task != spec.id);
                self.sleeps.retain(|_, sleep| sleep.task != spec.id);
            }
            _ => {}
        }
        Ok(())
    }

    /// A sleep is as long as the model said.
    fn sleeps(
        &mut self,
        spec: &TaskSpec,
        record: &Record,
        intent: &Intent,
        at_ms: u64,
    ) -> Result<(), Broken> {
        let seconds = intent.arguments.get("seconds").and_then(Value::as_u64);
        let until = intent.arguments.get("until_ms").and_then(Value::as_u64);
        let wanted = until.or(seconds.map(|seconds| record.at_ms + seconds * 1000));
        wrong(wanted == Some(at_ms), || {
            format!("call {} is to sleep {} and sleeps until {at_ms}", intent.effect_id, intent.arguments)
        })?;
        self.sleeps.insert(intent.effect_id.clone(), Sleep { task: spec.id.clone(), at_ms });
        Ok(())
    }

    /// A task is ended for its time only when that is up, by either of its two limits.
    fn is_late(&self, spec: &TaskSpec, clock_ms: u64) -> Result<(), Broken> {
        let least = spec.submitted_ms + spec.pinned.agent.limits.time_ms;
        let end_ms = least.min(spec.until_ms.unwrap_or(u64::MAX));
        wrong(end_ms <= clock_ms, || {
            format!("task {} was ended at {clock_ms}, before its time {end_ms}", spec.id)
        })
    }

    /// When a call of `task` stops waiting by itself.
    pub(super) fn due_ms(&self, task: &TaskId) -> Option<u64> {
        self.due.values().filter(|due| due.task == *task).map(|due| due.at_ms).min()
    }

    /// How many sleeps came to their end.
    pub(crate) fn count(&self) -> usize {
        self.rung
    }
}
