//! From the journal's alphabet to the wire's.

use playhouse_core::{model::Reply, task};

use super::{Event, Outcome, Record};
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
            Core::ToolDone { effect_id, output } => Self::ToolDone { effect_id: effect_id.0, output },
            Core::ToolFailed { effect_id, error } => {
                Self::ToolFailed { effect_id: effect_id.0, error: error.into() }
            }
            Core::OutcomeUnknown { effect_id } => Self::OutcomeUnknown { effect_id: effect_id.0 },
            Core::CancelRequested { reason } => Self::CancelRequested { reason },
            Core::Finished { outcome } => Self::Finished(outcome.into()),
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
    let task::Intent { effect_id, call_id, tool, arguments, class, .. } = intent;
    Event::ToolAsked { effect_id: effect_id.0, call_id, tool, arguments, effect: class.into() }
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
