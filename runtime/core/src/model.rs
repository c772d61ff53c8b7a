//! What is asked of a model and what comes back, whatever the family.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    message::{Assistant, Message},
    tool::ToolSpec,
};

/// One question to a model: the whole prompt, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Groups requests that share a prefix (the session, or the task): a local backend keeps their tokens.
    pub conversation: String,
    /// The prompt. Shared with the task that asks, which adds to it only after the reply.
    pub messages: Arc<Vec<Message>>,
    /// Tools the model may call.
    pub tools: Vec<Arc<ToolSpec>>,
    /// How to choose among tokens.
    pub sampling: Sampling,
    /// When given, the reply's text must be JSON that fits this schema.
    pub response_schema: Option<Value>,
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// 0 takes the likeliest token; 1 samples as the model was trained. Range 0 to 2.
    pub temperature: f32,
    /// Keep the smallest set of tokens with this much probability. Range (0, 1].
    pub top_p: f32,
    /// Upper bound of the reply, in tokens.
    pub max_tokens: u32,
    /// Makes sampling repeatable where the backend can.
    pub seed: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, max_tokens: 256, seed: None }
    }
}

/// A model's complete answer to one [`ChatRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What the model said and what it wants done.
    pub message: Assistant,
    /// Tokens read and written.
    pub usage: Usage,
    /// Why the model stopped.
    pub finish: Finish,
    /// Exact model that answered, as the backend names it.
    pub model: String,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn.
    Stop,
    /// The model asked for tools.
    ToolCalls,
    /// `max_tokens` or the context was used up.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Of those, tokens that were not evaluated again.
    pub cached_tokens: u64,
    /// Tokens of the reply.
    pub output_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    /// Saturates: a provider may report any number.
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
    }
}

impl Usage {
    /// All tokens, read and written.
    pub fn total(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// What a model's tokens cost, in millionths of a US dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of prompts.
    pub input: u64,
    /// Tokens of prompts that the provider had cached; as `input` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Tokens of replies.
    pub output: u64,
}

impl Price {
    /// The price of one reply in millionths of a US dollar, rounded up.
    pub fn of(&self, usage: Usage) -> u64 {
        let fresh = usage.input_tokens.saturating_sub(usage.cached_tokens);
        let parts = [
            (fresh, self.input),
            (usage.cached_tokens, self.cached.unwrap_or(self.input)),
            (usage.output_tokens, self.output),
        ];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// What a caller may want to know of a model before asking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The alias that agents use.
    pub name: String,
    /// What exactly answers: a file digest or a provider's model id. Pinned to each task (J8).
    pub version: String,
    /// Provider in the words of the OpenTelemetry conventions, e.g. `openai`; `llama_cpp` for local ones.
    pub provider: String,
    /// Prompt plus reply, in tokens.
    pub context_tokens: u32,
    /// Bytes of text per token, rounded down: the estimate that windows use. 1 for a byte-level model.
    pub bytes_per_token: u32,
}

/// The [`ModelInfo::version`] of a model that could not be opened and says so whenever it is asked.
pub const UNUSABLE: &str = "unusable";

/// Why a model gave no reply. Values, not crashes: the task machine decides what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of failure.
    pub kind: ModelErrorKind,
    /// For people: what happened and what to do. Never holds a secret.
    pub message: String,
    /// The provider's own advice on when to come back, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The classes of failure that callers act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// The request is wrong and stays wrong (400, 404, 422).
    BadRequest,
    /// The key is missing, wrong or may not do this (401, 403).
    Auth,
    /// The prompt does not fit the context.
    ContextOverflow,
    /// The account is out of money or quota: waiting does not help (402, 429 `insufficient_quota`).
    Quota,
    /// Too many requests now (429).
    RateLimited,
    /// The provider is overloaded or broken (408, 409, 5xx).
    Unavailable,
    /// No connection, or it broke before the reply was complete.
    Network,
    /// One of the timeouts passed.
    Timeout,
    /// The backend answered with something that is not an answer.
    BadResponse,
    /// The provider refused for its policy.
    ContentFilter,
    /// The worker process died; another is being started.
    Crashed,
    /// The caller gave up.
    Cancelled,
}

impl ModelErrorKind {
    /// Whether the same request may succeed later.
    pub fn retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Network | Self::Timeout | Self::Crashed => true,
            // A garbled answer is often a proxy's error page that is gone a second later.
            Self::BadResponse => true,
            Self::BadRequest | Self::Auth | Self::ContextOverflow | Self::Quota => false,
            Self::ContentFilter | Self::Cancelled => false,
        }
    }
}

impl ModelError {
    /// An error without retry advice.
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }
}
