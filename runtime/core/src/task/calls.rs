//! Tool calls: which are dispatched, which wait, which are refused; and what their results mean.

use serde_json::{Value, json};

use super::{
    Effect, Event, Intent, Phase, Task, Wait, control,
    decide::Turn,
    intake,
    slot::{SlotState, did_not_happen},
};
use crate::{
    digest,
    id::EffectId,
    lenient::{self, Repair},
    message::{Arguments, ToolCall},
    policy::{OnUnknown, Retry},
    tool::{Asked, Called, EffectClass, ToolError, ToolErrorKind, ToolSpec},
};

/// How long a person has to say what became of a call, in milliseconds: a day.
const VERDICT_MS: u64 = 24 * 3_600_000;

impl Task {
    /// One call of a reply: dispatched, parked, or refused.
    pub(super) fn on_call(&mut self, out: &mut Turn, step: u32, ordinal: usize, call: &ToolCall) {
        let admitted = self.admit(step, ordinal, call);
        let intent = match admitted {
            Ok(intent) => intent,
            Err(error) => {
                let (call_id, tool) = (call.id.clone(), call.name.clone());
                return self.note(out, Event::ToolRefused { call_id, tool, error });
            }
        };
        let policy = &self.spec.pinned.agent.policy;
        if let Some(rule) = policy.approval(&intent.tool, &intent.arguments, &self.labels) {
            let expires_ms = out.now_ms.saturating_add(rule.expires_ms);
            let wait = Wait::Approval { reason: rule.reason.clone(), expires_ms };
            return self.note(out, Event::WaitBegun { intent, wait });
        }
        self.dispatch(out, intent);
    }

    /// Makes a call that nobody needs to agree to (any more).
    pub(super) fn dispatch(&mut self, out: &mut Turn, intent: Intent) {
        if self.spec.pinned.tool(&intent.tool).is_some_and(|tool| control::is_control(tool)) {
            return self.begin_control(out, intent);
        }
        self.make_call(out, intent);
    }

    /// Turns a call into an intent, or says why it is never dispatched.
    fn admit(&self, step: u32, ordinal: usize, call: &ToolCall) -> Result<Intent, ToolError> {
        let pinned = &self.spec.pinned;
        let most = pinned.agent.limits.parallel_tools as usize;
        if ordinal >= most {
            let message = format!("at most {most} calls fit in one turn; ask again for this one");
            return Err(ToolError::new(ToolErrorKind::RateLimited, message));
        }
        let Some(tool) = pinned.tool(&call.name) else {
            let known: Vec<_> = pinned.tools.iter().map(|tool| tool.name.as_str()).collect();
            let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
            let message = format!("there is no tool `{}`; the tools are: {known}", call.name);
            return Err(ToolError::new(ToolErrorKind::UnknownTool, message));
        };
        let (arguments, repairs) = read(call, tool, pinned.agent.policy.strict_arguments)?;
        Ok(Intent {
            effect_id: EffectId::new(&self.spec.id, step, ordinal),
            call_id: call.id.clone(),
            tool: call.name.clone(),
            args_digest: digest::of_value(&arguments),
            arguments,
            repairs,
            class: tool.effect,
            grant: pinned.agent.tools.get(&call.name).cloned().unwrap_or_default(),
            epoch: self.epoch,
            undo: pinned.agent.policy.undo(&call.name).cloned(),
        })
    }

    pub(super) fn on_tool_reply(&mut self, out: &mut Turn, effect_id: EffectId, called: Called) {
        let Called { result, receipt, asked } = called;
        // While a call is being asked about, its own late reply is as good as the answer.
        if !self.slot(&effect_id).is_some_and(|slot| slot.is_at_work()) {
            return;
        }
        if let Some(receipt) = receipt {
            self.note(out, Event::Metered { effect_id: effect_id.clone(), receipt });
        }
        if let Some(Asked { model, usage }) = asked {
            self.note(out, Event::Consulted { effect_id: effect_id.clone(), model, usage });
        }
        match result.and_then(intake::output) {
            Ok(output) => self.note(out, Event::ToolDone { effect_id, output }),
            Err(error) => self.on_tool_error(out, effect_id, error),
        }
        self.go_on(out);
    }

    /// A call failed: it is made again, asked about, or over, by its class, the error and the policy.
    fn on_tool_error(&mut self, out: &mut Turn, effect_id: EffectId, error: ToolError) {
        let unclear = matches!(error.kind, ToolErrorKind::Timeout | ToolErrorKind::Crashed);
        let Some((intent, attempt, waited_ms)) = self.running(&effect_id) else {
            // It is being asked about. That nobody saw its end is known already.
            if !unclear {
                self.note(out, Event::ToolFailed { effect_id, error });
            }
            return;
        };
        let may_repeat = matches!(intent.class, EffectClass::Pure | EffectClass::Idempotent);
        let next = attempt + 1;
        let at_least = error.retry_after_ms.unwrap_or(0);
        let retry = self.spec.pinned.agent.policy.retry(&intent.tool);
        let wait = || retry.wait_ms(next, waited_ms, at_least, &effect_id.0);
        if let Some(after_ms) = (may_repeat && Retry::helps(error.kind)).then(wait).flatten() {
            self.note(out, Event::ToolRetried { effect_id, attempt: next, error, after_ms });
            return out.effects.push(Effect::RetryTool { intent, after_ms });
        }
        match intent.class {
            // It had begun, and nobody saw its end.
            EffectClass::Once if unclear => self.on_unknown(out, effect_id),
            EffectClass::Checkable if unclear => {
                self.note(out, Event::CheckAsked { effect_id, error });
                out.effects.push(Effect::CheckTool(intent));
            }
            _ => self.note(out, Event::ToolFailed { effect_id, error }),
        }
    }

    fn running(&self, effect_id: &EffectId) -> Option<(Intent, u32, u64)> {
        let slot = self.slot(effect_id)?;
        match &slot.state {
            SlotState::Running { attempt, waited_ms } => Some((slot.intent.clone()?, *attempt, *waited_ms)),
            _ => None,
        }
    }

    pub(super) fn on_checked(
        &mut self,
        out: &mut Turn,
        effect_id: EffectId,
        found: Result<Option<Value>, ToolError>,
    ) {
        let Some(slot) = self.slot(&effect_id) else { return };
        let (SlotState::Checking { failed }, Some(intent)) = (&slot.state, &slot.intent) else { return };
        let (failed, intent) = (failed.clone(), intent.clone());
        match (found.map(|found| found.map(intake::output)), failed) {
            (Ok(Some(Ok(output))), _) => self.note(out, Event::ToolDone { effect_id, output }),
            (Ok(Some(Err(error))), _) => self.note(out, Event::ToolFailed { effect_id, error }),
            // It had its chance, and a second one is the model's to decide on.
            (Ok(None), Some(error)) => {
                self.note(out, Event::ToolFailed { effect_id, error: did_not_happen(&error) });
            }
            (Ok(None), None) => self.make_call(out, intent),
            (Err(_), _) => self.on_unknown(out, effect_id),
        }
        self.go_on(out);
    }

    /// Makes a call for the first time, or one that is known not to have happened. Asking again ends a check
    /// or a wait, so that a second answer to it starts nothing (J3).
    pub(super) fn make_call(&mut self, out: &mut Turn, intent: Intent) {
        let intent = Intent { epoch: self.epoch, ..intent };
        out.effects.push(Effect::CallTool(intent.clone()));
        self.note(out, Event::ToolAsked(intent));
    }

    /// Nobody knows whether a call happened: the model is told, or a person is asked first (J3).
    pub(super) fn on_unknown(&mut self, out: &mut Turn, effect_id: EffectId) {
        let acting = matches!(self.phase, Phase::Acting { .. });
        match self.spec.pinned.agent.policy.on_unknown {
            OnUnknown::Person if acting => {
                let expires_ms = out.now_ms.saturating_add(VERDICT_MS);
                self.note(out, Event::VerdictAsked { effect_id, expires_ms });
            }
            _ => self.note(out, Event::OutcomeUnknown { effect_id }),
        }
    }

    /// Calls that the tool executor has, in the model's order.
    pub(super) fn intents_at_work(&self) -> Vec<Intent> {
        self.slots().iter().filter(|slot| slot.is_at_work()).filter_map(|slot| slot.intent.clone()).collect()
    }

    /// The error of the last call that failed.
    pub(super) fn last_problem(&self) -> String {
        let error = self.slots().iter().rev().find_map(|slot| match &slot.state {
            SlotState::Settled(Err(error)) => Some(error.message.clone()),
            _ => None,
        });
        error.unwrap_or_default()
    }
}

/// The arguments of a call, and what was put right in them.
fn read(call: &ToolCall, tool: &ToolSpec, is_strict: bool) -> Result<(Value, Vec<Repair>), ToolError> {
    let (arguments, mut repairs) = match &call.arguments {
        Arguments::Json(value) => (value.clone(), Vec::new()),
        Arguments::Malformed { raw, error } => {
            // Text that was refused for its depth is JSON after all.
            let read = lenient::read(raw).filter(|(value, _)| !is_strict && intake::is_readable(value));
            let message =
                || format!("the arguments are not valid JSON: {error}; {}", wanted(&tool.input_schema));
            read.ok_or_else(|| ToolError::new(ToolErrorKind::InvalidInput, message()))?
        }
    };
    if is_strict {
        return Ok((arguments, repairs));
    }
    let (fitted, more) = lenient::fit(&tool.input_schema, &arguments);
    if !intake::is_readable(&fitted) {
        return Ok((arguments, repairs));
    }
    repairs.extend(more);
    Ok((fitted, repairs))
}

/// Arguments that are named where they could not be read.
const NAMED_MAX: usize = 16;

/// What to write instead of what is no JSON.
fn wanted(schema: &Value) -> String {
    let names = schema["properties"].as_object().map(|fields| fields.keys().take(NAMED_MAX));
    let example: Vec<_> = names.into_iter().flatten().map(|name| format!("{}: …", json!(name))).collect();
    format!("write one JSON object, with quotes around names and texts: {{{}}}", example.join(", "))
}
