//! Whether something from outside fits the task as it stands: what a caller is told before anything is
//! written.

use super::{Decision, Input, Phase, Signal, Task, Wait, intake, slot::SlotState};
use crate::{id::EffectId, task::control};

/// Signals a task keeps that no call has taken. More at once is a sender that does not stop.
pub(super) const INBOX_MAX: usize = 64;
/// Signals one task ever takes in: their ids are kept so that none counts twice.
const SIGNALS_MAX: usize = 10_000;

/// Why a task does not take something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is over.
    #[error("the task is over")]
    Over,
    /// No such call waits for a person.
    #[error("no call `{0}` of this task waits for a decision")]
    NotWaiting(EffectId),
    /// The decision does not fit what is asked.
    #[error("this call waits for {0}")]
    OtherDecision(&'static str),
    /// The person has seen other arguments.
    #[error("the decision is about other arguments than those of the call; look at it again")]
    OtherArguments,
    /// The agent takes no such signal.
    #[error("the agent of this task takes no signal `{name}`; it takes: {known}")]
    UnknownSignal {
        /// What was sent.
        name: String,
        /// What could be.
        known: String,
    },
    /// Too many signals wait to be taken.
    #[error("{0} signals already wait for this task; send it again later")]
    InboxFull(usize),
    /// The task has taken in as many signals as it ever will.
    #[error("the task was sent {SIGNALS_MAX} signals and takes no more")]
    TooManySignals,
    /// What came with it could not be read back from a journal.
    #[error("the JSON is nested deeper than {} levels; send a flatter one", intake::JSON_DEPTH_MAX)]
    TooDeep,
    /// The task is ending.
    #[error("the task is ending")]
    Ending,
    /// It is not paused, or is already.
    #[error("the task is {0}")]
    Already(&'static str),
}

impl Task {
    /// Whether `input` would change anything at `now_ms`, in milliseconds since 1970, and why not.
    pub fn accepts(&self, now_ms: u64, input: &Input) -> Result<(), Refusal> {
        match input {
            Input::Decide { effect_id, .. } if self.is_past(effect_id, now_ms) => {
                Err(Refusal::NotWaiting(effect_id.clone()))
            }
            _ => self.takes(input),
        }
    }

    /// The same, whatever the time.
    pub(super) fn takes(&self, input: &Input) -> Result<(), Refusal> {
        match (&self.phase, input) {
            (Phase::Finished(_), _) => Err(Refusal::Over),
            (Phase::Undoing { .. }, Input::Cancel { .. } | Input::Pause { .. } | Input::Signal(_)) => {
                Err(Refusal::Ending)
            }
            (_, Input::Decide { effect_id, args_digest, decision, .. }) => {
                self.accepts_decision(effect_id, args_digest.as_deref(), decision)
            }
            (_, Input::Signal(signal)) => self.accepts_signal(signal),
            (_, Input::Pause { .. }) if self.paused.is_some() => Err(Refusal::Already("paused already")),
            (_, Input::Unpause) if self.paused.is_none() => Err(Refusal::Already("not paused")),
            _ => Ok(()),
        }
    }

    /// Whether a person's time for this call has run out, or that of the whole task, though nobody has looked at
    /// the clock yet.
    fn is_past(&self, effect_id: &EffectId, now_ms: u64) -> bool {
        let due_ms = self.slot(effect_id).and_then(|slot| slot.wait()?.due_ms());
        due_ms.is_some_and(|due_ms| due_ms <= now_ms) || self.is_over_time(now_ms)
    }

    pub(super) fn accepts_decision(
        &self,
        effect_id: &EffectId,
        args_digest: Option<&str>,
        decision: &Decision,
    ) -> Result<(), Refusal> {
        let not_waiting = || Refusal::NotWaiting(effect_id.clone());
        let slot = self.slot(effect_id).ok_or_else(not_waiting)?;
        let intent = slot.intent.as_ref().ok_or_else(not_waiting)?;
        if args_digest.is_some_and(|digest| digest != intent.args_digest) {
            return Err(Refusal::OtherArguments);
        }
        if let Decision::Approve { arguments: Some(json) } | Decision::Happened { output: json } = decision
            && !intake::is_readable(json)
        {
            return Err(Refusal::TooDeep);
        }
        match (&slot.state, decision) {
            (
                SlotState::Waiting(Wait::Approval { .. } | Wait::Verdict { .. }),
                Decision::Approve { .. } | Decision::Retry,
            ) if self.paused.is_some() => {
                Err(Refusal::Already("paused; let it go on before it makes another call"))
            }
            (SlotState::Waiting(Wait::Approval { .. }), Decision::Approve { .. } | Decision::Deny { .. }) => {
                Ok(())
            }
            (SlotState::Waiting(Wait::Approval { .. }), _) => {
                Err(Refusal::OtherDecision("`approve` or `deny`"))
            }
            (SlotState::Waiting(Wait::Verdict { .. }), Decision::Approve { .. }) => {
                Err(Refusal::OtherDecision("`happened`, `retry` or `deny`"))
            }
            (SlotState::Waiting(Wait::Verdict { .. }), _) => Ok(()),
            _ => Err(not_waiting()),
        }
    }

    fn accepts_signal(&self, signal: &Signal) -> Result<(), Refusal> {
        let declared = &self.spec.pinned.agent.policy.signals;
        let listens =
            self.spec.pinned.tools.iter().any(|tool| tool.name == "wait_signal" && control::is_control(tool));
        if !listens || !declared.contains_key(&signal.name) {
            let known: Vec<_> = declared.keys().filter(|_| listens).map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Refusal::UnknownSignal { name: signal.name.clone(), known });
        }
        if self.signals.contains(&signal.id) {
            return Ok(()); // It is taken again for nothing.
        }
        if !intake::is_readable(&signal.payload) {
            return Err(Refusal::TooDeep);
        }
        if SIGNALS_MAX <= self.signals.len() {
            return Err(Refusal::TooManySignals);
        }
        match self.inbox.len() {
            full if INBOX_MAX <= full => Err(Refusal::InboxFull(full)),
            _ => Ok(()),
        }
    }
}
