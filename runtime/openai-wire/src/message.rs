//! Messages of a conversation, in both directions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lenient::{null_as_default, text_or_empty};

/// Fields that are not in the specification, as they came: `reasoning_content`, signatures, annotations.
pub type Extra = Map<String, Value>;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Standing instructions, in the words of newer models.
    Developer,
    /// Standing instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
    /// The result of a call, before there were tool calls.
    Function,
}

/// One message of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words. An assistant message that only calls tools has none.
    #[serde(default)]
    pub content: Option<Content>,
    /// Tells participants of one role apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Calls the assistant asked for.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Message {
    /// A message of `role` with plain text.
    pub fn text(role: Role, content: impl Into<String>) -> Self {
        let content = Some(Content::Text(content.into()));
        Self { role, content, name: None, tool_calls: Vec::new(), tool_call_id: None, extra: Extra::new() }
    }
}

/// The message of a response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseMessage {
    /// Always `assistant`; servers that leave it out are understood.
    #[serde(default, deserialize_with = "null_as_default")]
    pub role: String,
    /// The words. Required by the specification, so written even as `null`.
    #[serde(default)]
    pub content: Option<Content>,
    /// The words of a refusal. Required by the specification, so written even as `null`.
    #[serde(default)]
    pub refusal: Option<String>,
    /// Calls the model asks for.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Words: one text, or parts of several kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images, audio, one after the other.
    Parts(Vec<Part>),
}

impl Content {
    /// The text in it, parts joined; images and the like are left out.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
        }
    }
}

/// One part of a [`Content`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `text`, `image_url`, `input_audio`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The text of a text part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What other kinds carry.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A call the model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Pairs the call with its result.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// Always `function` today.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// What to call with what.
    pub function: FunctionCall,
    /// Everything else, such as a provider's signature of its hidden reasoning.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Name and arguments of a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The function.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// JSON text as the model wrote it, so not always JSON.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub arguments: String,
}

pub(crate) fn function() -> String {
    "function".into()
}
