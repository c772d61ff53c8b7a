//! Messages of a conversation.

use playhouse_core::message;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Standing instructions.
    System {
        /// The instructions.
        content: String,
    },
    /// What the caller said.
    User {
        /// The words.
        content: String,
    },
    /// What the model said and what it wants done.
    Assistant {
        /// The words.
        content: String,
        /// The calls, in the model's order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// What came of one tool call.
    Tool {
        /// The call this answers.
        call_id: String,
        /// Name of the tool.
        name: String,
        /// JSON text: the output, or `{"error", "kind"}`.
        content: String,
    },
}

/// A call that the model asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolCall {
    /// Unique within its reply.
    pub id: String,
    /// The tool's name as the model wrote it: it may not exist.
    pub name: String,
    /// The arguments; null when the model wrote something that is not JSON.
    pub arguments: Value,
    /// What the model wrote instead of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<Malformed>,
}

/// Arguments that are not JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Malformed {
    /// What the model wrote.
    pub raw: String,
    /// Why it could not be read.
    pub error: String,
}

impl From<message::Message> for Message {
    fn from(message: message::Message) -> Self {
        match message {
            message::Message::System { content } => Self::System { content },
            message::Message::User { content } => Self::User { content },
            message::Message::Assistant(reply) => {
                let (content, tool_calls) = of_reply(reply);
                Self::Assistant { content, tool_calls }
            }
            message::Message::Tool { call_id, name, content } => Self::Tool { call_id, name, content },
        }
    }
}

/// Text and calls of a reply. `provider` is between the backend and itself and stays behind.
pub(super) fn of_reply(reply: message::Assistant) -> (String, Vec<ToolCall>) {
    let message::Assistant { content, tool_calls, provider: _ } = reply;
    (content, tool_calls.into_iter().map(ToolCall::from).collect())
}

impl From<message::ToolCall> for ToolCall {
    fn from(message::ToolCall { id, name, arguments }: message::ToolCall) -> Self {
        let (arguments, malformed) = match arguments {
            message::Arguments::Json(value) => (value, None),
            message::Arguments::Malformed { raw, error } => (Value::Null, Some(Malformed { raw, error })),
        };
        Self { id, name, arguments, malformed }
    }
}
