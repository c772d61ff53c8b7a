//! The end of a task: what becomes of what is open, and taking back what was done.

use serde_json::Value;

use super::{Effect, Event, Intent, Outcome, Phase, Task, Wait, decide::Turn, slot::SlotState};
use crate::{
    digest,
    id::EffectId,
    tool::{EffectClass, ToolError, ToolErrorKind},
};

/// Ends the name of a call that takes another back; the rest is that other's name.
pub(super) const UNDO: &str = "~undo";

impl Task {
    pub(super) fn on_cancel(&mut self, out: &mut Turn, reason: String) {
        self.note(out, Event::CancelRequested { reason: reason.clone() });
        self.abandon(out, Outcome::Cancelled { reason });
    }

    /// Ends the task while something may be running: says what became of each open call.
    pub(super) fn abandon(&mut self, out: &mut Turn, outcome: Outcome) {
        if matches!(self.phase, Phase::Thinking { .. }) {
            out.effects.push(Effect::AbortModel);
        }
        let open: Vec<_> = self.slots().iter().filter(|slot| !slot.is_settled()).cloned().collect();
        for slot in open {
            let Some(intent) = slot.intent else { continue };
            let effect_id = intent.effect_id;
            let at_work = matches!(slot.state, SlotState::Running { .. } | SlotState::Checking { .. });
            if at_work {
                out.effects.push(Effect::AbortTool(effect_id.clone()));
            }
            let begun = at_work || matches!(slot.state, SlotState::Waiting(Wait::Verdict { .. }));
            let event = if begun && intent.class != EffectClass::Pure {
                Event::OutcomeUnknown { effect_id }
            } else {
                let message = "the task ended before the call did";
                Event::ToolFailed { effect_id, error: ToolError::new(ToolErrorKind::Cancelled, message) }
            };
            self.note(out, event);
        }
        self.finish(out, outcome);
    }

    /// Ends the task; without an answer, after taking back what can be.
    pub(super) fn finish(&mut self, out: &mut Turn, outcome: Outcome) {
        self.cancel_children(out);
        let take_back = matches!(outcome, Outcome::Failed { .. } | Outcome::Cancelled { .. });
        let ending = matches!(self.phase, Phase::Undoing { .. });
        if take_back && !ending && !self.undo.is_empty() {
            self.note(out, Event::Undoing { outcome });
            return self.undo_next(out);
        }
        self.note(out, Event::Finished { outcome: outcome.clone() });
        out.effects.push(Effect::Conclude(outcome));
    }

    /// Ends the tasks that this one made; telling them twice does no harm.
    pub(super) fn cancel_children(&self, out: &mut Turn) {
        // What this very step was about to make is not made at all.
        out.effects.retain(|effect| !matches!(effect, Effect::SpawnChild(_)));
        out.effects.extend(self.running_children().cloned().map(Effect::CancelChild));
    }

    /// Takes the newest call back that is not yet; ends the task after the last.
    pub(super) fn undo_next(&mut self, out: &mut Turn) {
        let Phase::Undoing { outcome, slots } = &self.phase else { return };
        if slots.iter().any(|slot| !slot.is_settled()) {
            return;
        }
        // Calls that take back stand in `slots` in the order they were made: newest of `undo` first.
        match self.undo.len().checked_sub(slots.len() + 1) {
            Some(next) => {
                let intent = self.undo[next].clone();
                self.make_call(out, intent);
            }
            None => {
                let outcome = outcome.clone();
                self.finish(out, outcome);
            }
        }
    }

    /// Registers how a call is taken back, if it has happened or may have.
    pub(super) fn remember_to_undo(
        &mut self,
        id: &EffectId,
        was_made: bool,
        result: &Result<Value, ToolError>,
    ) {
        use ToolErrorKind::{Crashed, OutcomeUnknown, Timeout};
        // A call whose end nobody saw may have happened, whoever gave it up.
        let unclear = |error: &ToolError| matches!(error.kind, Crashed | OutcomeUnknown | Timeout);
        let may_have_happened = result.as_ref().map_or_else(unclear, |_| true);
        let acting = matches!(self.phase, Phase::Acting { .. });
        if !acting || !was_made || !may_have_happened {
            return;
        }
        let undo = self.slot(id).and_then(|slot| slot.intent.as_ref()).and_then(|intent| {
            let rule = intent.undo.as_ref()?;
            let output = result.as_ref().unwrap_or(&Value::Null);
            // A rule that needs an output cannot take back a call that gave none.
            let arguments = rule.arguments(&intent.arguments, output)?;
            let pinned = &self.spec.pinned;
            Some(Intent {
                effect_id: EffectId(format!("{}{UNDO}", intent.effect_id)),
                call_id: format!("{}{UNDO}", intent.call_id),
                tool: rule.tool.clone(),
                args_digest: digest::of_value(&arguments),
                arguments,
                class: pinned.tool(&rule.tool).map(|tool| tool.effect).unwrap_or_default(),
                grant: pinned.agent.tools.get(&rule.tool).cloned().unwrap_or_default(),
                epoch: intent.epoch,
                undo: None,
                repairs: Vec::new(),
            })
        });
        self.undo.extend(undo);
    }
}
