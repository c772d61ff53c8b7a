//! A task as its tools see it: told how far they are, and asked for its model, on the task's account.
//!
//! ```text
//! tool box ──progress──▶ Caller ──note──▶ those who watch the task
//!     │                    │
//!     ├──────ask───────────┼──Ask──▶ LlmBackend: the queue that the task itself stands in
//!     └───ask_person───────┴──put──▶ Questions, until somebody answers through the API
//! ```
//!
//! What a tool asks is not journaled: a call that is made again asks again. Its tokens are, with the call's result.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use playhouse_core::{
    id::{EffectId, TaskId},
    model::{ChatRequest, ModelError, ModelErrorKind, Price, Reply, Sampling, Usage},
    tool::{Asked, ToolError, ToolErrorKind, ToolProgress},
};
use playhouse_ports::{
    ToolAnswer, ToolCaller, ToolForm, ToolQuestion,
    crash::{Point, around},
    no_deltas,
};
use tokio::sync::oneshot;

use super::effects::model_crashed;
use crate::{
    ledger::Note,
    llm_backend::{Ask, Asker, DeltaSink, LlmBackendMsg},
    promise::Promise,
    services::Services,
};

/// Things that one call may say before its end; what comes after is not shown. More than a person reads, and it bounds
/// what a tool that does nothing else costs those who watch.
const SAID_MAX: u64 = 1_000;
/// Questions of one call, whatever its grants say: a call that needs more is an agent, and should be one.
const QUESTIONS_MAX: u64 = 64;

/// Numbers the questions of all tools, so that no two have one name.
static QUESTIONS: AtomicU64 = AtomicU64::new(0);

/// What of a task is needed to ask its model for one of its calls.
pub(super) struct Asking {
    /// The task.
    pub(super) task: TaskId,
    /// The call.
    pub(super) effect_id: EffectId,
    /// The tool that is called.
    pub(super) tool: String,
    /// Alias of the task's model.
    pub(super) model: String,
    /// How the task samples; the bound of tokens is the question's, if that is lower.
    pub(super) sampling: Sampling,
    /// A question is given up after this long.
    pub(super) timeout: Duration,
    /// Tokens the task may still use.
    pub(super) tokens_left: Option<u64>,
    /// What the task may still cost, in millionths of a US dollar.
    pub(super) cost_left: Option<u64>,
    /// What the model's tokens cost.
    pub(super) price: Option<Price>,
    /// The step's span.
    pub(super) span: tracing::Span,
}

/// The task that makes one call.
pub(super) struct Caller {
    services: Arc<Services>,
    asking: Asking,
    said: AtomicU64,
    questions: AtomicU64,
    /// What was asked so far.
    asked: Mutex<Option<Asked>>,
}

impl Caller {
    pub(super) fn new(services: Arc<Services>, asking: Asking) -> Self {
        let (said, questions, asked) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        Self { services, asking, said, questions, asked }
    }

    /// What the call has asked the model so far.
    pub(super) fn asked(&self) -> Option<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, reply: &Reply) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Reply { model, usage, .. } = reply;
        let asked = asked.get_or_insert_with(|| Asked { model: model.clone(), usage: Usage::default() });
        asked.usage += *usage;
    }

    /// Tokens that the answer to one more question may have, at most `wanted`.
    fn budget(&self, wanted: u32) -> Result<u32, ToolError> {
        let Asking { sampling, tokens_left, cost_left, price, .. } = &self.asking;
        let denied = |what: &str| {
            let message =
                format!("the task has no {what} left for questions of tools: go on without the model");
            Err(ToolError::new(ToolErrorKind::Denied, message))
        };
        let used = self.asked().map_or_else(Usage::default, |asked| asked.usage);
        let tokens = tokens_left.map_or(u64::MAX, |left| left.saturating_sub(used.total()));
        if tokens == 0 {
            return denied("tokens");
        }
        if cost_left.is_some_and(|left| left <= price.map_or(0, |price| price.of(used))) {
            return denied("money");
        }
        if self.questions.fetch_add(1, Ordering::Relaxed) >= QUESTIONS_MAX {
            let message = format!("one call may ask the model {QUESTIONS_MAX} times at most");
            return Err(ToolError::new(ToolErrorKind::RateLimited, message));
        }
        Ok(wanted.min(sampling.max_tokens).min(u32::try_from(tokens).unwrap_or(u32::MAX)))
    }
}

#[async_trait]
impl ToolCaller for Caller {
    fn progress(&self, progress: ToolProgress) {
        if self.said.fetch_add(1, Ordering::Relaxed) >= SAID_MAX {
            return;
        }
        let Asking { task, effect_id, tool, .. } = &self.asking;
        let (effect_id, tool) = (effect_id.clone(), tool.clone());
        self.services.ledger.tell(task, || Note::Progress { effect_id, tool, progress });
    }

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        let ToolQuestion { messages, max_tokens } = question;
        let Asking { task, model, sampling, timeout, span, effect_id, .. } = &self.asking;
        let sampling = Sampling { max_tokens: self.budget(max_tokens)?, ..sampling.clone() };
        let by = Asker::Tool(task.clone(), QUESTIONS.fetch_add(1, Ordering::Relaxed));
        let (tell, told) = oneshot::channel();
        let answer = Promise::new(model_crashed, move |reply| drop(tell.send(reply)));
        let request = ChatRequest {
            conversation: effect_id.to_string(),
            messages: Arc::new(messages),
            tools: Vec::new(),
            sampling,
            response_schema: None,
        };
        let deltas = DeltaSink(no_deltas());
        let ask = Ask { by: by.clone(), request, deltas, timeout: *timeout, answer, span: span.clone() };
        let given_up = GivenUp { services: &self.services, model, by: Some(by) };
        around(Point::AskModel, || self.services.cast_model(model, LlmBackendMsg::Do(Box::new(ask))));
        let reply = told.await.unwrap_or_else(|_| model_crashed());
        given_up.not();
        let reply = reply.map_err(told_so)?;
        self.add(&reply);
        Ok(reply)
    }

    async fn ask_person(&self, form: ToolForm) -> Result<ToolAnswer, ToolError> {
        let (Asking { task, effect_id, tool, .. }, now_ms) =
            (&self.asking, self.services.ledger.clock.now_ms());
        self.services.questions.put(task, (effect_id, tool), form, now_ms)?.answer().await
    }
}

/// Ends a question when nobody waits for its answer any more.
struct GivenUp<'a> {
    services: &'a Services,
    model: &'a str,
    by: Option<Asker>,
}

impl GivenUp<'_> {
    /// It was answered.
    fn not(mut self) {
        self.by = None;
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if let Some(by) = self.by.take() {
            // crash: an abort that is lost costs a call that nobody waits for.
            self.services.cast_model(self.model, LlmBackendMsg::Abort(by));
        }
    }
}

/// Why there is no answer, for a tool.
fn told_so(error: ModelError) -> ToolError {
    let kind = match error.kind {
        ModelErrorKind::RateLimited => ToolErrorKind::RateLimited,
        ModelErrorKind::Timeout => ToolErrorKind::Timeout,
        ModelErrorKind::ContextOverflow => ToolErrorKind::InvalidInput,
        _ => ToolErrorKind::Upstream,
    };
    ToolError::new(kind, format!("the model did not answer: {}", error.message))
}
