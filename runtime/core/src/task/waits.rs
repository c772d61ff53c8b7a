//! What waits, and how a wait ends: by a person, a signal, the time; and holding still on request.

use serde_json::json;

use super::{
    Decision, Effect, Event, Intent, Phase, Signal, Status, Task, Wait, Waiting,
    control::{self, Control},
    decide::{Turn, failed},
    event::TaskErrorKind,
};
use crate::{
    id::EffectId,
    tool::{ToolError, ToolErrorKind},
};

impl Task {
    /// Begins a call of a control tool: its wait, and what it waits for.
    pub(super) fn begin_control(&mut self, out: &mut Turn, intent: Intent) {
        match control::parse(&intent.tool, &intent.arguments) {
            Err(error) => self.refuse_control(out, intent, error),
            Ok(Control::Sleep { ms, until_ms }) => {
                let latest = out.now_ms.saturating_add(control::WAIT_MS_MAX);
                let at_ms = until_ms.unwrap_or(out.now_ms.saturating_add(ms.unwrap_or(0))).min(latest);
                self.note(out, Event::WaitBegun { intent, wait: Wait::Timer { at_ms } });
            }
            Ok(Control::Signal { name, timeout_ms }) => {
                let expires_ms = out.now_ms.saturating_add(timeout_ms);
                self.note(out, Event::WaitBegun { intent, wait: Wait::Signal { name, expires_ms } });
                self.hand_out_signals(out);
            }
            Ok(Control::Make { orders, parallel, wait }) => {
                self.begin_making(out, intent, &orders, parallel, wait);
            }
            Ok(Control::Await { tasks }) => self.begin_awaiting(out, intent, &tasks),
        }
        self.expire(out);
    }

    /// Refuses a control call whose arguments make no sense; a person may have agreed to it already.
    pub(super) fn refuse_control(&mut self, out: &mut Turn, intent: Intent, error: ToolError) {
        let Intent { effect_id, call_id, tool, .. } = intent;
        let event = match self.slot(&effect_id) {
            Some(_) => Event::ToolFailed { effect_id, error },
            None => Event::ToolRefused { call_id, tool, error },
        };
        self.note(out, event);
    }

    pub(super) fn on_decision(
        &mut self,
        out: &mut Turn,
        effect_id: &EffectId,
        args_digest: Option<&str>,
        decision: Decision,
        by: String,
    ) {
        // One that comes too late is none, even if nobody has looked at the clock yet.
        self.look_at_clock(out);
        if self.accepts_decision(effect_id, args_digest, &decision).is_err() {
            return;
        }
        let slot = self.slot(effect_id).expect("a decision is accepted for a call that waits");
        let for_verdict = matches!(slot.wait(), Some(Wait::Verdict { .. }));
        let intent = slot.intent.clone().expect("a call that waits has an intent");
        let effect_id = effect_id.clone();
        match decision {
            Decision::Approve { arguments } => {
                self.note(out, Event::Approved { effect_id: effect_id.clone(), by, arguments });
                let intent = self.slot(&effect_id).and_then(|slot| slot.intent.clone()).unwrap_or(intent);
                self.dispatch(out, Intent { epoch: self.epoch, ..intent });
            }
            Decision::Deny { .. } if for_verdict => {
                self.note(out, Event::Ruled { effect_id: effect_id.clone(), by });
                self.note(out, Event::OutcomeUnknown { effect_id });
            }
            Decision::Deny { reason } => self.deny(out, effect_id, Some(by), reason),
            Decision::Happened { output } => {
                self.note(out, Event::Ruled { effect_id: effect_id.clone(), by });
                self.note(out, Event::ToolDone { effect_id, output });
            }
            Decision::Retry => {
                self.note(out, Event::Ruled { effect_id, by });
                self.make_call(out, intent);
            }
        }
        self.go_on(out);
    }

    fn deny(&mut self, out: &mut Turn, effect_id: EffectId, by: Option<String>, reason: String) {
        let message = match (&by, reason.as_str()) {
            (Some(_), "") => "a person did not allow this call".to_owned(),
            (Some(_), reason) => format!("a person did not allow this call: {reason}"),
            (None, _) => "nobody allowed this call in time".to_owned(),
        };
        self.note(out, Event::Denied { effect_id: effect_id.clone(), by, reason });
        let error = ToolError::new(ToolErrorKind::Denied, message);
        self.note(out, Event::ToolFailed { effect_id, error });
    }

    pub(super) fn on_signal(&mut self, out: &mut Turn, signal: Signal) {
        if self.signals.contains(&signal.id) {
            return;
        }
        self.note(out, Event::SignalReceived { signal });
        self.hand_out_signals(out);
        self.go_on(out);
    }

    /// Gives each call that waits for a signal the oldest of its name.
    fn hand_out_signals(&mut self, out: &mut Turn) {
        let waiting: Vec<_> = self
            .slots()
            .iter()
            .filter_map(|slot| match slot.wait() {
                Some(Wait::Signal { name, .. }) => {
                    Some((slot.intent.as_ref()?.effect_id.clone(), name.clone()))
                }
                _ => None,
            })
            .collect();
        for (effect_id, name) in waiting {
            let Some(signal) = self.inbox.iter().find(|signal| signal.name == name).cloned() else {
                continue;
            };
            self.note(out, Event::SignalTaken { id: signal.id, effect_id: effect_id.clone() });
            self.note(out, Event::ToolDone { effect_id, output: signal.payload });
        }
    }

    /// Ends the task if its time is up, and the waits whose time has come.
    pub(super) fn look_at_clock(&mut self, out: &mut Turn) {
        if self.is_over_time(out.now_ms) {
            let limit = self.spec.pinned.agent.limits.time_ms;
            let message = match self.spec.until_ms.filter(|until| *until <= out.now_ms) {
                Some(until) => format!("the task was not done by its time, {until} ms since 1970"),
                None => format!(
                    "the task was not done after {limit} ms; raise `limits.time_ms` of the agent, or ask for less"
                ),
            };
            self.note(out, Event::DeadlinePassed);
            return self.abandon(out, failed(TaskErrorKind::TimeBudget, message));
        }
        self.expire(out);
        self.go_on(out);
    }

    fn phase_is_over(&self) -> bool {
        matches!(self.phase, Phase::Finished(_))
    }

    /// The clock of a parked task stands still; that of one which is taking back has run out already.
    pub(super) fn is_over_time(&self, now_ms: u64) -> bool {
        let until = self.spec.until_ms.unwrap_or(u64::MAX);
        let parked = self.parked_since_ms.is_some();
        let deadline = if parked { until } else { self.deadline_ms() };
        !matches!(self.phase, Phase::Undoing { .. }) && deadline <= now_ms
    }

    /// Ends the waits whose time has come.
    fn expire(&mut self, out: &mut Turn) {
        let due: Vec<_> = self
            .slots()
            .iter()
            .filter_map(|slot| {
                let wait = slot.wait().filter(|wait| wait.due_ms().is_some_and(|due| due <= out.now_ms))?;
                Some((slot.intent.as_ref()?.effect_id.clone(), wait.clone()))
            })
            .collect();
        for (effect_id, wait) in due {
            match wait {
                Wait::Approval { .. } => self.deny(out, effect_id, None, "the time ran out".into()),
                Wait::Verdict { .. } => self.note(out, Event::OutcomeUnknown { effect_id }),
                Wait::Signal { name, .. } => {
                    let message = format!("no signal `{name}` came in time");
                    let error = ToolError::new(ToolErrorKind::Timeout, message);
                    self.note(out, Event::ToolFailed { effect_id, error });
                }
                Wait::Timer { at_ms } => {
                    let output = json!({ "slept_until_ms": at_ms });
                    self.note(out, Event::ToolDone { effect_id, output });
                }
                Wait::Children { .. } => {}
            }
        }
    }

    pub(super) fn on_pause(&mut self, out: &mut Turn, reason: String) {
        if matches!(self.phase, Phase::Thinking { .. }) {
            out.effects.push(Effect::AbortModel);
        }
        self.note(out, Event::Paused { reason });
    }

    pub(super) fn on_unpause(&mut self, out: &mut Turn) {
        self.note(out, Event::Unpaused);
        self.look_at_clock(out);
        self.advance_children(out);
    }

    /// What the task waits for, when nothing of it is at work.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let kinds = || self.slots().iter().filter_map(|slot| slot.wait()).map(Wait::kind);
        let at_work = self.slots().iter().any(|slot| slot.is_at_work());
        match &self.phase {
            Phase::Queued | Phase::Ready { .. } => self.paused.as_ref().map(|_| Waiting::Paused),
            Phase::Acting { .. } if at_work => None,
            Phase::Acting { .. } if self.paused.is_some() => Some(Waiting::Paused),
            Phase::Acting { .. } => kinds().min(),
            Phase::Thinking { .. } | Phase::Undoing { .. } | Phase::Finished(_) => None,
        }
    }

    /// When a parked task goes on by itself, in milliseconds since 1970. A paused one does not, but its own
    /// end of time holds.
    pub fn due_ms(&self) -> Option<u64> {
        let paused = self.paused.is_some();
        let waits = self.slots().iter().filter_map(|slot| slot.wait()?.due_ms()).filter(|_| !paused);
        waits.chain(self.spec.until_ms).min()
    }

    pub(super) fn next_due_ms(&self) -> u64 {
        let waits = self.slots().iter().filter_map(|slot| slot.wait()?.due_ms());
        waits.chain([self.deadline_ms()]).min().expect("there is always a deadline")
    }

    /// When to look at the clock while the task is not parked. Taking back has no end of time: each of its
    /// calls has one.
    pub(super) fn alarm_ms(&self) -> Option<u64> {
        let ending = matches!(self.phase, Phase::Undoing { .. } | Phase::Finished(_));
        (!ending && self.waiting().is_none()).then(|| self.next_due_ms())
    }

    /// The end of every step: notes that the task parks, or that it goes on, and asks to be woken when the
    /// time for that is another than `alarm`, which is set already.
    pub(super) fn rest(&mut self, out: &mut Turn, alarm: Option<u64>) {
        match (self.waiting(), self.parked_since_ms) {
            (Some(_), None) => {
                let due_ms = self.due_ms();
                self.note(out, Event::Parked { at_ms: out.now_ms, due_ms });
            }
            (None, Some(_)) if !self.phase_is_over() => self.note(out, Event::Woken { at_ms: out.now_ms }),
            _ => {}
        }
        if self.status() == Status::Parked {
            out.effects.push(Effect::Park { due_ms: self.due_ms() });
        }
        let next = self.alarm_ms().filter(|next| alarm != Some(*next));
        if let Some(at_ms) = next {
            // First, for whatever follows may take long.
            out.effects.insert(0, Effect::WakeAt { at_ms });
        }
    }
}
