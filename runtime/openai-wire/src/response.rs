//! What a server answers when the reply comes whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{lenient::null_as_default, message::ResponseMessage};

/// A whole completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// The provider's name of this completion.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object: String,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "null_as_default")]
    pub created: u64,
    /// What exactly answered.
    #[serde(default, deserialize_with = "null_as_default")]
    pub model: String,
    /// The answers; one unless `n` asked for more.
    #[serde(default, deserialize_with = "null_as_default")]
    pub choices: Vec<Choice>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// An error under a status that claims success, as some proxies send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Which of the answers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub index: u32,
    /// The answer.
    #[serde(default, deserialize_with = "null_as_default")]
    pub message: ResponseMessage,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// Probabilities of the tokens, where asked for; required by the specification, so written as `null`.
    #[serde(default)]
    pub logprobs: Option<Value>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn.
    Stop,
    /// The token bound was reached.
    Length,
    /// The model asks for tools.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// The model asks for a function, as it was before there were tools.
    FunctionCall,
    /// A word outside the specification (`eos`, `error`).
    #[serde(untagged)]
    Other(String),
}

/// Tokens read and written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    #[serde(default, deserialize_with = "null_as_default")]
    pub prompt_tokens: u64,
    /// Tokens of the reply, hidden reasoning included.
    #[serde(default, deserialize_with = "null_as_default")]
    pub completion_tokens: u64,
    /// The sum.
    #[serde(default, deserialize_with = "null_as_default")]
    pub total_tokens: u64,
    /// The prompt in detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptDetails>,
    /// The reply in detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionDetails>,
}

/// Tokens of the prompt, in detail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptDetails {
    /// Tokens that were not evaluated again.
    #[serde(default, deserialize_with = "null_as_default")]
    pub cached_tokens: u64,
}

/// Tokens of the reply, in detail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionDetails {
    /// Tokens of reasoning that is not shown.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reasoning_tokens: u64,
}
