//! Whether an event can follow: what keeps a journal that no task can have written from becoming a state.
//!
//! [`Task::apply`](super::Task::apply) asks here first, so the remembering half needs no checks. Most of it
//! guards J3 and J5: a call is made once, a call that waits for a person is made after that person agreed,
//! and each call has one result.

use super::{
    Event, Intent, Phase, Task, Wait,
    ending::UNDO,
    slot::{Slot, SlotState},
};
use crate::id::EffectId;

impl Task {
    pub(super) fn fits(&self, event: &Event) -> bool {
        let acting = matches!(self.phase, Phase::Acting { .. });
        let undoing = matches!(self.phase, Phase::Undoing { .. });
        match event {
            _ if matches!(self.phase, Phase::Finished(_)) => false,
            Event::Submitted(_) => false,
            Event::Started { .. } => matches!(self.phase, Phase::Queued) && self.paused.is_none(),
            Event::Resumed { epoch } => !matches!(self.phase, Phase::Queued) && self.epoch < *epoch,
            Event::ModelAsked { step, attempt } => self.paused.is_none() && self.asks_next(*step, *attempt),
            Event::ModelReplied { step, .. } => self.is_thinking_of(*step),
            Event::ModelFailed { step, attempt, .. } => self.is_thinking(*step, *attempt),
            Event::RepairAsked { .. } => matches!(self.phase, Phase::Thinking { .. }),
            Event::ToolAsked(intent) => self.is_of_now(&intent.effect_id) && self.may_make_call(intent),
            Event::WaitBegun { intent, .. } => {
                acting && self.is_of_now(&intent.effect_id) && self.may_wait(intent)
            }
            Event::ToolRefused { call_id, .. } => {
                acting && self.slots().iter().all(|slot| slot.call_id != *call_id)
            }
            Event::ToolRetried { effect_id, attempt, .. } => self.is(
                effect_id,
                |state| matches!(state, SlotState::Running { attempt: last, .. } if last + 1 == *attempt),
            ),
            Event::CheckAsked { effect_id, .. } => {
                self.is(effect_id, |state| matches!(state, SlotState::Running { .. }))
            }
            Event::Metered { effect_id, .. } | Event::Consulted { effect_id, .. } => {
                self.is(effect_id, SlotState::is_at_work)
            }
            Event::VerdictAsked { effect_id, .. } => acting && self.is(effect_id, SlotState::is_at_work),
            Event::Approved { effect_id, .. } | Event::Denied { effect_id, .. } => {
                self.is(effect_id, |state| matches!(state, SlotState::Waiting(Wait::Approval { .. })))
            }
            Event::Ruled { effect_id, .. } => {
                self.is(effect_id, |state| matches!(state, SlotState::Waiting(Wait::Verdict { .. })))
            }
            Event::ToolDone { effect_id, .. } => self.is(effect_id, |state| {
                use SlotState::{Settled, Waiting};
                !matches!(state, Settled(_) | Waiting(Wait::Approval { .. } | Wait::Verdict { .. }))
            }),
            Event::ToolFailed { effect_id, .. } | Event::OutcomeUnknown { effect_id } => {
                self.is(effect_id, |state| !matches!(state, SlotState::Settled(_)))
            }
            Event::SignalReceived { signal } => !self.signals.contains(&signal.id),
            Event::SignalTaken { id, effect_id } => {
                let waits = |state: &SlotState| matches!(state, SlotState::Waiting(Wait::Signal { .. }));
                self.inbox.iter().any(|signal| signal.id == *id) && self.is(effect_id, waits)
            }
            Event::ChildAsked { child, effect_id, .. } => {
                let wanted = |state: &SlotState| matches!(state, SlotState::Waiting(Wait::Children { tasks, .. }) if tasks.contains(child));
                !self.children.contains_key(child) && self.is(effect_id, wanted)
            }
            Event::ChildEnded { child, .. } => {
                self.children.get(child).is_some_and(|child| child.ended.is_none())
            }
            Event::Parked { .. } => self.parked_since_ms.is_none() && self.waiting().is_some(),
            Event::Woken { .. } => self.parked_since_ms.is_some(),
            Event::Paused { .. } => self.paused.is_none() && !undoing,
            Event::Unpaused => self.paused.is_some(),
            Event::Undoing { .. } => !undoing && self.is_settled() && !self.undo.is_empty(),
            Event::Forked { step, .. } => self.asks_next(*step, 1),
            // Whatever else is open: a journal that could not be replayed is closed by one of these.
            Event::Finished { .. }
            | Event::CancelRequested { .. }
            | Event::DeadlinePassed
            | Event::CrashedTooOften { .. } => true,
        }
    }

    /// Whether a model call of this number comes next.
    fn asks_next(&self, step: u32, attempt: u32) -> bool {
        match self.phase {
            Phase::Queued | Phase::Undoing { .. } | Phase::Finished(_) => false,
            Phase::Ready { step: next } => (step, attempt) == (next, 1),
            Phase::Thinking { step: last, attempt: tried } => {
                (step == last && attempt == tried.saturating_add(1))
                    || (step == last.saturating_add(1) && attempt == 1)
            }
            Phase::Acting { step: last, .. } => {
                self.is_settled() && (step, attempt) == (last.saturating_add(1), 1)
            }
        }
    }

    fn is_thinking_of(&self, wanted: u32) -> bool {
        matches!(self.phase, Phase::Thinking { step, .. } if step == wanted)
    }

    /// Whether this names a call of the step that is being done, or one that takes back while that is done.
    fn is_of_now(&self, id: &EffectId) -> bool {
        match &self.phase {
            Phase::Acting { step, .. } => {
                id.0.rsplit_once('/').is_some_and(|(_, place)| place.starts_with(&format!("{step}.")))
            }
            Phase::Undoing { .. } => id.0.ends_with(UNDO),
            _ => false,
        }
    }

    /// A call is new, or known not to have happened, or a person agreed to it (again).
    fn may_make_call(&self, intent: &Intent) -> bool {
        let again = |slot: &Slot| {
            matches!(slot.state, SlotState::Checking { failed: None } | SlotState::Decided { .. })
        };
        self.slot(&intent.effect_id).is_none_or(again)
    }

    fn may_wait(&self, intent: &Intent) -> bool {
        let agreed = |slot: &Slot| slot.state == SlotState::Decided { begun: false };
        self.slot(&intent.effect_id).is_none_or(agreed)
    }

    fn is(&self, effect_id: &EffectId, state: impl Fn(&SlotState) -> bool) -> bool {
        self.slot(effect_id).is_some_and(|slot| state(&slot.state))
    }
}
