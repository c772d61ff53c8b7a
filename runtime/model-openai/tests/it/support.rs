//! Configs, requests and calls with as little ceremony as possible.

use std::sync::{Arc, Mutex};

use playhouse_core::{
    message::Message,
    model::{ChatRequest, ModelError, ModelErrorKind, Reply, Sampling},
};
use playhouse_model_openai::{OpenAi, OpenAiConfig, Secret};
use playhouse_ports::{ChatModel, Delta, no_deltas};
use serde_json::{Value, json};

use crate::server::Server;

/// A config for `base_url`, with `more` on top.
pub(crate) fn config(base_url: &str, more: Value) -> OpenAiConfig {
    let mut config = json!({ "name": "fast", "base_url": base_url, "model": "m-1", "context_tokens": 8192 });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

/// A model at `server`.
pub(crate) fn model(server: &Server, more: Value) -> OpenAi {
    OpenAi::new(config(&server.base_url(), more), None).unwrap()
}

/// A model at `server` with a key.
pub(crate) fn model_with_key(server: &Server, key: &str) -> OpenAi {
    let config = config(&server.base_url(), json!({ "api_key_env": "FAST_KEY" }));
    OpenAi::new(config, Some(Secret::new(key))).unwrap()
}

pub(crate) fn ask() -> ChatRequest {
    ChatRequest {
        conversation: "c".into(),
        messages: vec![Message::user("Good day?")].into(),
        tools: vec![],
        sampling: Sampling::default(),
        response_schema: None,
    }
}

/// Asks `server`; the reply, and the deltas before it.
pub(crate) async fn watch(server: &Server, more: Value) -> (Result<Reply, ModelError>, Vec<Delta>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watcher = seen.clone();
    let deltas = Arc::new(move |delta| watcher.lock().unwrap().push(delta));
    let reply = model(server, more).chat(ask(), deltas).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (reply, seen)
}

/// Asks `server` for a reply that must come.
pub(crate) async fn reply(server: &Server) -> Reply {
    watch(server, json!({})).await.0.unwrap()
}

/// Asks `server` and expects a failure of `kind` whose message holds each of `words`.
pub(crate) async fn fails(server: &Server, more: Value, kind: ModelErrorKind, words: &[&str]) -> ModelError {
    let error = model(server, more).chat(ask(), no_deltas()).await.unwrap_err();
    assert_eq!(error.kind, kind, "{}", error.message);
    for word in ["`fast`", "127.0.0.1"].iter().chain(words) {
        assert!(error.message.contains(word), "no {word:?} in {:?}", error.message);
    }
    error
}

/// The data of a chunk with text.
pub(crate) fn text(text: &str) -> String {
    json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string()
}

/// The data of the chunk that ends an answer.
pub(crate) fn end(reason: &str) -> String {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }).to_string()
}
