//! The deciding half: what follows from an input. Every change goes through `note`, which applies the
//! event it records.
//!
//! This file holds the way in, and the talk with the model. `calls` decides about tool calls, `waits` about
//! what waits, `children` about tasks of this one, `ending` about the end.

use serde_json::Value;

use super::{
    Effect, Event, Input, Outcome, Phase, Step, Task, TaskError, TaskErrorKind, intake, wait::Spending,
};
use crate::{
    digest,
    model::{Finish, ModelError, ModelErrorKind, Reply},
};

/// First backoff after a failed model call, in milliseconds; doubles per attempt up to `BACKOFF_MS_MAX`.
const BACKOFF_MS: u64 = 200;
/// Longest backoff of our own; a provider's advice may be longer.
const BACKOFF_MS_MAX: u64 = 10_000;

/// One step while it is being decided.
pub(super) struct Turn {
    pub(super) now_ms: u64,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
}

impl Task {
    /// Decides what follows from `input` at `now_ms`, in milliseconds since 1970. Inputs that answer a
    /// question nobody asks any more change nothing.
    pub fn step(&mut self, now_ms: u64, input: Input) -> Step {
        let mut out = Turn { now_ms, events: Vec::new(), effects: Vec::new() };
        // Nobody sets an alarm before the first step, a new planner has none, and one that went off is gone.
        let unset =
            matches!(self.phase, Phase::Queued) || matches!(input, Input::Resume { .. } | Input::Tick);
        let alarm = self.alarm_ms().filter(|_| !unset);
        self.decide(&mut out, input);
        self.rest(&mut out, alarm);
        Step { events: out.events, effects: out.effects }
    }

    fn decide(&mut self, out: &mut Turn, input: Input) {
        if let (Phase::Finished(outcome), Input::Resume { .. }) = (&self.phase, &input) {
            // Neither who waits for the end nor the tasks it made may have heard of it.
            self.cancel_children(out);
            return out.effects.push(Effect::Conclude(outcome.clone()));
        }
        if self.takes(&input).is_err() {
            return;
        }
        match (&self.phase, input) {
            (Phase::Queued, Input::Begin { history, dropped_turns, labels }) if self.paused.is_none() => {
                self.note(out, Event::Started { history, dropped_turns, labels });
                self.ask_model(out, 1);
            }
            (_, Input::Resume { epoch }) => self.on_resume(out, epoch),
            (Phase::Thinking { step, attempt }, Input::ModelReplied { step: s, attempt: a, result })
                if (*step, *attempt) == (s, a) =>
            {
                match result {
                    Ok(reply) => self.on_reply(out, s, reply),
                    Err(error) => self.on_model_error(out, s, a, error),
                }
            }
            (_, Input::ToolReplied { effect_id, called }) => self.on_tool_reply(out, effect_id, called),
            (_, Input::ToolChecked { effect_id, result }) => self.on_checked(out, effect_id, result),
            (_, Input::Decide { effect_id, args_digest, decision, by }) => {
                self.on_decision(out, &effect_id, args_digest.as_deref(), decision, by);
            }
            (_, Input::Signal(signal)) => self.on_signal(out, signal),
            (_, Input::ChildEnded { child, outcome, spent }) => {
                self.on_child_ended(out, child, outcome, spent);
            }
            (_, Input::Pause { reason }) => self.on_pause(out, reason),
            (_, Input::Unpause) => self.on_unpause(out),
            (_, Input::Tick) => self.look_at_clock(out),
            (_, Input::Cancel { reason }) => self.on_cancel(out, reason),
            (_, Input::Quarantine { reason }) => {
                self.note(out, Event::CrashedTooOften { reason: reason.clone() });
                self.abandon(out, Outcome::Quarantined { reason });
            }
            (_, Input::Begin { .. } | Input::ModelReplied { .. }) => {}
        }
    }

    /// Records `event` and applies it at once, so the next decision sees it.
    pub(super) fn note(&mut self, out: &mut Turn, event: Event) {
        if self.parked_since_ms.is_some() && goes_on(&event) {
            self.note(out, Event::Woken { at_ms: out.now_ms });
        }
        self.apply(&event).expect("a decision only records what can follow");
        out.events.push(event);
    }

    /// Asks for step `step`, or ends the task when a budget is used up, or holds still when it is paused.
    pub(super) fn ask_model(&mut self, out: &mut Turn, step: u32) {
        if self.paused.is_some() {
            return;
        }
        if let Some(outcome) = self.over_budget(step) {
            return self.finish(out, outcome);
        }
        self.note(out, Event::ModelAsked { step, attempt: 1 });
        out.effects.push(Effect::AskModel { step, attempt: 1, after_ms: 0 });
    }

    /// The end of a task that has nothing left for step `step`.
    fn over_budget(&self, step: u32) -> Option<Outcome> {
        let limits = &self.spec.pinned.agent.limits;
        let Spending { tokens, cost, fuel } = self.committed();
        let spent = &self.spent;
        let aside = if (tokens, cost, fuel) == (spent.usage.total(), spent.cost_microusd, spent.fuel) {
            ""
        } else {
            ", with what is set aside for its tasks,"
        };
        let advice = "of the agent, or ask for less";
        if step > limits.steps {
            let message =
                format!("no answer after {} model calls; raise `limits.steps` {advice}", limits.steps);
            return Some(failed(TaskErrorKind::StepBudget, message));
        }
        if let Some(most) = limits.tokens.filter(|most| *most <= tokens) {
            let message = format!(
                "no answer after {tokens} tokens{aside} of {most} allowed; raise `limits.tokens` {advice}"
            );
            return Some(failed(TaskErrorKind::TokenBudget, message));
        }
        if let Some(most) = limits.fuel.filter(|most| *most <= fuel) {
            let message = format!(
                "no answer after {fuel} units of fuel{aside} of {most} allowed to tools; raise `limits.fuel` {advice}"
            );
            return Some(failed(TaskErrorKind::FuelBudget, message));
        }
        let most = limits.cost_microusd.filter(|most| *most <= cost)?;
        let dollars = |micros: u64| micros as f64 / 1e6;
        let message = format!(
            "no answer for {} US dollars{aside} of {} allowed; raise `limits.cost_microusd` {advice}",
            dollars(cost),
            dollars(most)
        );
        Some(failed(TaskErrorKind::CostBudget, message))
    }

    fn on_reply(&mut self, out: &mut Turn, step: u32, reply: Reply) {
        let reply = intake::reply(step, reply);
        if reply.message.tool_calls.is_empty() {
            self.note(out, Event::ModelReplied { step, reply: reply.clone() });
            return self.on_answer(out, step, reply);
        }
        let calls = reply.message.tool_calls.clone();
        self.note(out, Event::ModelReplied { step, reply });
        for (ordinal, call) in calls.iter().enumerate() {
            self.on_call(out, step, ordinal, call);
        }
        self.go_on(out);
    }

    /// A reply without tool calls: the answer, unless it cannot be used.
    fn on_answer(&mut self, out: &mut Turn, step: u32, reply: Reply) {
        let text = reply.message.content;
        let wants_json = self.spec.pinned.agent.output_schema.is_some();
        if reply.finish == Finish::Length {
            let limit = self.spec.pinned.agent.sampling.max_tokens;
            let message = format!(
                "the answer was cut after {} tokens; raise `sampling.max_tokens` ({limit}) of the agent",
                reply.usage.output_tokens
            );
            return self.finish(out, failed(TaskErrorKind::Truncated, message));
        }
        if reply.finish == Finish::ContentFilter {
            let message = "the provider withheld the answer for its content policy".to_owned();
            return self.finish(out, failed(TaskErrorKind::Model, message));
        }
        if text.trim().is_empty() {
            let problem = "Your reply was empty. Answer the question, or call a tool.".into();
            return self.repair(out, step, problem);
        }
        match wants_json.then(|| serde_json::from_str::<Value>(&text)) {
            Some(Err(error)) => {
                self.repair(out, step, format!("Your reply must be JSON only, but it is not: {error}."));
            }
            _ => self.finish(out, Outcome::Done { output: text }),
        }
    }

    fn repair(&mut self, out: &mut Turn, step: u32, problem: String) {
        if self.unusable >= self.spec.pinned.agent.limits.repairs {
            return self.finish(out, failed(TaskErrorKind::BadModelOutput, unusable(&problem)));
        }
        self.note(out, Event::RepairAsked { problem });
        self.ask_model(out, step + 1);
    }

    fn on_model_error(&mut self, out: &mut Turn, step: u32, attempt: u32, error: ModelError) {
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

    /// When every call of the step has its result, asks the model again; while taking back, goes on with
    /// that.
    pub(super) fn go_on(&mut self, out: &mut Turn) {
        match &self.phase {
            Phase::Ready { step } => {
                let step = *step;
                self.ask_model(out, step);
            }
            Phase::Undoing { .. } => self.undo_next(out),
            Phase::Acting { step, slots } if self.is_settled() => {
                let step = *step;
                let refusals = slots.iter().filter(|slot| slot.intent.is_none()).count();
                if refusals == slots.len() && self.unusable >= self.spec.pinned.agent.limits.repairs {
                    let problem = self.last_problem();
                    return self.finish(out, failed(TaskErrorKind::BadModelOutput, unusable(&problem)));
                }
                self.ask_model(out, step + 1);
            }
            _ => {}
        }
    }
}

/// Whether a parked task no longer is once this happens.
fn goes_on(event: &Event) -> bool {
    use Event::{ChildAsked, Finished, ModelAsked, Started, ToolAsked, Undoing};
    matches!(
        event,
        ChildAsked { .. }
            | Finished { .. }
            | ModelAsked { .. }
            | Started { .. }
            | ToolAsked(_)
            | Undoing { .. }
    )
}

pub(super) fn failed(kind: TaskErrorKind, message: String) -> Outcome {
    Outcome::Failed { error: TaskError { kind, message } }
}

fn unusable(problem: &str) -> String {
    format!("the model kept giving replies that cannot be used; the last problem: {problem}")
}
