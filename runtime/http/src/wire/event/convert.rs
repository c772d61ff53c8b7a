//! From the journal's alphabet to the wire's.

use playhouse_core::{
    id::{EffectId, TaskId},
    model::Reply,
    task,
    tool::{Reach, Receipt, ToolProgress},
};

use super::{Event, Outcome, Progress, Record, Repair};
use crate::wire::{Message, message::of_reply};

impl From<task::Record> for Record {
    fn from(task::Record { seq, epoch, at_ms, tenant: _, labels, event }: task::Record) -> Self {
        Self { seq, at_ms, epoch, labels: labels.0.into_iter().collect(), event: event.into() }
    }
}

impl From<task::Event> for Event {
    fn from(event: task::Event) -> Self {
        use task::Event as Core;
        match event {
            Core::Submitted(spec) => submitted(*spec),
            Core::Started { history, dropped_turns, .. } => {
                Self::Started { history: history.into_iter().map(Message::from).collect(), dropped_turns }
            }
            // The record's own epoch says the same.
            Core::Resumed { epoch: _ } => Self::Resumed {},
            Core::ModelAsked { step, attempt } => Self::ModelAsked { step, attempt },
            Core::ModelReplied { step, reply } => replied(step, reply),
            Core::ModelFailed { step, attempt, error } => {
                Self::ModelFailed { step, attempt, error: error.into() }
            }
            Core::RepairAsked { problem } => Self::RepairAsked { problem },
            Core::ToolAsked(intent) => asked(intent),
            Core::ToolRefused { call_id, tool, error } => {
                Self::ToolRefused { call_id, tool, error: error.into() }
            }
            Core::Metered { effect_id, receipt } => metered(effect_id, receipt),
            Core::Consulted { effect_id, model, usage } => {
                Self::Consulted { effect_id: effect_id.0, model, usage: usage.into() }
            }
            Core::ToolDone { effect_id, output } => Self::ToolDone { effect_id: effect_id.0, output },
            Core::ToolFailed { effect_id, error } => {
                Self::ToolFailed { effect_id: effect_id.0, error: error.into() }
            }
            Core::ToolRetried { effect_id, attempt, error, after_ms } => {
                Self::ToolRetried { effect_id: effect_id.0, attempt, error: error.into(), after_ms }
            }
            Core::OutcomeUnknown { effect_id } => Self::OutcomeUnknown { effect_id: effect_id.0 },
            Core::CancelRequested { reason } => Self::CancelRequested { reason },
            Core::Parked { at_ms: _, due_ms } => Self::Parked { due_ms },
            Core::Woken { at_ms: _ } => Self::Woken {},
            Core::Paused { reason } => Self::Paused { reason },
            Core::Unpaused => Self::Unpaused {},
            Core::DeadlinePassed => Self::DeadlinePassed {},
            Core::CrashedTooOften { reason } => Self::CrashedTooOften { reason },
            Core::Undoing { outcome } => Self::Undoing { outcome: outcome.into() },
            Core::Forked { step, input } => Self::Forked { step, input },
            Core::Finished { outcome } => Self::Finished(outcome.into()),
            Core::WaitBegun { intent, wait } => waiting(intent, wait),
            Core::CheckAsked { effect_id, error } => {
                Self::CheckAsked { effect_id: effect_id.0, error: error.into() }
            }
            Core::VerdictAsked { effect_id, expires_ms } => {
                Self::VerdictAsked { effect_id: effect_id.0, expires_ms }
            }
            Core::Approved { effect_id, by, arguments } => {
                Self::Approved { effect_id: effect_id.0, by, arguments }
            }
            Core::Denied { effect_id, by, reason } => Self::Denied { effect_id: effect_id.0, by, reason },
            Core::Ruled { effect_id, by } => Self::Ruled { effect_id: effect_id.0, by },
            Core::SignalReceived { signal: task::Signal { id, name, payload } } => {
                Self::SignalReceived { id, name, payload }
            }
            Core::SignalTaken { id, effect_id } => Self::SignalTaken { id, effect_id: effect_id.0 },
            Core::ChildAsked { child, effect_id, agent, input, hand_off, share: _ } => {
                Self::ChildAsked { child: child.into(), effect_id: effect_id.0, agent, input, hand_off }
            }
            Core::ChildEnded { child, outcome, spent } => ended(child, outcome, spent),
        }
    }
}

/// The submission without the agent's prompt and the tools' grants, which are the operator's.
fn submitted(spec: task::TaskSpec) -> Event {
    Event::Submitted {
        agent: spec.pinned.agent.name.clone(),
        session: spec.session.map(String::from),
        topic: spec.topic,
        input: spec.input,
        model: spec.pinned.agent.model.clone(),
        pinned_digest: spec.pinned.digest(),
        model_version: spec.pinned.model_version,
    }
}

fn replied(step: u32, reply: Reply) -> Event {
    let Reply { message, usage, finish, model } = reply;
    let (content, tool_calls) = of_reply(message);
    Event::ModelReplied { step, content, tool_calls, usage: usage.into(), finish: finish.into(), model }
}

fn asked(intent: task::Intent) -> Event {
    let task::Intent { effect_id, call_id, tool, arguments, repairs, class, .. } = intent;
    let repairs = repairs.into_iter().map(Repair::from).collect();
    Event::ToolAsked { effect_id: effect_id.0, call_id, tool, arguments, repairs, effect: class.into() }
}

fn waiting(intent: task::Intent, wait: task::Wait) -> Event {
    let task::Intent { effect_id, call_id, tool, arguments, .. } = intent;
    Event::WaitBegun { effect_id: effect_id.0, call_id, tool, arguments, wait: wait.into() }
}

fn ended(child: TaskId, outcome: task::Outcome, spent: task::Spent) -> Event {
    let task::Spent { usage, cost_microusd, fuel } = spent;
    let (child, outcome, usage) = (child.into(), outcome.into(), usage.into());
    Event::ChildEnded { child, outcome, usage, cost_microusd, fuel }
}

fn metered(effect_id: EffectId, receipt: Receipt) -> Event {
    let Receipt { component, input, output, fuel, heard, reached: Reach { calls, bytes } } = receipt;
    let (effect_id, reached_calls, reached_bytes) = (effect_id.0, calls, bytes);
    Event::Metered { effect_id, component, input, output, fuel, heard, reached_calls, reached_bytes }
}

impl Progress {
    /// On the wire.
    pub fn of(effect_id: EffectId, tool: String, progress: ToolProgress) -> Self {
        let nothing =
            Self { effect_id: effect_id.0, tool, done: None, total: None, message: None, text: None };
        match progress {
            ToolProgress::Report { done, total, message } => {
                let total = (total > 0).then_some(total);
                Self { done: Some(done), total, message: Some(message), ..nothing }
            }
            ToolProgress::Partial(text) => Self { text: Some(text), ..nothing },
        }
    }
}

impl From<task::Outcome> for Outcome {
    fn from(outcome: task::Outcome) -> Self {
        match outcome {
            task::Outcome::Done { output } => Self::Done { output },
            task::Outcome::Failed { error } => Self::Failed { error: error.into() },
            task::Outcome::Cancelled { reason } => Self::Cancelled { reason },
            task::Outcome::Quarantined { reason } => Self::Quarantined { reason },
        }
    }
}
