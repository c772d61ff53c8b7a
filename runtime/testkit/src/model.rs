//! A model that says what the test wrote down.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use playhouse_core::{
    message::{Arguments, Assistant, ToolCall},
    model::{ChatRequest, Finish, ModelError, ModelInfo, Reply, Usage},
};
use playhouse_ports::{ChatModel, Delta, Deltas};
use serde_json::Value;
use tokio::sync::Semaphore;

type Script = dyn Fn(&ChatRequest) -> Result<Reply, ModelError> + Send + Sync;

/// A [`ChatModel`] whose replies are scripted. Clones share the script and the counters.
#[derive(Clone)]
pub struct ScriptedModel {
    info: ModelInfo,
    script: Arc<Script>,
    /// When set, each call waits for a permit: the test lets calls through one by one.
    gate: Option<Arc<Semaphore>>,
    asked: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
}

impl std::fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedModel").field("asked", &self.asked()).finish_non_exhaustive()
    }
}

impl ScriptedModel {
    /// A model that answers by a function of the prompt.
    pub fn new(script: impl Fn(&ChatRequest) -> Result<Reply, ModelError> + Send + Sync + 'static) -> Self {
        let info = ModelInfo {
            name: "scripted".into(),
            version: "scripted-1".into(),
            provider: "playhouse".into(),
            context_tokens: 8192,
            bytes_per_token: 3,
        };
        Self { info, script: Arc::new(script), gate: None, asked: Arc::default(), running: Arc::default() }
    }

    /// A model that gives these replies in order, and panics when asked once too often.
    pub fn replies(replies: impl IntoIterator<Item = Result<Reply, ModelError>>) -> Self {
        let left = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::new(move |_| {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.expect("the script has a reply for every call")
        })
    }

    /// The same model with another context size.
    pub fn context_tokens(mut self, tokens: u32) -> Self {
        self.info.context_tokens = tokens;
        self
    }

    /// The same model behind a gate: every call waits for one permit of it.
    pub fn gated(mut self, gate: Arc<Semaphore>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many calls run now: cancelled ones no longer do.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

/// Counts a call as running for as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn info(&self) -> ModelInfo {
        self.info.clone()
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        let bytes: usize = request.messages.iter().map(|message| message.text_bytes()).sum();
        Ok(u32::try_from(bytes).unwrap_or(u32::MAX).div_ceil(self.info.bytes_per_token))
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(self.running.clone());
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("the gate stays open").forget();
        }
        let reply = (self.script)(&request)?;
        for word in reply.message.content.split_inclusive(' ') {
            deltas(Delta::Text(word.to_owned()));
        }
        Ok(reply)
    }
}

/// A final answer.
pub fn answer(text: &str) -> Result<Reply, ModelError> {
    Ok(reply(Assistant { content: text.into(), ..Assistant::default() }, Finish::Stop))
}

/// One tool call.
pub fn call_tool(name: &str, arguments: Value) -> Result<Reply, ModelError> {
    call_tools([(name, arguments)])
}

/// Several tool calls in one turn.
pub fn call_tools<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Reply, ModelError> {
    let call = |(n, (name, arguments)): (usize, (&str, Value))| ToolCall {
        id: format!("call_{n}"),
        name: name.into(),
        arguments: Arguments::Json(arguments),
    };
    let tool_calls = calls.into_iter().enumerate().map(call).collect();
    Ok(reply(Assistant { tool_calls, ..Assistant::default() }, Finish::ToolCalls))
}

fn reply(message: Assistant, finish: Finish) -> Reply {
    let usage = Usage { input_tokens: 10, cached_tokens: 0, output_tokens: 5 };
    Reply { message, usage, finish, model: "scripted-1".into() }
}
