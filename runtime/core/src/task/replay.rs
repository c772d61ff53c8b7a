//! Replaying: the machine as it is now, fed with what once arrived. A recorded task is a regression test.

use serde_json::Value;

use super::{
    BadJournal, Event, Input, Outcome, Record, Task, Wait,
    slot::{SlotState, did_not_happen},
};
use crate::{
    agent::Pinned,
    id::EffectId,
    tool::{Asked, Called, ToolError, ToolErrorKind},
};

/// A replay that came to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// Records compared.
    pub records: usize,
    /// The first difference, if there is one.
    pub divergence: Option<Divergence>,
}

/// Where the machine decided otherwise than the record says.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Position in the journal.
    pub at: u64,
    /// What is recorded there; `None` if the record ends earlier.
    pub recorded: Option<Event>,
    /// What the machine decides now; `None` if it decides nothing.
    pub now: Option<Event>,
}

/// Runs the machine over `records` with their recorded results. With `pinned`, the task runs on that
/// instead of what it was pinned to: a changed agent shows where it would have acted differently.
pub fn replay(records: &[Record], pinned: Option<Pinned>) -> Result<Replayed, BadJournal> {
    let Some(Event::Submitted(spec)) = records.first().map(|record| &record.event) else {
        return Err(BadJournal { at: 0, why: "a journal begins with `submitted`".into() });
    };
    let mut spec = (**spec).clone();
    if let Some(pinned) = pinned {
        spec.pinned = pinned;
    }
    let mut task = Task::new(spec);
    let mut at = 1;
    // A fork begins with another task's records: they are its past, not its decisions.
    if let Some(end) = records.iter().rposition(|record| matches!(record.event, Event::Forked { .. })) {
        for record in &records[1..=end] {
            task.apply(&record.event)?;
        }
        at = end + 1;
    }
    while let Some(record) = records.get(at) {
        let Some(input) = cause(&task, &records[at..]) else {
            let divergence = Divergence { at: at as u64, recorded: Some(record.event.clone()), now: None };
            return Ok(Replayed { records: at, divergence: Some(divergence) });
        };
        let events = task.step(record.at_ms, input).events;
        if let Some(divergence) = compare(records, at, &events) {
            return Ok(Replayed { records: at, divergence: Some(divergence) });
        }
        at += events.len();
    }
    Ok(Replayed { records: records.len(), divergence: None })
}

fn compare(records: &[Record], at: usize, events: &[Event]) -> Option<Divergence> {
    let recorded = |n: usize| records.get(at + n).map(|record| &record.event);
    if events.is_empty() {
        return Some(Divergence { at: at as u64, recorded: recorded(0).cloned(), now: None });
    }
    let differs = |(n, event): &(usize, &Event)| recorded(*n) != Some(*event);
    let (n, now) = events.iter().enumerate().find(differs)?;
    Some(Divergence { at: (at + n) as u64, recorded: recorded(n).cloned(), now: Some(now.clone()) })
}

/// What must have arrived for the machine to record what stands at the head of `records`.
fn cause(task: &Task, records: &[Record]) -> Option<Input> {
    let attempt = |step: u32| match task.phase {
        super::Phase::Thinking { step: open, attempt } if open == step => attempt,
        _ => 1,
    };
    Some(match &records.first()?.event {
        Event::Started { history, dropped_turns, labels } => {
            Input::Begin { history: history.clone(), dropped_turns: *dropped_turns, labels: labels.clone() }
        }
        Event::Resumed { epoch } => Input::Resume { epoch: *epoch },
        Event::ModelAsked { .. } => Input::Tick,
        Event::ModelReplied { step, reply } => {
            Input::ModelReplied { step: *step, attempt: attempt(*step), result: Ok(reply.clone()) }
        }
        Event::ModelFailed { step, attempt, error } => {
            Input::ModelReplied { step: *step, attempt: *attempt, result: Err(error.clone()) }
        }
        Event::Metered { effect_id, .. } | Event::Consulted { effect_id, .. } => {
            called(task, effect_id, records)
        }
        Event::ToolDone { effect_id, .. } | Event::ToolFailed { effect_id, .. } => {
            settled(task.slot(effect_id).map(|slot| &slot.state), &records[0].event)?
        }
        Event::ToolRetried { effect_id, error, .. } | Event::CheckAsked { effect_id, error } => {
            replied(effect_id, Err(error.clone()))
        }
        Event::ToolAsked(intent) => {
            Input::ToolChecked { effect_id: intent.effect_id.clone(), result: Ok(None) }
        }
        Event::OutcomeUnknown { effect_id } | Event::VerdictAsked { effect_id, .. } => {
            unknown(task, effect_id)?
        }
        Event::Approved { effect_id, arguments, by } => {
            decided(effect_id, super::Decision::Approve { arguments: arguments.clone() }, by)
        }
        Event::Denied { effect_id, by: Some(by), reason } => {
            decided(effect_id, super::Decision::Deny { reason: reason.clone() }, by)
        }
        Event::Ruled { effect_id, by } => {
            let mut after = records[1..].iter().map(|record| &record.event);
            let decision = match after.find(|event| !matches!(event, Event::Woken { .. })) {
                Some(Event::ToolDone { output, .. }) => super::Decision::Happened { output: output.clone() },
                Some(Event::ToolAsked(_)) => super::Decision::Retry,
                _ => super::Decision::Deny { reason: String::new() },
            };
            decided(effect_id, decision, by)
        }
        Event::SignalReceived { signal } => Input::Signal(signal.clone()),
        Event::ChildEnded { child, outcome, spent } => {
            Input::ChildEnded { child: child.clone(), outcome: outcome.clone(), spent: *spent }
        }
        Event::CancelRequested { reason } => Input::Cancel { reason: reason.clone() },
        Event::CrashedTooOften { reason } => Input::Quarantine { reason: reason.clone() },
        Event::Paused { reason } => Input::Pause { reason: reason.clone() },
        Event::Unpaused => Input::Unpause,
        Event::DeadlinePassed | Event::Denied { by: None, .. } | Event::Woken { .. } => Input::Tick,
        Event::Finished { outcome: Outcome::Quarantined { reason } } => {
            Input::Quarantine { reason: reason.clone() }
        }
        _ => return None,
    })
}

/// The answer of a call in this state.
fn settled(state: Option<&SlotState>, event: &Event) -> Option<Input> {
    Some(match event {
        Event::ToolDone { effect_id, output } => match state {
            Some(SlotState::Waiting(Wait::Timer { .. })) => Input::Tick,
            Some(SlotState::Checking { .. }) => {
                Input::ToolChecked { effect_id: effect_id.clone(), result: Ok(Some(output.clone())) }
            }
            _ => replied(effect_id, Ok(output.clone())),
        },
        Event::ToolFailed { effect_id, error } => match state {
            Some(SlotState::Waiting(_)) => Input::Tick,
            Some(SlotState::Checking { failed: Some(failed) }) if *error == did_not_happen(failed) => {
                Input::ToolChecked { effect_id: effect_id.clone(), result: Ok(None) }
            }
            _ => replied(effect_id, Err(error.clone())),
        },
        _ => return None,
    })
}

/// An answer that took nothing.
fn replied(effect_id: &EffectId, result: Result<Value, ToolError>) -> Input {
    Input::ToolReplied { effect_id: effect_id.clone(), called: result.into() }
}

/// The answer of a call with what it took. While a call is asked about, an answer that says nothing leaves that alone.
fn called(task: &Task, effect_id: &EffectId, mut records: &[Record]) -> Input {
    let (mut receipt, mut asked) = (None, None);
    while let Some((first, after)) = records.split_first() {
        match &first.event {
            Event::Metered { effect_id: about, receipt: taken } if about == effect_id => {
                receipt = Some(taken.clone());
            }
            Event::Consulted { effect_id: about, model, usage } if about == effect_id => {
                asked = Some(Asked { model: model.clone(), usage: *usage });
            }
            _ => break,
        }
        records = after;
    }
    let result = match cause(task, records) {
        Some(Input::ToolReplied { effect_id: about, called }) if about == *effect_id => called.result,
        Some(Input::ToolChecked { effect_id: about, result: Ok(Some(output)) }) if about == *effect_id => {
            Ok(output)
        }
        _ => Err(unsaid()),
    };
    Input::ToolReplied { effect_id: effect_id.clone(), called: Called { result, receipt, asked } }
}

/// An error whose text does not matter: nobody saw the call's end.
fn unsaid() -> ToolError {
    ToolError::new(ToolErrorKind::Crashed, "the record does not say why")
}

fn unknown(task: &Task, effect_id: &EffectId) -> Option<Input> {
    let (effect_id, error) = (effect_id.clone(), unsaid());
    Some(match &task.slot(&effect_id)?.state {
        SlotState::Waiting(_) => Input::Tick,
        SlotState::Checking { .. } => Input::ToolChecked { effect_id, result: Err(error) },
        _ => replied(&effect_id, Err(error)),
    })
}

fn decided(effect_id: &EffectId, decision: super::Decision, by: &str) -> Input {
    Input::Decide { effect_id: effect_id.clone(), args_digest: None, decision, by: by.to_owned() }
}
