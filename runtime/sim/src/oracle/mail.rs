//! Signals: each that was sent is heard at most once, as it was sent, in order, and by whoever waits for it.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Event, Signal, Wait},
    tool::ToolErrorKind,
};

use super::{Broken, Invariant, ensure};

/// What was sent, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// By task and what is said: senders never say the same thing twice on purpose.
    sent: BTreeMap<(TaskId, String), Signal>,
    received: BTreeSet<(TaskId, String)>,
    /// Ids that the journal has.
    known: BTreeSet<(TaskId, String)>,
    /// Received and not taken, in order.
    inbox: BTreeMap<TaskId, Vec<Signal>>,
    /// Calls that wait: for which signal, and until when.
    waits: BTreeMap<EffectId, (TaskId, String, u64)>,
    /// What each call is to give.
    taken: BTreeMap<EffectId, Signal>,
    heard: usize,
}

fn wrong(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    ensure(holds, Invariant::Signal, what)
}

impl Mail {
    /// `event` of `task` is durable; `clock_ms` is when it was decided.
    pub(super) fn follow(&mut self, task: &TaskId, event: &Event, clock_ms: u64) -> Result<(), Broken> {
        match event {
            Event::SignalReceived { signal } => self.receive(task, signal),
            Event::WaitBegun { intent, wait: Wait::Signal { name, expires_ms } } => {
                let wait = (task.clone(), name.clone(), *expires_ms);
                self.waits.insert(intent.effect_id.clone(), wait);
                Ok(())
            }
            Event::SignalTaken { id, effect_id } => self.take(task, id, effect_id),
            Event::ToolDone { effect_id, output } if self.waits.remove(effect_id).is_some() => {
                let taken = self.taken.get(effect_id);
                wrong(taken.is_some_and(|signal| signal.payload == *output), || {
                    format!("call {effect_id} took {taken:?} and gave {output}")
                })
            }
            Event::ToolFailed { effect_id, error } => match self.waits.remove(effect_id) {
                Some((task, name, expires_ms)) => {
                    let is_timeout = error.kind == ToolErrorKind::Timeout;
                    ensure(!is_timeout || expires_ms <= clock_ms, Invariant::Timer, || {
                        format!("call {effect_id} stopped waiting at {clock_ms}, before {expires_ms}")
                    })?;
                    wrong(self.first(&task, &name).is_none(), || {
                        format!("call {effect_id} heard no `{name}`, though one was there")
                    })
                }
                None => Ok(()),
            },
            Event::Finished { .. } => {
                self.waits.retain(|_, (waiting, ..)| waiting != task);
                self.inbox.remove(task);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn receive(&mut self, task: &TaskId, signal: &Signal) -> Result<(), Broken> {
        let place = (task.clone(), signal.payload.to_string());
        wrong(self.sent.get(&place).is_some_and(|sent| sent.name == signal.name), || {
            format!("task {task} received {signal:?}, which nobody sent")
        })?;
        wrong(self.received.insert(place), || format!("task {task} received {signal:?} twice"))?;
        self.known.insert((task.clone(), signal.id.clone()));
        self.inbox.entry(task.clone()).or_default().push(signal.clone());
        Ok(())
    }

    fn first(&self, task: &TaskId, name: &str) -> Option<&Signal> {
        self.inbox.get(task)?.iter().find(|signal| signal.name == name)
    }

    fn take(&mut self, task: &TaskId, id: &str, effect_id: &EffectId) -> Result<(), Broken> {
        let first = self.waits.get(effect_id).and_then(|(_, name, _)| self.first(task, name)).cloned();
        let Some(signal) = first.filter(|signal| signal.id == id) else {
            return wrong(false, || format!("call {effect_id} took signal {id}, which was not its turn"));
        };
        self.inbox.entry(task.clone()).or_default().retain(|kept| kept.id != id);
        self.taken.insert(effect_id.clone(), signal);
        self.heard += 1;
        Ok(())
    }

    /// Somebody is about to send this.
    pub(crate) fn sends(&mut self, task: &TaskId, signal: &Signal) {
        self.sent.insert((task.clone(), signal.payload.to_string()), signal.clone());
    }

    /// Whoever sent it is told that it is there.
    pub(crate) fn is_told(&self, task: &TaskId, id: &str) -> Result<(), Broken> {
        wrong(self.known.contains(&(task.clone(), id.to_owned())), || {
            format!("signal {id} to task {task} was taken, and is not durable")
        })
    }

    /// What tasks wait to hear: the task and the name.
    pub(crate) fn wanted(&self) -> Vec<(TaskId, String)> {
        self.waits.values().map(|(task, name, _)| (task.clone(), name.clone())).collect()
    }

    /// How many were heard.
    pub(crate) fn count(&self) -> usize {
        self.heard
    }
}
