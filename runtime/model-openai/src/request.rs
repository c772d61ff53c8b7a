//! From our request to the wire's. Pure.

use std::collections::BTreeMap;

use playhouse_core::{
    message::{Arguments, Assistant, Message, ToolCall},
    model::ChatRequest,
    window,
};
use playhouse_openai_wire as wire;
use serde::Serialize;
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

/// What is sent. It borrows the conversation: that grows with every step, and all of it is sent each time.
#[derive(Debug, Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<wire::ResponseFormat>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<wire::StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// One message.
#[derive(Debug, Serialize)]
struct Said<'a> {
    role: wire::Role,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(flatten)]
    kept: BTreeMap<&'a str, &'a Value>,
}

/// One call of a past reply.
#[derive(Debug, Serialize)]
struct Called<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
    #[serde(flatten)]
    kept: Option<&'a wire::Extra>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: String,
}

/// One tool.
#[derive(Debug, Serialize)]
struct Offered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Offer<'a>,
}

#[derive(Debug, Serialize)]
struct Offer<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// The only kind of tool there is.
const FUNCTION: &str = "function";

/// Writes `request` as the wire wants it.
pub(crate) fn to_wire<'a>(config: &'a OpenAiConfig, request: &'a ChatRequest) -> Body<'a> {
    let sends = |field| !config.omit.contains(&field);
    let sampling = &request.sampling;
    let bound = sends(Omit::MaxTokens).then_some(sampling.max_tokens);
    let (max_tokens, max_completion_tokens) = match config.max_tokens_field {
        MaxTokensField::MaxTokens => (bound, None),
        MaxTokensField::MaxCompletionTokens => (None, bound),
    };
    let usage = config.stream && sends(Omit::StreamOptions);
    Body {
        model: &config.model,
        messages: request.messages.iter().map(message).collect(),
        tools: request.tools.iter().map(|tool| offer(tool)).collect(),
        response_format: request.response_schema.as_ref().map(response_format),
        stream: config.stream,
        stream_options: usage.then_some(wire::StreamOptions { include_usage: true }),
        temperature: sends(Omit::Temperature).then_some(sampling.temperature),
        // 1 is every provider's default, and some models refuse the field whatever its value.
        top_p: (sends(Omit::TopP) && sampling.top_p != 1.0).then_some(sampling.top_p),
        max_tokens,
        max_completion_tokens,
        seed: sampling.seed.filter(|_| sends(Omit::Seed)),
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

fn message(message: &Message) -> Said<'_> {
    match message {
        Message::System { content } => said(wire::Role::System, content),
        Message::User { content } => said(wire::Role::User, content),
        Message::Assistant(reply) => assistant(reply),
        Message::Tool { call_id, content, .. } => {
            Said { tool_call_id: Some(call_id), ..said(wire::Role::Tool, content) }
        }
    }
}

fn said(role: wire::Role, content: &str) -> Said<'_> {
    Said { role, content: Some(content), tool_calls: Vec::new(), tool_call_id: None, kept: BTreeMap::new() }
}

/// A past reply, with the fields its provider wants to see again.
fn assistant(reply: &Assistant) -> Said<'_> {
    // What the message itself says must not be said twice.
    const OWN: [&str; 5] = ["role", "content", "name", "tool_call_id", CALL_EXTRAS];
    let kept = reply.provider.as_ref().and_then(|kept| kept.get(PROVIDER_KEY)).and_then(Value::as_object);
    let of_calls = kept.and_then(|kept| kept.get(CALL_EXTRAS));
    let of_call = |index: usize| of_calls.and_then(|calls| calls.get(index)).and_then(Value::as_object);
    let tool_calls: Vec<_> =
        reply.tool_calls.iter().enumerate().map(|(index, call)| called(call, of_call(index))).collect();
    let silent = reply.content.is_empty() && !tool_calls.is_empty();
    let kept = kept.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    Said {
        content: (!silent).then_some(&reply.content),
        tool_calls,
        kept: kept.filter(|(name, _)| !OWN.contains(name)).collect(),
        ..said(wire::Role::Assistant, "")
    }
}

fn called<'a>(call: &'a ToolCall, kept: Option<&'a wire::Extra>) -> Called<'a> {
    let arguments = match &call.arguments {
        Arguments::Json(value) => value.to_string(),
        // Many servers parse the arguments of past calls and refuse the whole conversation when they
        // cannot. The model still sees what it wrote, and the tool message after it says what was wrong.
        Arguments::Malformed { raw, .. } => json!({ "malformed": raw }).to_string(),
    };
    Called { id: &call.id, kind: FUNCTION, function: Function { name: &call.name, arguments }, kept }
}

fn offer(tool: &playhouse_core::tool::ToolSpec) -> Offered<'_> {
    let function = Offer { name: &tool.name, description: &tool.description, parameters: &tool.input_schema };
    Offered { kind: FUNCTION, function }
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
