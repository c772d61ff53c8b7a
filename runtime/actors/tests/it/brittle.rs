//! Ports that break where a test wants it: by panicking, or by never answering.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, TaskId},
    model::{ChatRequest, ModelError, ModelInfo, Reply},
    task::{Head, Record},
    tool::{Grant, ToolError, ToolRequest, ToolSpec},
};
use playhouse_ports::{Batch, ChatModel, Deltas, HeldLane, Journal, JournalError, ToolBox};
use playhouse_testkit::{FnTools, MemoryJournal, ScriptedModel};
use serde_json::Value;
use tokio::sync::Semaphore;

/// What a journal is asked that an actor waits for in its own body: a panic there is the actor's.
pub(crate) enum Asked<'a> {
    Append(&'a Batch),
    Read,
    Open,
}

type When = dyn Fn(&Asked<'_>) -> bool + Send + Sync;

/// A journal that panics when asked certain things.
#[derive(Clone)]
pub(crate) struct Brittle {
    inner: MemoryJournal,
    breaks: Arc<When>,
    /// How every record is, instead of readable.
    unreadable: Option<fn(String) -> JournalError>,
}

impl Brittle {
    pub(crate) fn new(
        inner: &MemoryJournal,
        breaks: impl Fn(&Asked<'_>) -> bool + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), breaks: Arc::new(breaks), unreadable: None })
    }

    /// One that does not panic, and whose records can never be read again.
    pub(crate) fn erased(inner: &MemoryJournal) -> Arc<Self> {
        Self::unreadable(inner, JournalError::Erased)
    }

    /// One whose records were written by a newer version.
    pub(crate) fn newer(inner: &MemoryJournal) -> Arc<Self> {
        Self::unreadable(inner, JournalError::Newer)
    }

    fn unreadable(inner: &MemoryJournal, why: fn(String) -> JournalError) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), breaks: Arc::new(|_| false), unreadable: Some(why) })
    }

    fn asked(&self, asked: &Asked<'_>) {
        assert!(!(self.breaks)(asked), "a bug that a journal brings to light");
    }
}

/// Answers true so many times.
pub(crate) fn times(many: usize) -> impl Fn() -> bool + Send + Sync {
    let left = AtomicUsize::new(many);
    move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Journal for Brittle {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.asked(&Asked::Append(&batch));
        self.inner.append(batch).await
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        self.asked(&Asked::Read);
        if let Some(why) = self.unreadable {
            return Err(why(format!("records of task {task}")));
        }
        self.inner.read(task, from, max).await
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        self.inner.head(task).await
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        self.inner.heads(before, max).await
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        self.asked(&Asked::Open);
        Journal::open(&self.inner).await
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        self.inner.due(until_ms, max).await
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        self.inner.lanes().await
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        self.inner.wakes().await
    }

    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError> {
        self.inner.forget(task).await
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        self.inner.submission(key).await
    }
}

/// A model whose answers to what a tool said wait at the gate; first questions pass.
pub(crate) struct LastAnswerGated(pub(crate) ScriptedModel, pub(crate) Arc<Semaphore>);

#[async_trait]
impl ChatModel for LastAnswerGated {
    fn info(&self) -> ModelInfo {
        self.0.info()
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        self.0.count_tokens(request).await
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        if request.messages.len() > 2 {
            self.1.acquire().await.unwrap().forget();
        }
        self.0.chat(request, deltas).await
    }
}

/// A model at the end of a slow line: every call takes so long.
pub(crate) struct SlowModel(pub(crate) ScriptedModel, pub(crate) Duration);

#[async_trait]
impl ChatModel for SlowModel {
    fn info(&self) -> ModelInfo {
        self.0.info()
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        self.0.count_tokens(request).await
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        tokio::time::sleep(self.1).await;
        self.0.chat(request, deltas).await
    }
}

/// Tools whose calls begin, and end when the gate lets them.
pub(crate) struct GatedTools(pub(crate) FnTools, pub(crate) Arc<Semaphore>);

#[async_trait]
impl ToolBox for GatedTools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.specs()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.0.permits(tool, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        let done = self.0.call(request).await;
        self.1.acquire().await.unwrap().forget();
        done
    }
}

/// Tools whose calls begin and never end; asked afterwards, they took effect.
pub(crate) struct StuckTools(pub(crate) FnTools);

#[async_trait]
impl ToolBox for StuckTools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.specs()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.0.permits(tool, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.0.call(request).await?;
        pending().await
    }

    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        Ok(self.0.started().contains(&request.effect_id).then(|| "it did".into()))
    }
}
