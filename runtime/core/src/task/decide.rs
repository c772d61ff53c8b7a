//! The deciding half: what follows from an input. Every change goes through `note`, which applies the
//! event it records.

use serde_json::Value;

use super::{Effect, Event, Input, Intent, Outcome, Phase, Step, Task, TaskError, TaskErrorKind, intake};
use crate::{
    digest,
    id::EffectId,
    message::{Arguments, ToolCall},
    model::{Finish, ModelError, ModelErrorKind, Reply},
    tool::{EffectClass, ToolError, ToolErrorKind},
};

/// First backoff after a failed model call, in milliseconds; doubles per attempt up to `BACKOFF_MS_MAX`.
const BACKOFF_MS: u64 = 200;
/// Longest backoff of our own; a provider's advice may be longer.
const BACKOFF_MS_MAX: u64 = 10_000;

impl Task {
    /// Decides what follows from `input`. Inputs that answer a question nobody asks any more change nothing.
    pub fn step(&mut self, input: Input) -> Step {
        let mut out = Step::default();
        match (&self.phase, input) {
            (Phase::Finished(outcome), Input::Resume { .. }) => {
                out.effects.push(Effect::Conclude(outcome.clone()));
            }
            (Phase::Finished(_), _) => {}
            (Phase::Queued, Input::Begin { history, dropped_turns, labels }) => {
                self.note(&mut out, Event::Started { history, dropped_turns, labels });
                out.effects.push(Effect::ArmDeadline { at_ms: self.spec.deadline_ms() });
                self.ask_model(&mut out, 1);
            }
            (_, Input::Resume { epoch }) => self.on_resume(&mut out, epoch),
            (Phase::Thinking { step, attempt }, Input::ModelReplied { step: s, attempt: a, result })
                if (*step, *attempt) == (s, a) =>
            {
                match result {
                    Ok(reply) => self.on_reply(&mut out, s, reply),
                    Err(error) => self.on_model_error(&mut out, s, a, error),
                }
            }
            (Phase::Acting { .. }, Input::ToolReplied { effect_id, result }) if self.is_open(&effect_id) => {
                self.note(&mut out, ended(effect_id, result));
                self.go_on_when_settled(&mut out);
            }
            (Phase::Acting { .. }, Input::ToolChecked { effect_id, result })
                if self.is_checking(&effect_id) =>
            {
                self.on_checked(&mut out, effect_id, result);
                self.go_on_when_settled(&mut out);
            }
            (_, Input::Cancel { reason }) => {
                self.note(&mut out, Event::CancelRequested { reason: reason.clone() });
                self.abandon(&mut out, Outcome::Cancelled { reason });
            }
            (_, Input::DeadlinePassed) => {
                let limit = self.spec.pinned.agent.limits.time_ms;
                let message = format!(
                    "the task was not done after {limit} ms; raise `limits.time_ms` of the agent, or ask for less"
                );
                self.abandon(&mut out, failed(TaskErrorKind::TimeBudget, message));
            }
            (_, Input::Quarantine { reason }) => self.abandon(&mut out, Outcome::Quarantined { reason }),
            (_, Input::Begin { .. } | Input::ModelReplied { .. }) => {}
            (_, Input::ToolReplied { .. } | Input::ToolChecked { .. }) => {}
        }
        out
    }

    /// Records `event` and applies it at once, so the next decision sees it.
    pub(super) fn note(&mut self, out: &mut Step, event: Event) {
        self.apply(&event).expect("a decision only records what can follow");
        out.events.push(event);
    }

    fn finish(&mut self, out: &mut Step, outcome: Outcome) {
        self.note(out, Event::Finished { outcome: outcome.clone() });
        out.effects.push(Effect::Conclude(outcome));
    }

    /// Asks for step `step`, or ends the task when the steps are used up.
    fn ask_model(&mut self, out: &mut Step, step: u32) {
        let budget = self.spec.pinned.agent.limits.steps;
        if step > budget {
            let message = format!(
                "no answer after {budget} model calls; raise `limits.steps` of the agent, or ask for less"
            );
            return self.finish(out, failed(TaskErrorKind::StepBudget, message));
        }
        self.note(out, Event::ModelAsked { step, attempt: 1 });
        out.effects.push(Effect::AskModel { step, attempt: 1, after_ms: 0 });
    }

    fn on_reply(&mut self, out: &mut Step, step: u32, reply: Reply) {
        let reply = intake::reply(step, reply);
        self.note(out, Event::ModelReplied { step, reply: reply.clone() });
        if reply.message.tool_calls.is_empty() {
            return self.on_answer(out, step, reply);
        }
        for (ordinal, call) in reply.message.tool_calls.into_iter().enumerate() {
            match self.admit(step, ordinal, &call) {
                Ok(intent) => {
                    out.effects.push(Effect::CallTool(intent.clone()));
                    self.note(out, Event::ToolAsked(intent));
                }
                Err(error) => {
                    self.note(out, Event::ToolRefused { call_id: call.id, tool: call.name, error });
                }
            }
        }
        self.go_on_when_settled(out);
    }

    /// A reply without tool calls: the answer, unless it cannot be used.
    fn on_answer(&mut self, out: &mut Step, step: u32, reply: Reply) {
        let text = reply.message.content;
        let wants_json = self.spec.pinned.agent.output_schema.is_some();
        let problem = match serde_json::from_str::<Value>(&text) {
            _ if reply.finish == Finish::Length => {
                let limit = self.spec.pinned.agent.sampling.max_tokens;
                let message = format!(
                    "the answer was cut after {} tokens; raise `sampling.max_tokens` ({limit}) of the agent",
                    reply.usage.output_tokens
                );
                return self.finish(out, failed(TaskErrorKind::Truncated, message));
            }
            _ if reply.finish == Finish::ContentFilter => {
                let message = "the provider withheld the answer for its content policy".to_owned();
                return self.finish(out, failed(TaskErrorKind::Model, message));
            }
            _ if text.trim().is_empty() => {
                "Your reply was empty. Answer the question, or call a tool.".into()
            }
            Err(error) if wants_json => format!("Your reply must be JSON only, but it is not: {error}."),
            _ => return self.finish(out, Outcome::Done { output: text }),
        };
        self.repair(out, step, problem);
    }

    fn repair(&mut self, out: &mut Step, step: u32, problem: String) {
        if self.unusable >= self.spec.pinned.agent.limits.repairs {
            return self.finish(out, failed(TaskErrorKind::BadModelOutput, unusable(&problem)));
        }
        self.note(out, Event::RepairAsked { problem });
        self.ask_model(out, step + 1);
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
        let arguments = match &call.arguments {
            Arguments::Json(value) => value.clone(),
            Arguments::Malformed { error, .. } => {
                let message = format!("the arguments are not valid JSON: {error}");
                return Err(ToolError::new(ToolErrorKind::InvalidInput, message));
            }
        };
        Ok(Intent {
            effect_id: EffectId::new(&self.spec.id, step, ordinal),
            call_id: call.id.clone(),
            tool: call.name.clone(),
            args_digest: digest::of_json(&arguments),
            arguments,
            class: tool.effect,
            grant: pinned.agent.tools.get(&call.name).cloned().unwrap_or_default(),
            epoch: self.epoch,
        })
    }

    fn on_model_error(&mut self, out: &mut Step, step: u32, attempt: u32, error: ModelError) {
        self.note(out, Event::ModelFailed { step, attempt, error: error.clone() });
        if error.kind.retryable() && attempt <= self.spec.pinned.agent.limits.model_retries {
            let attempt = attempt + 1;
            self.note(out, Event::ModelAsked { step, attempt });
            let after_ms = self.backoff_ms(step, attempt, error.retry_after_ms);
            return out.effects.push(Effect::AskModel { step, attempt, after_ms });
        }
        let kind = match error.kind {
            ModelErrorKind::ContextOverflow => TaskErrorKind::ContextOverflow,
            _ => TaskErrorKind::Model,
        };
        let attempts = if attempt > 1 { format!(" (after {attempt} attempts)") } else { String::new() };
        self.finish(out, failed(kind, format!("{}{attempts}", error.message)));
    }

    /// Exponential, with a jitter that the task's name decides: replays are exact, herds are not.
    fn backoff_ms(&self, step: u32, attempt: u32, advice: Option<u64>) -> u64 {
        let own = (BACKOFF_MS << (attempt - 2).min(10)).min(BACKOFF_MS_MAX);
        let seed = digest::of_bytes(format!("{}/{step}/{attempt}", self.spec.id).as_bytes());
        let percent = u64::from_str_radix(&seed[..4], 16).expect("a digest is hex") % 50;
        advice.unwrap_or(0).max(own + own * percent / 100)
    }

    fn on_checked(&mut self, out: &mut Step, effect_id: EffectId, found: Result<Option<Value>, ToolError>) {
        match found {
            Ok(Some(output)) => self.note(out, ended(effect_id, Ok(output))),
            Ok(None) => {
                let open = self.open_intents().into_iter().find(|intent| intent.effect_id == effect_id);
                let intent = Intent { epoch: self.epoch, ..open.expect("only open calls are checked") };
                out.effects.push(Effect::CallTool(intent.clone()));
                // Asking again ends the check, so that a second answer to it starts nothing (J3).
                self.note(out, Event::ToolAsked(intent));
            }
            Err(_) => self.note(out, Event::OutcomeUnknown { effect_id }),
        }
    }

    /// When every call of the step has its result, asks the model again.
    pub(super) fn go_on_when_settled(&mut self, out: &mut Step) {
        let Phase::Acting { step, slots } = &self.phase else { return };
        if slots.iter().any(|slot| slot.result.is_none()) {
            return;
        }
        let step = *step;
        let refusals = slots.iter().filter(|slot| slot.intent.is_none()).count();
        if refusals == slots.len() && self.unusable >= self.spec.pinned.agent.limits.repairs {
            let last = slots.iter().rev().find_map(|slot| slot.result.clone()?.err());
            let problem = last.map(|error| error.message).unwrap_or_default();
            return self.finish(out, failed(TaskErrorKind::BadModelOutput, unusable(&problem)));
        }
        self.ask_model(out, step + 1);
    }

    /// Ends the task while something may be running: says what became of each open call.
    fn abandon(&mut self, out: &mut Step, outcome: Outcome) {
        if matches!(self.phase, Phase::Thinking { .. }) {
            out.effects.push(Effect::AbortModel);
        }
        for intent in self.open_intents() {
            let effect_id = intent.effect_id;
            out.effects.push(Effect::AbortTool(effect_id.clone()));
            let cancelled = ToolError::new(ToolErrorKind::Cancelled, "the task ended before the call did");
            let event = match intent.class {
                EffectClass::Pure => Event::ToolFailed { effect_id, error: cancelled },
                _ => Event::OutcomeUnknown { effect_id },
            };
            self.note(out, event);
        }
        self.finish(out, outcome);
    }

    /// Calls that were dispatched and have no result, in the model's order.
    pub(super) fn open_intents(&self) -> Vec<Intent> {
        let Phase::Acting { slots, .. } = &self.phase else { return Vec::new() };
        slots.iter().filter(|slot| slot.result.is_none()).filter_map(|slot| slot.intent.clone()).collect()
    }

    fn is_open(&self, effect_id: &EffectId) -> bool {
        self.open_intents().iter().any(|intent| intent.effect_id == *effect_id)
    }

    fn is_checking(&self, effect_id: &EffectId) -> bool {
        let Phase::Acting { slots, .. } = &self.phase else { return false };
        slots.iter().any(|slot| slot.is(effect_id) && slot.checking && slot.result.is_none())
    }
}

/// A tool call came to an end.
fn ended(effect_id: EffectId, result: Result<Value, ToolError>) -> Event {
    match result.and_then(intake::output) {
        Ok(output) => Event::ToolDone { effect_id, output },
        Err(error) => Event::ToolFailed { effect_id, error },
    }
}

fn failed(kind: TaskErrorKind, message: String) -> Outcome {
    Outcome::Failed { error: TaskError { kind, message } }
}

fn unusable(problem: &str) -> String {
    format!("the model kept giving replies that cannot be used; the last problem: {problem}")
}
