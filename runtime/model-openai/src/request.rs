//! From our request to the wire's. Pure.

use playhouse_core::{
    message::{Arguments, Assistant, Message, ToolCall},
    model::ChatRequest,
    window,
};
use playhouse_openai_wire as wire;
use serde_json::{Value, json};

use crate::{
    accumulate::{CALL_EXTRAS, PROVIDER_KEY},
    config::{MaxTokensField, Omit, OpenAiConfig},
};

/// Tokens a prompt costs beyond its messages: the marker that opens the reply, and the like.
const PROMPT_OVERHEAD_TOKENS: u32 = 16;

/// Tokens a tool costs beyond its text: how the provider frames it for the model.
const TOOL_OVERHEAD_TOKENS: u32 = 16;

/// The name a response schema goes by; providers want one.
const SCHEMA_NAME: &str = "reply";

/// Writes `request` as the wire wants it.
pub(crate) fn to_wire(config: &OpenAiConfig, request: &ChatRequest) -> wire::ChatRequest {
    let sends = |field| !config.omit.contains(&field);
    let sampling = &request.sampling;
    let bound = sends(Omit::MaxTokens).then_some(sampling.max_tokens);
    let (max_tokens, max_completion_tokens) = match config.max_tokens_field {
        MaxTokensField::MaxTokens => (bound, None),
        MaxTokensField::MaxCompletionTokens => (None, bound),
    };
    let usage = config.stream && sends(Omit::StreamOptions);
    wire::ChatRequest {
        model: config.model.clone(),
        messages: request.messages.iter().map(message).collect(),
        tools: request.tools.iter().map(|tool| wire::Tool::function(function(tool))).collect(),
        response_format: request.response_schema.as_ref().map(response_format),
        stream: Some(config.stream),
        stream_options: usage.then_some(wire::StreamOptions { include_usage: true }),
        temperature: sends(Omit::Temperature).then_some(sampling.temperature),
        // 1 is every provider's default, and some models refuse the field whatever its value.
        top_p: (sends(Omit::TopP) && sampling.top_p != 1.0).then_some(sampling.top_p),
        max_tokens,
        max_completion_tokens,
        seed: sampling.seed.filter(|_| sends(Omit::Seed)),
        ..wire::ChatRequest::default()
    }
}

/// Estimated tokens of `request`, erring on the high side.
pub(crate) fn estimate(request: &ChatRequest, bytes_per_token: u32) -> u32 {
    let tokens = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).div_ceil(bytes_per_token.max(1));
    let of_message = |message: &Message| {
        let kept = match message {
            Message::Assistant(Assistant { provider: Some(kept), .. }) => tokens(kept.to_string().len()),
            _ => 0,
        };
        window::estimate(message, bytes_per_token).saturating_add(kept)
    };
    let of_tool = |tool: &playhouse_core::tool::ToolSpec| {
        let bytes = tool.name.len() + tool.description.len() + tool.input_schema.to_string().len();
        tokens(bytes).saturating_add(TOOL_OVERHEAD_TOKENS)
    };
    let schema = request.response_schema.as_ref().map_or(0, |schema| tokens(schema.to_string().len()));
    let parts = request.messages.iter().map(of_message).chain(request.tools.iter().map(|tool| of_tool(tool)));
    parts.fold(PROMPT_OVERHEAD_TOKENS.saturating_add(schema), u32::saturating_add)
}

fn message(message: &Message) -> wire::Message {
    match message {
        Message::System { content } => wire::Message::text(wire::Role::System, content),
        Message::User { content } => wire::Message::text(wire::Role::User, content),
        Message::Assistant(reply) => assistant(reply),
        Message::Tool { call_id, content, .. } => wire::Message {
            tool_call_id: Some(call_id.clone()),
            ..wire::Message::text(wire::Role::Tool, content)
        },
    }
}

/// A past reply, with the fields its provider wants to see again.
fn assistant(reply: &Assistant) -> wire::Message {
    let mut kept = match reply.provider.as_ref().and_then(|kept| kept.get(PROVIDER_KEY)) {
        Some(Value::Object(kept)) => kept.clone(),
        _ => wire::Extra::new(),
    };
    let of_calls = kept.remove(CALL_EXTRAS).unwrap_or_default();
    // What the message itself says must not be said twice.
    for own in ["role", "content", "name", "tool_call_id"] {
        kept.remove(own);
    }
    let of_call = |index: usize| of_calls.get(index).and_then(Value::as_object).cloned().unwrap_or_default();
    let tool_calls: Vec<_> =
        reply.tool_calls.iter().enumerate().map(|(index, call)| tool_call(call, of_call(index))).collect();
    let silent = reply.content.is_empty() && !tool_calls.is_empty();
    wire::Message {
        content: (!silent).then(|| wire::Content::Text(reply.content.clone())),
        tool_calls,
        extra: kept,
        ..wire::Message::text(wire::Role::Assistant, "")
    }
}

fn tool_call(call: &ToolCall, extra: wire::Extra) -> wire::ToolCall {
    let arguments = match &call.arguments {
        Arguments::Json(value) => value.to_string(),
        // Many servers parse the arguments of past calls and refuse the whole conversation when they
        // cannot. The model still sees what it wrote, and the tool message after it says what was wrong.
        Arguments::Malformed { raw, .. } => json!({ "malformed": raw }).to_string(),
    };
    let function = wire::FunctionCall { name: call.name.clone(), arguments };
    wire::ToolCall { id: call.id.clone(), kind: "function".into(), function, extra }
}

fn function(tool: &playhouse_core::tool::ToolSpec) -> wire::FunctionSpec {
    wire::FunctionSpec {
        name: tool.name.clone(),
        description: Some(tool.description.clone()),
        parameters: Some(tool.input_schema.clone()),
        strict: None,
    }
}

fn response_format(schema: &Value) -> wire::ResponseFormat {
    let json_schema = wire::JsonSchema {
        name: SCHEMA_NAME.into(),
        description: None,
        schema: Some(schema.clone()),
        strict: Some(schema.get("type") == Some(&json!("object")) && closed(schema)),
    };
    wire::ResponseFormat::JsonSchema { json_schema }
}

/// Whether every object in `schema` is closed and requires all its properties. OpenAI enforces only such
/// schemas and refuses the strict mode for others.
fn closed(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let properties = fields.get("properties").and_then(Value::as_object);
            let is_object = properties.is_some() || fields.get("type") == Some(&json!("object"));
            let shut = fields.get("additionalProperties") == Some(&Value::Bool(false));
            let required = fields.get("required").and_then(Value::as_array);
            let requires = |name: &String| required.is_some_and(|all| all.iter().any(|one| one == name));
            let complete = properties.is_none_or(|all| all.keys().all(requires));
            (!is_object || (shut && complete)) && fields.values().all(closed)
        }
        Value::Array(items) => items.iter().all(closed),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
