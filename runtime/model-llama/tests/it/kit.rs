//! Helpers: a running model, requests, and a look at processes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use playhouse_core::{
    message::Message,
    model::{ChatRequest, Sampling},
    tool::{Annotations, EffectClass, ToolSpec},
};
use playhouse_model_llama::{Llama, LlamaConfig, Worker, WorkerCommand, WorkerExit};
use playhouse_ports::{Delta, Deltas};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The trained model, or its untrained draft.
pub(crate) fn model() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("nano");
    let trained = folder.join("nano.gguf");
    if trained.exists() { trained } else { folder.join("nano-draft.gguf") }
}

pub(crate) fn process() -> WorkerCommand {
    WorkerCommand::new(env!("CARGO_BIN_EXE_playhouse-llama-worker"))
}

/// A model under the simplest supervisor there is: start it again, and count.
pub(crate) struct Running {
    pub(crate) llama: Arc<Llama>,
    pub(crate) exits: Arc<Mutex<Vec<WorkerExit>>>,
    supervisor: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(config: LlamaConfig, worker: Worker) -> Self {
        let llama = Llama::open("nano", config, worker).expect("the model opens");
        let exits = Arc::new(Mutex::new(Vec::new()));
        let (handle, log) = (llama.clone(), exits.clone());
        let supervisor = tokio::spawn(async move {
            loop {
                let exit = handle.run().await;
                log.lock().expect("not poisoned").push(exit);
            }
        });
        Self { llama, exits, supervisor }
    }

    pub(crate) fn process() -> Self {
        Self::start(LlamaConfig::new(model()), Worker::Process(process()))
    }

    pub(crate) fn in_process() -> Self {
        Self::start(LlamaConfig::new(model()), Worker::InProcess)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

pub(crate) fn request(conversation: &str, messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        conversation: conversation.into(),
        messages: messages.into(),
        tools: vec![tool("calculator", "expression"), tool("lookup", "key")],
        sampling: Sampling { max_tokens: 48, ..Sampling::default() },
        response_schema: None,
    }
}

pub(crate) fn ask(conversation: &str, text: &str) -> ChatRequest {
    request(conversation, vec![Message::user(text)])
}

pub(crate) fn tool(name: &str, parameter: &str) -> Arc<ToolSpec> {
    Arc::new(ToolSpec {
        name: name.into(),
        version: "1".into(),
        description: String::new(),
        input_schema: json!({"type": "object", "properties": {parameter: {"type": "string"}}}),
        output_schema: json!({}),
        effect: EffectClass::Pure,
        annotations: Annotations::default(),
        digest: String::new(),
    })
}

/// Collects what is streamed.
pub(crate) fn collecting() -> (Deltas, Arc<Mutex<Vec<Delta>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    (Arc::new(move |delta| log.lock().expect("not poisoned").push(delta)), seen)
}

/// The tokens a reply says the model wrote.
pub(crate) fn written(reply: &playhouse_core::model::Reply) -> Vec<i64> {
    let note = reply.message.provider.as_ref().and_then(|p| p.pointer("/llama/tokens"));
    note.and_then(Value::as_array).expect("stamped").iter().map(|t| t.as_i64().expect("a token")).collect()
}

/// Process ids of workers whose environment holds `mark`: other tests run in this process, too.
pub(crate) fn workers(mark: &str) -> Vec<i32> {
    let marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).split('\0').any(|entry| entry.ends_with(mark))
    };
    let entries = std::fs::read_dir("/proc").expect("a proc");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(marked).collect()
}
