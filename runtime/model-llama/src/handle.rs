//! The handle that callers hold. It outlives every worker.
//!
//! ```text
//!            link: None ──Ready──▶ Some(link) ──worker gone──▶ None ──Ready──▶ Some(next link) …
//!  a call:   waits, up to WORKER_WAIT │ goes through          │ fails with `Crashed`, may be made again
//! ```

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use playhouse_core::model::{ChatRequest, ModelError, ModelErrorKind, ModelInfo, Reply};
use playhouse_ports::{ChatModel, Deltas, no_deltas};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout_at},
};

use crate::{
    GgufSummary, LlamaConfig, StartError, Worker, WorkerExit, gguf,
    link::{Answer, Link},
    serve::{self, Life},
    template::Template,
    wire::{CallId, Start, ToWorker},
};

/// A crashed worker with a small model is back in a second, with a large one in some more; a caller that waits
/// longer than this is better served by another backend.
const WORKER_WAIT: Duration = Duration::from_secs(10);
/// When every place is taken: a short reply of a small model takes about this long.
const RETRY_AFTER_MS: u64 = 500;
/// 64 bits of the file's digest tell any two models apart that will ever be on one machine.
const VERSION_HEX_DIGITS: usize = 16;
/// `gen_ai.provider.name` for a model that runs here.
const PROVIDER: &str = "llama_cpp";

/// A local model: a [`ChatModel`] whose worker may come and go.
pub struct Llama {
    info: ModelInfo,
    model: GgufSummary,
    start: Start,
    modified: Option<SystemTime>,
    worker: Worker,
    /// One per call that may be under way or waiting.
    permits: Arc<Semaphore>,
    /// The worker that is up.
    link: watch::Sender<Option<Arc<Link>>>,
    /// Held while `run` is under way.
    running: tokio::sync::Mutex<()>,
    /// For callers who find no worker: how the last one ended.
    last_exit: Mutex<Option<String>>,
}

impl std::fmt::Debug for Llama {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let up = self.link.borrow().is_some();
        f.debug_struct("Llama").field("info", &self.info).field("up", &up).finish_non_exhaustive()
    }
}

impl Llama {
    /// Checks the model file and the settings; `name` is the alias that agents use. Starts nothing: see
    /// [`Llama::run`]. Reads the whole file once for its digest, so call it where blocking is allowed
    /// when the file is large.
    pub fn open(
        name: impl Into<String>,
        config: LlamaConfig,
        worker: Worker,
    ) -> Result<Arc<Self>, StartError> {
        let model = gguf::read(&config.path)?;
        let context_tokens = config.check(&model)?;
        Template::compile(&model.chat_template, "", "")
            .map_err(|problem| StartError::Template { path: config.path.clone(), problem })?;
        let version = gguf::digest(&config.path)?[..VERSION_HEX_DIGITS].to_owned();
        let info = ModelInfo {
            name: name.into(),
            version: version.clone(),
            provider: PROVIDER.into(),
            context_tokens,
            bytes_per_token: gguf::bytes_per_token(&model),
        };
        let modified = modified(&config);
        Ok(Arc::new(Self {
            info,
            model,
            modified,
            worker,
            permits: Arc::new(Semaphore::new(config.calls_max())),
            link: watch::Sender::new(None),
            running: tokio::sync::Mutex::new(()),
            last_exit: Mutex::new(None),
            start: Start { config, context_tokens, version },
        }))
    }

    /// What the model file says about itself.
    pub fn model(&self) -> &GgufSummary {
        &self.model
    }

    /// Starts a worker and serves until it ends; says why it did. Then every call that was under way has
    /// failed with kind `Crashed`, and `run` may be called again. Dropping the future ends the worker.
    pub async fn run(&self) -> WorkerExit {
        let Ok(_running) = self.running.try_lock() else { return WorkerExit::AlreadyRunning };
        if modified(&self.start.config) != self.modified {
            // J8: the version that tasks are pinned to is the digest of the file as it was.
            return WorkerExit::FileChanged(self.start.config.path.clone());
        }
        let (link, outbox) = Link::new(self.start.config.calls_max());
        let mut up = Up { llama: self, link: link.clone(), why: "the llama worker was stopped".into() };
        let ready = || drop(self.link.send_replace(Some(link.clone())));
        let (start, life) = (self.start.clone(), Life { link: link.clone(), ready: &ready });
        let exit = match &self.worker {
            Worker::Process(command) => serve::process(command, start, life, outbox).await,
            Worker::InProcess => serve::thread(start, life, outbox).await,
        };
        up.why = exit.to_string();
        *self.last_exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(exit.to_string());
        exit
    }

    /// Resolves when a worker is up and calls go through without waiting.
    pub async fn ready(&self) {
        // The sender lives in `self`, so this cannot fail.
        self.link.subscribe().wait_for(Option::is_some).await.ok();
    }

    async fn call(&self, deltas: Deltas, ask: impl FnOnce(CallId) -> ToWorker) -> Result<Answer, ModelError> {
        let mut permit = self.permits.clone().try_acquire_owned().map_err(|_| self.busy())?;
        let deadline = Instant::now() + WORKER_WAIT;
        loop {
            let link = self.link_by(deadline).await?;
            match link.enter(deltas.clone(), permit) {
                Ok(waiting) => return waiting.ask(ask).await,
                // It went between these two lines; wait for the next one.
                Err(back) => permit = back,
            }
        }
    }

    async fn link_by(&self, deadline: Instant) -> Result<Arc<Link>, ModelError> {
        let mut links = self.link.subscribe();
        match timeout_at(deadline, links.wait_for(Option::is_some)).await {
            Ok(Ok(link)) => link.clone().ok_or_else(|| self.down()),
            _ => Err(self.down()),
        }
    }

    fn busy(&self) -> ModelError {
        let most = self.start.config.calls_max();
        let told = format!("`{}` has {most} calls under way or waiting, as many as it may", self.info.name);
        let error = ModelError::new(ModelErrorKind::RateLimited, told);
        ModelError { retry_after_ms: Some(RETRY_AFTER_MS), ..error }
    }

    fn down(&self) -> ModelError {
        let last = self.last_exit.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let why = last.map_or(String::new(), |exit| format!("; the last one: {exit}"));
        let told =
            format!("`{}` has had no running worker for {} s{why}", self.info.name, WORKER_WAIT.as_secs());
        ModelError::new(ModelErrorKind::Unavailable, told)
    }
}

/// Takes the link down, however `run` ends.
struct Up<'a> {
    llama: &'a Llama,
    link: Arc<Link>,
    why: String,
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        // In this order: who finds the link closed must not find it in its place again.
        self.llama.link.send_replace(None);
        self.link.close(&self.why);
    }
}

fn modified(config: &LlamaConfig) -> Option<SystemTime> {
    std::fs::metadata(&config.path).and_then(|meta| meta.modified()).ok()
}

#[async_trait]
impl ChatModel for Llama {
    fn info(&self) -> ModelInfo {
        self.info.clone()
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        let request = request.clone();
        match self.call(no_deltas(), |id| ToWorker::Count { id, request }).await? {
            Answer::Tokens(tokens) => Ok(tokens),
            Answer::Reply(_) => Err(mixed_up()),
        }
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        match self.call(deltas, |id| ToWorker::Chat { id, request }).await? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Tokens(_) => Err(mixed_up()),
        }
    }
}

fn mixed_up() -> ModelError {
    ModelError::new(ModelErrorKind::BadResponse, "the llama worker answered another question than was asked")
}
