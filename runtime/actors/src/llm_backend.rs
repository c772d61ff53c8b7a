//! Calls of one model: at most so many at once, and the rest wait in order, as [`Pool`](crate::pool::Pool) has it.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::TaskId,
    model::{ChatRequest, ModelError, ModelErrorKind, Reply},
};
use playhouse_ports::{ChatModel, Deltas};

use crate::{
    drain::{Busy, Drain},
    pool::{Answer, Calls, MsgOf},
    promise::Promise,
};

/// What a planner waits for.
pub(crate) type ReplyPromise = Promise<Result<Reply, ModelError>>;

/// Who asks a model. One of a name has at most one call open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A task, for its next step.
    Task(TaskId),
    /// A tool that a task calls, for its question of this number: of the process, not of the call.
    Tool(TaskId, u64),
}

/// A question on its way to a model.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Who asks.
    pub(crate) by: Asker,
    /// The prompt.
    pub(crate) request: ChatRequest,
    /// Where pieces go.
    pub(crate) deltas: DeltaSink,
    /// The call is ended after this long.
    pub(crate) timeout: Duration,
    /// Who gets the answer.
    pub(crate) answer: ReplyPromise,
    /// The step's span, so that the call's span hangs under it.
    pub(crate) span: tracing::Span,
}

/// [`Deltas`] that can be printed.
pub(crate) struct DeltaSink(pub(crate) Deltas);

impl std::fmt::Debug for DeltaSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeltaSink")
    }
}

/// What may arrive in a backend's mailbox.
pub(crate) type LlmBackendMsg = MsgOf<LlmBackend>;

/// Stands before one model.
#[derive(Clone)]
pub(crate) struct LlmBackend {
    /// The model.
    pub(crate) model: Arc<dyn ChatModel>,
    /// Calls that run at once. More would only wait inside the adapter, out of sight.
    pub(crate) permits: usize,
    /// While the runtime comes to rest no call is started.
    pub(crate) drain: Drain,
}

impl std::fmt::Debug for LlmBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LlmBackend").field("permits", &self.permits).finish_non_exhaustive()
    }
}

impl Calls for LlmBackend {
    type Id = Asker;
    type Call = Box<Ask>;
    /// Until the answer is given, so that the planner counts as busy with it before the call no longer counts.
    type Hold = Busy;
    /// Every live task has at most one model call open, or as many as its tools ask: this is as many as the default
    /// bound of live tasks, with room for a raised one.
    const WAITING_MAX: usize = 16 * 1024;

    fn permits(&self) -> usize {
        self.permits
    }

    fn id(ask: &Box<Ask>) -> Asker {
        ask.by.clone()
    }

    fn span(&self, ask: &Box<Ask>) -> tracing::Span {
        chat_span(&ask.span, &*self.model, &ask.request)
    }

    fn refuse(ask: Box<Ask>) {
        let message = format!("{} calls already wait for this model; try again later", Self::WAITING_MAX);
        ask.answer.keep(Err(ModelError::new(ModelErrorKind::RateLimited, message)));
    }

    /// What a tool asks belongs to a call that is being made, and that is made also while the runtime comes to rest.
    fn begin(&self, ask: &Box<Ask>) -> Option<Busy> {
        match ask.by {
            Asker::Task(_) => self.drain.work(),
            Asker::Tool(..) => Some(self.drain.busy()),
        }
    }

    async fn run(self, ask: Box<Ask>) -> Answer {
        let Ask { request, deltas, timeout, answer, .. } = *ask;
        let reply = tokio::time::timeout(timeout, self.model.chat(request, deltas.0)).await;
        let reply = reply.unwrap_or_else(|_| Err(too_slow(timeout)));
        note_reply(&reply);
        Box::new(move || answer.keep(reply))
    }
}

fn too_slow(timeout: Duration) -> ModelError {
    let message =
        format!("the model did not answer within {} ms (`limits.model_time_ms`)", timeout.as_millis());
    ModelError::new(ModelErrorKind::Timeout, message)
}

/// The span of one model call, named by the OpenTelemetry conventions for generative AI.
fn chat_span(parent: &tracing::Span, model: &dyn ChatModel, request: &ChatRequest) -> tracing::Span {
    let info = model.info();
    tracing::info_span!(
        parent: parent,
        "chat",
        otel.name = %format!("chat {}", info.name),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = %info.provider,
        gen_ai.request.model = %info.name,
        gen_ai.request.max_tokens = request.sampling.max_tokens,
        gen_ai.conversation.id = %request.conversation,
        gen_ai.usage.input_tokens = tracing::field::Empty,
        gen_ai.usage.output_tokens = tracing::field::Empty,
        gen_ai.usage.cache_read.input_tokens = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
    )
}

fn note_reply(reply: &Result<Reply, ModelError>) {
    let span = tracing::Span::current();
    match reply {
        Ok(reply) => {
            span.record("gen_ai.usage.input_tokens", reply.usage.input_tokens);
            span.record("gen_ai.usage.output_tokens", reply.usage.output_tokens);
            span.record("gen_ai.usage.cache_read.input_tokens", reply.usage.cached_tokens);
        }
        Err(error) => {
            span.record("error.type", tracing::field::debug(error.kind));
            tracing::debug!(%error, kind = ?error.kind, "model call failed");
        }
    }
}
