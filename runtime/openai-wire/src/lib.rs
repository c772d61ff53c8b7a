//! The OpenAI chat-completions wire: request, response, stream chunk, error, model list.
//!
//! ```text
//!   model-openai  ── ChatRequest ──►  provider            client of the wire
//!   any SDK       ── ChatRequest ──►  http                server of the wire
//!                 ◄── ChatResponse │ ChatChunk* │ ErrorEnvelope ──
//! ```
//!
//! Both directions use the same types, so both are lenient when they read (a `null` or a missing list is
//! empty, arguments may be an object) and strict when they write (fields that the specification requires
//! are present, even as `null`). Fields we do not know are kept where somebody needs them again: in
//! messages, deltas and tool calls, as `extra`.
//!
//! Not here: conversion to our own types, HTTP, the framing of server-sent events. The crate knows only
//! `serde`.

mod chunk;
mod error;
mod lenient;
mod message;
mod models;
mod request;
mod response;

pub use chunk::{ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use error::{ErrorBody, ErrorEnvelope};
pub use message::{Content, Extra, FunctionCall, Message, Part, ResponseMessage, Role, ToolCall};
pub use models::{ModelCard, ModelList};
pub use request::{ChatRequest, FunctionSpec, JsonSchema, ResponseFormat, StreamOptions, Tool};
pub use response::{ChatResponse, Choice, CompletionDetails, FinishReason, PromptDetails, Usage};

/// What a server sends as the last event of a stream instead of JSON.
pub const DONE: &str = "[DONE]";
