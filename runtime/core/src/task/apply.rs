//! The remembering half: how each event changes the state. No decisions here.

use std::sync::Arc;

use serde_json::Value;

use super::{
    BadJournal, Event, Outcome, Phase, Task, Wait,
    slot::{Slot, SlotState, outcome_unknown},
    wait::Child,
};
use crate::{
    digest,
    id::EffectId,
    labels::Labels,
    message::{Assistant, Message},
    model::{Reply, Usage},
    tool::ToolError,
};

impl Task {
    /// Folds one event into the state. Refuses an event that cannot follow.
    pub fn apply(&mut self, event: &Event) -> Result<(), BadJournal> {
        if matches!(self.phase, Phase::Finished(_)) {
            return Err(self.misfit("nothing follows `finished`"));
        }
        if !self.fits(event) {
            return Err(self.misfit(&format!("{event:?} cannot happen now")));
        }
        if let Some(source) = self.source_of(event) {
            self.labels.add(source);
        }
        if let Event::Started { labels: past, .. } = event {
            self.labels.join(past);
        }
        if !self.apply_to_task(event) && !self.apply_to_model(event) {
            self.apply_to_calls(event);
        }
        self.next_seq += 1;
        Ok(())
    }

    /// What can happen in any phase.
    fn apply_to_task(&mut self, event: &Event) -> bool {
        match event {
            Event::Resumed { epoch } => {
                self.epoch = *epoch;
                self.slots_mut().iter_mut().for_each(Slot::resume);
            }
            Event::Finished { outcome } => {
                self.show_end(outcome);
                self.phase = Phase::Finished(outcome.clone());
            }
            Event::Undoing { outcome } => {
                self.phase = Phase::Undoing { outcome: outcome.clone(), slots: Vec::new() };
            }
            Event::Paused { reason } => {
                self.paused = Some(reason.clone());
                if let Phase::Thinking { step, .. } = self.phase {
                    self.phase = Phase::Ready { step };
                }
            }
            Event::Unpaused => self.paused = None,
            Event::Parked { at_ms, .. } => self.parked_since_ms = Some(*at_ms),
            Event::Woken { at_ms } => {
                let since = self.parked_since_ms.take().unwrap_or(*at_ms);
                // A clock that went back parks nobody for a negative time.
                self.parked_ms = self.parked_ms.saturating_add(at_ms.saturating_sub(since));
            }
            Event::SignalReceived { signal } => {
                self.signals.insert(signal.id.clone());
                self.inbox.push_back(signal.clone());
            }
            Event::SignalTaken { id, .. } => self.inbox.retain(|signal| signal.id != *id),
            Event::ChildAsked { child, agent, input, hand_off, share, .. } => {
                let (agent, input, hand_off, share) = (agent.clone(), input.clone(), *hand_off, *share);
                let labels = self.labels.clone();
                self.children
                    .insert(child.clone(), Child { agent, input, labels, hand_off, share, ended: None });
            }
            Event::ChildEnded { child, outcome, spent } => {
                if let Some(child) = self.children.get_mut(child) {
                    child.ended = Some(outcome.clone());
                }
                self.spent.usage += spent.usage;
                self.spent.cost_microusd = self.spent.cost_microusd.saturating_add(spent.cost_microusd);
                self.spent.fuel = self.spent.fuel.saturating_add(spent.fuel);
            }
            Event::Metered { effect_id, receipt } => {
                self.spent.fuel = self.spent.fuel.saturating_add(receipt.fuel);
                let tool = self.slot(effect_id).map(|slot| slot.tool.clone());
                if let Some(tool) = tool.filter(|_| !receipt.reached.is_none()) {
                    *self.reached.entry(tool).or_default() += receipt.reached;
                }
            }
            Event::Consulted { usage, .. } => self.spend(*usage),
            Event::CancelRequested { .. } | Event::DeadlinePassed | Event::CrashedTooOften { .. } => {}
            _ => return false,
        }
        true
    }

    /// The conversation with the model.
    fn apply_to_model(&mut self, event: &Event) -> bool {
        match (&mut self.phase, event) {
            (_, Event::Started { history, .. }) => {
                self.phase = Phase::Ready { step: 1 };
                let at = self.system_len();
                Arc::make_mut(&mut self.prompt).splice(at..at, history.iter().cloned());
                self.own_from += history.len();
            }
            (_, Event::ModelAsked { step, attempt }) => {
                self.show_results();
                self.phase = Phase::Thinking { step: *step, attempt: *attempt };
            }
            (Phase::Thinking { step, .. }, Event::ModelReplied { reply, .. }) => {
                let step = *step;
                self.spend(reply.usage);
                self.model_calls += 1;
                self.prompt_mut().push(Message::Assistant(reply.message.clone()));
                if !reply.message.tool_calls.is_empty() {
                    self.phase = Phase::Acting { step, slots: Vec::new() };
                }
            }
            (_, Event::ModelFailed { .. }) => {}
            (_, Event::RepairAsked { problem }) => {
                self.unusable += 1;
                // Providers refuse an empty message, and it says nothing.
                if matches!(self.prompt.last(), Some(Message::Assistant(reply)) if reply.content.is_empty()) {
                    self.prompt_mut().pop();
                }
                self.prompt_mut().push(Message::user(problem));
            }
            (_, Event::Forked { step, input }) => {
                self.show_results();
                self.prompt_mut().extend(input.iter().map(Message::user));
                self.phase = Phase::Ready { step: *step };
                // What the other task used, made, was sent and would take back is not this one's.
                self.spent = super::Spent::default();
                self.reached.clear();
                self.children.clear();
                self.undo.clear();
                self.inbox.clear();
                self.signals.clear();
                (self.paused, self.parked_since_ms, self.parked_ms) = (None, None, 0);
            }
            _ => return false,
        }
        true
    }

    /// The calls of the current step.
    fn apply_to_calls(&mut self, event: &Event) {
        match event {
            Event::ToolAsked(intent) => self.put(Slot::asked(intent)),
            Event::WaitBegun { intent, wait } => self.put(Slot::waiting(intent, wait)),
            Event::ToolRefused { call_id, tool, error } => self.push(Slot::refused(call_id, tool, error)),
            Event::ToolRetried { effect_id, attempt, after_ms, .. } => {
                if let Some(SlotState::Running { attempt: last, waited_ms }) = self.state(effect_id) {
                    (*last, *waited_ms) = (*attempt, waited_ms.saturating_add(*after_ms));
                }
            }
            Event::CheckAsked { effect_id, error } => {
                self.set(effect_id, SlotState::Checking { failed: Some(error.clone()) });
            }
            Event::VerdictAsked { effect_id, expires_ms } => {
                self.set(effect_id, SlotState::Waiting(Wait::Verdict { expires_ms: *expires_ms }));
            }
            Event::Approved { effect_id, arguments, .. } => {
                self.set(effect_id, SlotState::Decided { begun: false });
                let slot = self.slots_mut().iter_mut().find(|slot| slot.is(effect_id));
                if let Some((intent, arguments)) =
                    slot.and_then(|slot| slot.intent.as_mut()).zip(arguments.as_ref())
                {
                    intent.args_digest = digest::of_value(arguments);
                    intent.arguments = arguments.clone();
                    // These are a person's.
                    intent.repairs.clear();
                }
            }
            Event::Denied { effect_id, .. } => self.set(effect_id, SlotState::Decided { begun: false }),
            Event::Ruled { effect_id, .. } => self.set(effect_id, SlotState::Decided { begun: true }),
            Event::ToolDone { effect_id, output } => self.settle(effect_id, Ok(output.clone())),
            Event::ToolFailed { effect_id, error } => self.settle(effect_id, Err(error.clone())),
            Event::OutcomeUnknown { effect_id } => self.settle(effect_id, Err(outcome_unknown())),
            _ => {}
        }
    }

    /// Tokens of the task's model, and what they cost.
    fn spend(&mut self, usage: Usage) {
        self.spent.usage += usage;
        let cost = self.spec.pinned.price.map_or(0, |price| price.of(usage));
        self.spent.cost_microusd = self.spent.cost_microusd.saturating_add(cost);
    }

    fn misfit(&self, why: &str) -> BadJournal {
        BadJournal { at: self.next_seq, why: why.chars().take(200).collect() }
    }

    /// Adds a call, or begins one anew that was waiting or being asked about.
    fn put(&mut self, slot: Slot) {
        let same = |known: &&mut Slot| slot.intent.as_ref().is_some_and(|intent| known.is(&intent.effect_id));
        match self.slots_mut().iter_mut().find(same) {
            Some(known) => *known = slot,
            None => self.push(slot),
        }
    }

    fn push(&mut self, slot: Slot) {
        if let Phase::Acting { slots, .. } | Phase::Undoing { slots, .. } = &mut self.phase {
            slots.push(slot);
        }
    }

    fn state(&mut self, id: &EffectId) -> Option<&mut SlotState> {
        self.slots_mut().iter_mut().find(|slot| slot.is(id)).map(|slot| &mut slot.state)
    }

    fn set(&mut self, id: &EffectId, state: SlotState) {
        self.state(id).into_iter().for_each(|known| *known = state.clone());
    }

    fn settle(&mut self, id: &EffectId, result: Result<Value, ToolError>) {
        use SlotState::{Decided, Waiting};
        let was_made =
            !matches!(self.state(id), Some(Waiting(Wait::Approval { .. }) | Decided { begun: false }));
        self.remember_to_undo(id, was_made, &result);
        self.set(id, SlotState::Settled(result));
        self.tool_calls += 1;
    }

    /// A conversation that was handed over ends with the answer of the other, as if it were this task's own:
    /// its session goes on from there.
    fn show_end(&mut self, outcome: &Outcome) {
        if let (Outcome::Done { output }, Phase::Acting { .. }, true) =
            (outcome, &self.phase, self.is_settled())
        {
            self.show_results();
            let answer = Assistant { content: output.clone(), ..Assistant::default() };
            self.prompt_mut().push(Message::Assistant(answer));
        }
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
        Arc::make_mut(&mut self.prompt).extend(shown);
    }

    /// Where the content of `event` came from: its source and everything that led to it.
    pub fn labels_of(&self, event: &Event) -> Labels {
        let mut labels = self.labels.clone();
        if let Event::Started { labels: past, .. } = event {
            labels.join(past);
        }
        if let Some(source) = self.source_of(event) {
            labels.add(source);
        }
        labels
    }

    fn source_of(&self, event: &Event) -> Option<String> {
        match event {
            Event::ModelReplied { reply: Reply { model, .. }, .. } | Event::Consulted { model, .. } => {
                Some(format!("model:{model}"))
            }
            Event::ToolDone { effect_id, .. } | Event::ToolFailed { effect_id, .. } => {
                self.slot(effect_id).map(|slot| format!("tool:{}", slot.tool))
            }
            Event::SignalReceived { signal } => Some(format!("signal:{}", signal.name)),
            Event::Approved { by, .. } | Event::Denied { by: Some(by), .. } | Event::Ruled { by, .. } => {
                Some(format!("person:{by}"))
            }
            Event::ChildEnded { child, .. } => Some(format!("task:{child}")),
            _ => None,
        }
    }

    pub(super) fn prompt_mut(&mut self) -> &mut Vec<Message> {
        Arc::make_mut(&mut self.prompt)
    }

    pub(super) fn slot(&self, id: &EffectId) -> Option<&Slot> {
        self.slots().iter().find(|slot| slot.is(id))
    }

    /// The calls of the current step, or of taking back.
    pub(super) fn slots(&self) -> &[Slot] {
        match &self.phase {
            Phase::Acting { slots, .. } | Phase::Undoing { slots, .. } => slots,
            _ => &[],
        }
    }

    fn slots_mut(&mut self) -> &mut [Slot] {
        match &mut self.phase {
            Phase::Acting { slots, .. } | Phase::Undoing { slots, .. } => slots,
            _ => &mut [],
        }
    }

    /// Whether no call of the step is open.
    pub(super) fn is_settled(&self) -> bool {
        self.slots().iter().all(Slot::is_settled)
    }
}
