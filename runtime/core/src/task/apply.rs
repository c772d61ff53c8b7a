//! The remembering half: how each event changes the state. No decisions here.

use serde_json::Value;

use super::{BadJournal, Event, Intent, Phase, Slot, Task};
use crate::{
    id::EffectId,
    labels::Labels,
    message::Message,
    tool::{EffectClass, ToolError, ToolErrorKind},
};

impl Task {
    /// Folds one event into the state. Refuses an event that cannot follow.
    pub fn apply(&mut self, event: &Event) -> Result<(), BadJournal> {
        self.labels.join(&self.labels_of(event));
        match (&mut self.phase, event) {
            (Phase::Queued, Event::Started { history, .. }) => {
                self.messages.splice(0..0, history.iter().cloned());
                self.own_from = history.len();
            }
            (Phase::Queued | Phase::Thinking { .. }, Event::ModelAsked { step, attempt }) => {
                self.phase = Phase::Thinking { step: *step, attempt: *attempt };
            }
            (Phase::Thinking { step, .. }, Event::ModelReplied { reply, .. }) => {
                let step = *step;
                self.usage += reply.usage;
                self.model_calls += 1;
                self.messages.push(Message::Assistant(reply.message.clone()));
                if !reply.message.tool_calls.is_empty() {
                    self.phase = Phase::Acting { step, slots: Vec::new() };
                }
            }
            (Phase::Thinking { .. }, Event::ModelFailed { .. }) => {}
            (Phase::Thinking { .. }, Event::RepairAsked { problem }) => {
                self.unusable += 1;
                // Providers refuse an empty message, and it says nothing.
                if matches!(self.messages.last(), Some(Message::Assistant(reply)) if reply.content.is_empty())
                {
                    self.messages.pop();
                }
                self.messages.push(Message::user(problem));
            }
            (Phase::Acting { slots, .. }, Event::ToolAsked(intent)) => {
                match slots.iter_mut().find(|slot| slot.is(&intent.effect_id)) {
                    Some(checked) => *checked = Slot::asked(intent),
                    None => slots.push(Slot::asked(intent)),
                }
            }
            (Phase::Acting { slots, .. }, Event::ToolRefused { call_id, tool, error }) => slots.push(Slot {
                call_id: call_id.clone(),
                tool: tool.clone(),
                intent: None,
                checking: false,
                result: Some(Err(error.clone())),
            }),
            (Phase::Acting { .. }, Event::ToolDone { effect_id, output }) => {
                self.settle(effect_id, Ok(output.clone()))?;
            }
            (Phase::Acting { .. }, Event::ToolFailed { effect_id, error }) => {
                self.settle(effect_id, Err(error.clone()))?;
            }
            (Phase::Acting { .. }, Event::OutcomeUnknown { effect_id }) => {
                self.settle(effect_id, Err(outcome_unknown()))?;
            }
            (Phase::Acting { .. }, Event::ModelAsked { step, attempt }) => {
                let (step, attempt) = (*step, *attempt);
                self.show_results();
                self.phase = Phase::Thinking { step, attempt };
            }
            (Phase::Finished(_), _) => return Err(self.misfit("nothing follows `finished`")),
            (phase, Event::Resumed { epoch }) => {
                self.epoch = *epoch;
                if let Phase::Acting { slots, .. } = phase {
                    slots.iter_mut().for_each(Slot::resume);
                }
            }
            (_, Event::CancelRequested { .. }) => {}
            (_, Event::Finished { outcome }) => self.phase = Phase::Finished(outcome.clone()),
            (_, other) => return Err(self.misfit(&format!("{other:?} cannot happen now"))),
        }
        self.next_seq += 1;
        Ok(())
    }

    fn misfit(&self, why: &str) -> BadJournal {
        BadJournal { at: self.next_seq, why: why.chars().take(200).collect() }
    }

    fn settle(&mut self, id: &EffectId, result: Result<Value, ToolError>) -> Result<(), BadJournal> {
        let misfit = self.misfit("a result for a call that is not open");
        let Phase::Acting { slots, .. } = &mut self.phase else { return Err(misfit) };
        let open = slots.iter_mut().find(|slot| slot.is(id) && slot.result.is_none()).ok_or(misfit)?;
        open.result = Some(result);
        self.tool_calls += 1;
        Ok(())
    }

    /// Puts the results of a complete step into the conversation, in the model's order.
    fn show_results(&mut self) {
        let Phase::Acting { slots, .. } = &self.phase else { return };
        let bound = self.spec.pinned.agent.limits.result_bytes;
        let all_refused = slots.iter().all(|slot| slot.intent.is_none());
        self.unusable = if all_refused { self.unusable + 1 } else { 0 };
        let shown = slots.iter().map(|slot| Message::Tool {
            call_id: slot.call_id.clone(),
            name: slot.tool.clone(),
            content: slot.text(bound),
        });
        self.messages.extend(shown.collect::<Vec<_>>());
    }

    /// Where the content of `event` came from: its source and everything that led to it.
    pub fn labels_of(&self, event: &Event) -> Labels {
        let mut labels = self.labels.clone();
        labels.join(&self.spec.labels);
        match event {
            Event::Started { labels: past, .. } => labels.join(past),
            Event::ModelReplied { reply, .. } => {
                labels.0.insert(format!("model:{}", reply.model));
            }
            Event::ToolDone { effect_id, .. } | Event::ToolFailed { effect_id, .. } => {
                if let Some(slot) = self.slot(effect_id) {
                    labels.0.insert(format!("tool:{}", slot.tool));
                }
            }
            _ => {}
        }
        labels
    }

    fn slot(&self, id: &EffectId) -> Option<&Slot> {
        match &self.phase {
            Phase::Acting { slots, .. } => slots.iter().find(|slot| slot.is(id)),
            _ => None,
        }
    }
}

impl Slot {
    fn asked(intent: &Intent) -> Self {
        let (call_id, tool) = (intent.call_id.clone(), intent.tool.clone());
        Self { call_id, tool, intent: Some(intent.clone()), checking: false, result: None }
    }

    fn resume(&mut self) {
        self.checking = self.intent.as_ref().is_some_and(|intent| intent.class == EffectClass::Checkable);
    }

    pub(super) fn is(&self, id: &EffectId) -> bool {
        self.intent.as_ref().is_some_and(|intent| intent.effect_id == *id)
    }

    /// What the model reads, at most `bound` bytes and a note.
    fn text(&self, bound: usize) -> String {
        let text = match &self.result {
            Some(Ok(output)) => output.to_string(),
            Some(Err(error)) => error.for_model().to_string(),
            None => unreachable!("results are shown when every slot has one"),
        };
        if text.len() <= bound {
            return text;
        }
        let cut = text.floor_char_boundary(bound);
        format!("{} … [cut: {} of {} bytes shown]", &text[..cut], cut, text.len())
    }
}

/// What the model is told about an effect nobody can vouch for.
pub(super) fn outcome_unknown() -> ToolError {
    ToolError::new(
        ToolErrorKind::OutcomeUnknown,
        "the runtime stopped while this call was running, so it is not known whether it took effect; it was \
         not tried again. Find out before you repeat it, or ask the user",
    )
}
