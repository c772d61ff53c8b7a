//! What a server sends while the reply is being written: one chunk per event.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    lenient::{null_as_default, text_or_json},
    message::{Content, Extra},
    response::{FinishReason, Usage},
};

/// One event of a stream. With `include_usage`, the last one has no choices and carries the usage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The provider's name of the completion; the same in all its chunks.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object: String,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "null_as_default")]
    pub created: u64,
    /// What exactly answers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub model: String,
    /// News of each answer.
    #[serde(default, deserialize_with = "null_as_default")]
    pub choices: Vec<ChunkChoice>,
    /// What it cost, in the last chunk; `null` before, where usage was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// An error in the middle of the stream, at servers that have already sent their status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// News of one answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Which of the answers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub index: u32,
    /// What is new.
    #[serde(default, deserialize_with = "null_as_default")]
    pub delta: Delta,
    /// Why the answer ended, once it has. Required by the specification, so written even as `null`.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// Probabilities of the tokens, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// A piece of a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// `assistant`, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// More words of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// More of the calls.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Everything else, in pieces too.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A piece of one call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Which call of the message. The specification requires it; not every provider sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The call's id, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, in the first piece.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name and arguments, in pieces.
    #[serde(default, deserialize_with = "null_as_default")]
    pub function: FunctionDelta,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A piece of a call's name and arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDelta {
    /// The name, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    #[serde(default, deserialize_with = "text_or_json", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}
