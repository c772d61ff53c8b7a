//! One call of the current step, in the model's order, from intent to result.

use serde_json::Value;

use super::{Intent, Wait};
use crate::{
    id::EffectId,
    tool::{EffectClass, ToolError, ToolErrorKind},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) call_id: String,
    pub(super) tool: String,
    /// `None` for a call that was refused before dispatch.
    pub(super) intent: Option<Intent>,
    pub(super) state: SlotState,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum SlotState {
    /// Dispatched. `waited_ms` is what the tries before this one have waited.
    Running { attempt: u32, waited_ms: u64 },
    /// The tool is being asked whether this call happened: a crash left that open, or an error, which is what
    /// the call ends with if it did not.
    Checking { failed: Option<ToolError> },
    /// Not dispatched: something must happen first.
    Waiting(Wait),
    /// A person has decided, and what follows says what. `begun`: it had been dispatched before.
    Decided { begun: bool },
    /// Over.
    Settled(Result<Value, ToolError>),
}

impl SlotState {
    pub(super) fn is_at_work(&self) -> bool {
        matches!(self, Self::Running { .. } | Self::Checking { .. })
    }
}

impl Slot {
    fn of(intent: &Intent, state: SlotState) -> Self {
        let (call_id, tool) = (intent.call_id.clone(), intent.tool.clone());
        Self { call_id, tool, intent: Some(intent.clone()), state }
    }

    pub(super) fn asked(intent: &Intent) -> Self {
        Self::of(intent, SlotState::Running { attempt: 1, waited_ms: 0 })
    }

    pub(super) fn waiting(intent: &Intent, wait: &Wait) -> Self {
        Self::of(intent, SlotState::Waiting(wait.clone()))
    }

    pub(super) fn refused(call_id: &str, tool: &str, error: &ToolError) -> Self {
        let state = SlotState::Settled(Err(error.clone()));
        Self { call_id: call_id.to_owned(), tool: tool.to_owned(), intent: None, state }
    }

    /// A new planner knows nothing of calls under way.
    pub(super) fn resume(&mut self) {
        let checkable = self.intent.as_ref().is_some_and(|intent| intent.class == EffectClass::Checkable);
        if checkable && matches!(self.state, SlotState::Running { .. }) {
            self.state = SlotState::Checking { failed: None };
        }
    }

    pub(super) fn is(&self, id: &EffectId) -> bool {
        self.intent.as_ref().is_some_and(|intent| intent.effect_id == *id)
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, SlotState::Settled(_))
    }

    /// Whether the tool executor has it.
    pub(super) fn is_at_work(&self) -> bool {
        self.state.is_at_work()
    }

    pub(super) fn wait(&self) -> Option<&Wait> {
        match &self.state {
            SlotState::Waiting(wait) => Some(wait),
            _ => None,
        }
    }

    /// What the model reads, at most `bound` bytes and a note.
    pub(super) fn text(&self, bound: usize) -> String {
        let text = match &self.state {
            SlotState::Settled(Ok(output)) => output.to_string(),
            SlotState::Settled(Err(error)) => error.for_model().to_string(),
            _ => unreachable!("results are shown when every slot is settled"),
        };
        if text.len() <= bound {
            return text;
        }
        let cut = text.floor_char_boundary(bound);
        format!("{} … [cut: {} of {} bytes shown]", &text[..cut], cut, text.len())
    }
}

/// What a call ends with that failed with `error` and, as its tool says, did not happen. No longer a timeout
/// or a crash, for after those it might have.
pub(super) fn did_not_happen(error: &ToolError) -> ToolError {
    let message = format!("{}; asked afterwards, the tool says that the call had no effect", error.message);
    ToolError::new(ToolErrorKind::Upstream, message)
}

/// What the model is told about an effect nobody can vouch for.
pub(super) fn outcome_unknown() -> ToolError {
    ToolError::new(
        ToolErrorKind::OutcomeUnknown,
        "this call was cut off while it ran, so it is not known whether it took effect; it was not tried again. \
         Find out before you repeat it, or ask the user",
    )
}
