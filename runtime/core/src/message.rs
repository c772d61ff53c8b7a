//! What a conversation is made of. Every model family converts these at its own edge.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Standing instructions.
    System {
        /// The instructions.
        content: String,
    },
    /// Words of the person or program that submitted the task.
    User {
        /// The words.
        content: String,
    },
    /// A reply of the model.
    Assistant(Assistant),
    /// What came of one tool call.
    Tool {
        /// Which [`ToolCall`] this answers.
        call_id: String,
        /// Name of the tool.
        name: String,
        /// JSON text: the tool's output, or `{"error": …, "kind": …}`.
        content: String,
    },
}

/// A model's reply: text, tool calls, or both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Assistant {
    /// What the model said.
    pub content: String,
    /// What the model wants done, in its order; run in parallel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What the backend that wrote this reply wants to see again when the conversation goes on (token
    /// ids, signatures of hidden reasoning). Opaque to everyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Value>,
}

/// One call a model asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within its reply; pairs the call with its [`Message::Tool`].
    pub id: String,
    /// The tool's name as the model wrote it: it may not exist.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: Arguments,
}

/// Arguments of a call: parsed, or kept as they came when they are not JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arguments {
    /// Well-formed JSON, usually an object. Not yet checked against the tool's schema.
    Json(Value),
    /// Text that is not JSON, and the parser's complaint.
    Malformed {
        /// What the model wrote.
        raw: String,
        /// Why it could not be read.
        error: String,
    },
}

impl Message {
    /// A user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self::User { content: content.into() }
    }

    /// A system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self::System { content: content.into() }
    }

    /// How many bytes of text a model has to read for this message. Token estimates start here.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::System { content } | Self::User { content } => content.len(),
            Self::Tool { name, content, .. } => name.len() + content.len(),
            Self::Assistant(reply) => {
                let of_call = |call: &ToolCall| {
                    let arguments = match &call.arguments {
                        Arguments::Json(value) => value.to_string().len(),
                        Arguments::Malformed { raw, .. } => raw.len(),
                    };
                    call.name.len() + arguments
                };
                reply.content.len() + reply.tool_calls.iter().map(of_call).sum::<usize>()
            }
        }
    }
}
