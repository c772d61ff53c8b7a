//! One line per input, event, effect and message: what a person would say about it.

use serde::Serialize;

use crate::{
    message::{Arguments, Assistant, Message, ToolCall},
    model::Finish,
    task::{Decision, Effect, Event, Input, Intent, Outcome, Signal, Wait},
    tool::{Called, ToolError},
};

pub(super) fn input(input: &Input) -> String {
    match input {
        Input::Begin { history, .. } => format!("begin after {} messages", history.len()),
        Input::Resume { epoch } => format!("resume as epoch {epoch}"),
        Input::ModelReplied { step, attempt, result: Ok(reply) } => {
            let finish = match reply.finish {
                Finish::Stop | Finish::ToolCalls => String::new(),
                other => format!(" ({})", name(&other)),
            };
            format!("model {step}.{attempt} replies{}{finish}", assistant(&reply.message))
        }
        Input::ModelReplied { step, attempt, result: Err(error) } => {
            format!("model {step}.{attempt} fails: {}", name(&error.kind))
        }
        Input::ToolReplied { effect_id, called: Called { result: Ok(output), .. } } => {
            format!("tool {effect_id} gives {output}")
        }
        Input::ToolReplied { effect_id, called: Called { result: Err(error), .. } } => {
            format!("tool {effect_id} fails: {}", tool_error(error))
        }
        Input::ToolChecked { effect_id, result } => {
            let found = match result {
                Ok(Some(output)) => format!("happened and gave {output}"),
                Ok(None) => "did not happen".into(),
                Err(error) => format!("cannot be checked: {}", tool_error(error)),
            };
            format!("tool {effect_id} {found}")
        }
        Input::Cancel { reason } => format!("cancel: {reason}"),
        Input::Tick => "the clock is looked at".into(),
        Input::Decide { effect_id, decision, by, .. } => {
            format!("{by} decides {effect_id}: {}", self::decision(decision))
        }
        Input::Signal(signal) => format!("signal {}", self::signal(signal)),
        Input::ChildEnded { child, outcome, .. } => format!("child {child} ends: {}", self::outcome(outcome)),
        Input::Pause { reason } => format!("pause: {reason}"),
        Input::Unpause => "unpause".into(),
        Input::Quarantine { reason } => format!("quarantine: {reason}"),
    }
}

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Submitted(spec) => format!("submitted {:?}", spec.input),
        Event::Started { .. } => "started".into(),
        Event::Metered { effect_id, receipt } => format!("metered {effect_id}: {} fuel", receipt.fuel),
        Event::Consulted { effect_id, model, usage } => {
            format!("consulted {effect_id}: {model}, {} tokens", usage.total())
        }
        Event::Resumed { epoch } => format!("resumed as epoch {epoch}"),
        Event::ModelAsked { step, attempt } => format!("model asked {step}.{attempt}"),
        Event::ModelReplied { step, reply } => format!("model replied {step}{}", assistant(&reply.message)),
        Event::ModelFailed { step, attempt, error } => {
            format!("model failed {step}.{attempt}: {}", name(&error.kind))
        }
        Event::RepairAsked { problem } => format!("repair asked: {problem}"),
        Event::ToolAsked(intent) => format!("tool asked {}", self::intent(intent)),
        Event::ToolRefused { call_id, tool, error } => {
            format!("tool refused {tool} as {call_id}: {}", tool_error(error))
        }
        Event::ToolDone { effect_id, output } => format!("tool done {effect_id}: {output}"),
        Event::ToolFailed { effect_id, error } => format!("tool failed {effect_id}: {}", tool_error(error)),
        Event::OutcomeUnknown { effect_id } => format!("outcome unknown {effect_id}"),
        Event::CancelRequested { reason } => format!("cancel requested: {reason}"),
        Event::ToolRetried { effect_id, attempt, error, after_ms } => {
            format!("tool retried {effect_id} as try {attempt} after {after_ms} ms: {}", tool_error(error))
        }
        Event::WaitBegun { intent, wait } => {
            format!("wait begun {}: {}", self::intent(intent), self::wait(wait))
        }
        Event::CheckAsked { effect_id, error } => format!("check asked {effect_id}: {}", tool_error(error)),
        Event::VerdictAsked { effect_id, expires_ms } => {
            format!("verdict asked {effect_id} until {expires_ms} ms")
        }
        Event::Approved { effect_id, by, arguments: None } => format!("approved {effect_id} by {by}"),
        Event::Approved { effect_id, by, arguments: Some(changed) } => {
            format!("approved {effect_id} by {by} as {changed}")
        }
        Event::Denied { effect_id, by, reason } => {
            format!("denied {effect_id} by {}: {reason}", by.as_deref().unwrap_or("nobody"))
        }
        Event::Ruled { effect_id, by } => format!("ruled {effect_id} by {by}"),
        Event::SignalReceived { signal } => format!("signal received {}", self::signal(signal)),
        Event::SignalTaken { id, effect_id } => format!("signal taken {id} by {effect_id}"),
        Event::ChildAsked { child, agent, input, share, .. } => {
            format!("child asked {child}: {agent} {input:?}{}", tokens(share.tokens))
        }
        Event::ChildEnded { child, outcome, .. } => {
            format!("child ended {child}: {}", self::outcome(outcome))
        }
        Event::Parked { due_ms, .. } => format!("parked{}", until(*due_ms)),
        Event::Woken { .. } => "woken".into(),
        Event::Paused { reason } => format!("paused: {reason}"),
        Event::Unpaused => "unpaused".into(),
        Event::DeadlinePassed => "deadline passed".into(),
        Event::CrashedTooOften { .. } => "crashed too often".into(),
        Event::Undoing { outcome } => format!("undoing before {}", self::outcome(outcome)),
        Event::Forked { step, .. } => format!("forked at {step}"),
        Event::Finished { outcome } => format!("finished: {}", self::outcome(outcome)),
    }
}

pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::AskModel { step, attempt, after_ms: 0 } => format!("ask model {step}.{attempt}"),
        Effect::AskModel { step, attempt, after_ms } => {
            format!("ask model {step}.{attempt} after {after_ms} ms")
        }
        Effect::CallTool(intent) => format!("call {}", self::intent(intent)),
        Effect::CheckTool(intent) => format!("check {}", self::intent(intent)),
        Effect::AbortModel => "abort model".into(),
        Effect::AbortTool(effect_id) => format!("abort tool {effect_id}"),
        Effect::RetryTool { intent, after_ms } => {
            format!("call again after {after_ms} ms {}", self::intent(intent))
        }
        Effect::WakeAt { at_ms } => format!("wake at {at_ms} ms"),
        Effect::SpawnChild(order) => format!("spawn {}", order.task),
        Effect::CancelChild(child) => format!("cancel {child}"),
        Effect::Park { due_ms } => format!("park{}", until(*due_ms)),
        Effect::Conclude(outcome) => format!("conclude: {}", self::outcome(outcome)),
    }
}

pub(super) fn message(message: &Message) -> String {
    match message {
        Message::System { content } => format!("system: {content}\n"),
        Message::User { content } => format!("user: {content}\n"),
        Message::Assistant(reply) => format!("assistant:{}\n", assistant(reply)),
        Message::Tool { call_id, name, content } => format!("{name} as {call_id}: {content}\n"),
    }
}

fn until(due_ms: Option<u64>) -> String {
    due_ms.map_or_else(String::new, |due| format!(" until {due} ms"))
}

fn tokens(share: Option<u64>) -> String {
    share.map_or_else(String::new, |tokens| format!(", {tokens} tokens"))
}

fn signal(signal: &Signal) -> String {
    format!("{} {}: {}", signal.id, signal.name, signal.payload)
}

fn decision(decision: &Decision) -> String {
    serde_json::to_string(decision).expect("a decision has a JSON form")
}

fn wait(wait: &Wait) -> String {
    serde_json::to_string(wait).expect("a wait has a JSON form")
}

fn intent(intent: &Intent) -> String {
    let Intent { effect_id, tool, arguments, class, epoch, .. } = intent;
    format!("{effect_id} {tool}({arguments}), {}, epoch {epoch}", name(class))
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { output } => format!("done {output:?}"),
        Outcome::Failed { error } => format!("failed {}: {}", name(&error.kind), error.message),
        Outcome::Cancelled { reason } => format!("cancelled: {reason}"),
        Outcome::Quarantined { reason } => format!("quarantined: {reason}"),
    }
}

fn tool_error(error: &ToolError) -> String {
    format!("{}: {}", name(&error.kind), error.message)
}

fn assistant(reply: &Assistant) -> String {
    let text = (!reply.content.is_empty()).then(|| format!(" {:?}", reply.content));
    let calls = reply.tool_calls.iter().map(|ToolCall { id, name, arguments }| match arguments {
        Arguments::Json(value) => format!(" {name}({value}) as {id:?}"),
        Arguments::Malformed { raw, .. } => format!(" {name}(malformed {raw}) as {id:?}"),
    });
    text.into_iter().chain(calls).collect()
}

/// The word that the journal uses for a kind.
fn name(kind: &impl Serialize) -> String {
    let value = serde_json::to_value(kind).expect("a kind has a JSON form");
    value.as_str().expect("and that is a word").to_owned()
}
