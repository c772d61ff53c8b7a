//! From chunks to a reply. Pure: chunk in, deltas out, and at the end the reply.
//!
//! ```text
//!   chunk ─► push ─► text, calls[0..n], extra ─► finish ─► Reply
//!              └──► Delta, Delta, …
//! ```
//!
//! Providers disagree on how a call comes in pieces (see [`calls`]). Fields that the specification does not
//! know are gathered too: the provider wants to see them again.

use playhouse_core::{
    message::Assistant,
    model::{Finish, Reply, Usage},
};
use playhouse_openai_wire::{self as wire, FinishReason};
use playhouse_ports::Delta;
use serde_json::{Value, json};

mod calls;

use calls::Calls;

/// Under this key of [`Assistant::provider`] are the fields that only this family understands.
pub(crate) const PROVIDER_KEY: &str = "openai";

/// Among them, under this key, the unknown fields of each tool call, in the order of the calls.
pub(crate) const CALL_EXTRAS: &str = "tool_calls";

/// A reply in the making.
#[derive(Debug, Default)]
pub struct Accumulator {
    text: String,
    calls: Calls,
    extra: wire::Extra,
    usage: Option<wire::Usage>,
    finish: Option<FinishReason>,
    model: String,
    /// Whether any chunk held an answer.
    answered: bool,
    /// Whether the provider said that nothing follows.
    done: bool,
}

/// Why what came is not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// No chunk held an answer.
    #[error("the answer holds no choices")]
    NoChoices,
    /// Nothing said that the reply is complete.
    #[error("the answer ended before it was complete")]
    Cut,
    /// The provider gave up midway (`finish_reason: "error"`).
    #[error("the provider broke off with an error")]
    Failed,
    /// More calls than any sensible reply has.
    #[error("the answer holds more than {} tool calls", calls::CALLS_MAX)]
    TooManyCalls,
}

impl Accumulator {
    /// Takes the next chunk; gives what is new in it. Only the first answer is read: we ask for one.
    pub fn push(&mut self, chunk: wire::ChatChunk) -> Result<Vec<Delta>, Incomplete> {
        if self.model.is_empty() {
            self.model = chunk.model;
        }
        // Some providers send running totals, so the last one counts.
        self.usage = chunk.usage.or(self.usage.take());
        let mut deltas = Vec::new();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.answered = true;
            self.finish = choice.finish_reason.or(self.finish.take());
            let delta = choice.delta;
            // A refusal is what the model says instead of an answer.
            let words = [delta.content.map(|content| content.to_text()), delta.refusal];
            for words in words.into_iter().flatten().filter(|words| !words.is_empty()) {
                self.text.push_str(&words);
                deltas.push(Delta::Text(words));
            }
            for piece in delta.tool_calls {
                deltas.extend(self.calls.push(piece)?);
            }
            gather(&mut self.extra, delta.extra);
        }
        Ok(deltas)
    }

    /// Takes the provider's word that nothing follows.
    pub fn done(&mut self) {
        self.done = true;
    }

    /// Whether the reply is complete, whatever happens to the connection now.
    pub fn complete(&self) -> bool {
        self.answered && (self.done || self.finish.is_some())
    }

    /// The reply. `model` is what answered where the provider did not say. Usage that the provider did not
    /// send reads as zeros.
    pub fn finish(self, model: &str) -> Result<Reply, Incomplete> {
        if !self.answered {
            return Err(if self.done { Incomplete::NoChoices } else { Incomplete::Cut });
        }
        if !self.complete() {
            return Err(Incomplete::Cut);
        }
        let (tool_calls, of_calls) = self.calls.finish();
        let finish = reason(self.finish, !tool_calls.is_empty())?;
        let provider = kept(self.extra, of_calls);
        let model = if self.model.is_empty() { model.to_owned() } else { self.model };
        let message = Assistant { content: self.text, tool_calls, provider };
        Ok(Reply { message, usage: usage(self.usage.unwrap_or_default()), finish, model })
    }
}

/// A whole answer as one chunk, so that there is one path to a reply.
pub(crate) fn whole(response: wire::ChatResponse) -> wire::ChatChunk {
    let call = |(index, call): (usize, wire::ToolCall)| wire::ToolCallDelta {
        index: u32::try_from(index).ok(),
        id: Some(call.id),
        kind: Some(call.kind),
        function: wire::FunctionDelta {
            name: Some(call.function.name),
            arguments: Some(call.function.arguments),
        },
        extra: call.extra,
    };
    let choice = |choice: wire::Choice| wire::ChunkChoice {
        index: choice.index,
        delta: wire::Delta {
            role: None,
            content: choice.message.content,
            refusal: choice.message.refusal,
            tool_calls: choice.message.tool_calls.into_iter().enumerate().map(call).collect(),
            extra: choice.message.extra,
        },
        finish_reason: choice.finish_reason,
        logprobs: None,
    };
    wire::ChatChunk {
        id: response.id,
        model: response.model,
        choices: response.choices.into_iter().map(choice).collect(),
        usage: response.usage,
        ..wire::ChatChunk::default()
    }
}

/// Why the reply ended. Calls count more than the word: several providers say `stop` after calls.
fn reason(said: Option<FinishReason>, calls: bool) -> Result<Finish, Incomplete> {
    match said {
        Some(FinishReason::Length) => Ok(Finish::Length),
        Some(FinishReason::ContentFilter) => Ok(Finish::ContentFilter),
        Some(FinishReason::Other(word)) if word == "error" => Err(Incomplete::Failed),
        _ if calls => Ok(Finish::ToolCalls),
        _ => Ok(Finish::Stop),
    }
}

fn usage(usage: wire::Usage) -> Usage {
    Usage {
        input_tokens: usage.prompt_tokens,
        cached_tokens: usage.prompt_tokens_details.map_or(0, |details| details.cached_tokens),
        output_tokens: usage.completion_tokens,
    }
}

/// What the provider wants to see again, if anything.
fn kept(mut extra: wire::Extra, of_calls: Vec<wire::Extra>) -> Option<Value> {
    if of_calls.iter().any(|extra| !extra.is_empty()) {
        extra.insert(CALL_EXTRAS.into(), of_calls.into_iter().map(Value::Object).collect());
    }
    (!extra.is_empty()).then(|| json!({ PROVIDER_KEY: extra }))
}

/// Adds a piece of unknown fields: text and lists grow, everything else is replaced. `null` and empty
/// values say nothing and are not kept.
fn gather(into: &mut wire::Extra, from: wire::Extra) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (None, Value::String(text)) if text.is_empty() => {}
            (None, Value::Array(list)) if list.is_empty() => {}
            (None, Value::Object(fields)) if fields.is_empty() => {}
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
