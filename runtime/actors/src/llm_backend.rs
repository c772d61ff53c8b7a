//! The actor that stands before one model: it owns the permits and the queue.
//!
//! ```text
//! planner ──Ask──▶ LlmBackend ──job──▶ ChatModel (llama worker, remote API)
//!    ▲               queue │ permits       │
//!    └──── Promise ────────┴───────────────┘
//! ```
//!
//! At most `permits` calls run; the rest wait in order. A call that nobody waits for any more is dropped from
//! the queue, or aborted: the adapter sees its future dropped.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use playhouse_core::{
    id::TaskId,
    model::{ChatRequest, ModelError, ModelErrorKind, Reply},
};
use playhouse_ports::{ChatModel, Deltas};
use playhouse_supervise::{note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

use crate::{
    drain::{Busy, Drain},
    promise::Promise,
};

/// Calls that may wait for one model. Every live task has at most one model call open, so this is as many
/// as the default bound of live tasks, with room for a raised one.
pub(crate) const WAITING_MAX: usize = 16 * 1024;

/// What a planner waits for.
pub(crate) type ReplyPromise = Promise<Result<Reply, ModelError>>;

/// A question on its way to a model.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Who asks. A task has at most one call open.
    pub(crate) task: TaskId,
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
#[derive(Debug)]
pub(crate) enum LlmBackendMsg {
    /// Ask the model.
    Ask(Box<Ask>),
    /// Nobody waits for this task's call any more.
    Abort(TaskId),
    /// Sent by the backend's own jobs.
    Ended(TaskId, u64),
}

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

/// Calls that wait and calls that run.
#[derive(Debug, Default)]
pub(crate) struct LlmBackendState {
    waiting: VecDeque<Box<Ask>>,
    /// With the number of the call: a task that was restarted may ask while its old call is still ending.
    running: HashMap<TaskId, (u64, AbortHandle)>,
    calls: u64,
    jobs: JoinSet<()>,
}

impl Actor for LlmBackend {
    type Msg = LlmBackendMsg;
    type State = LlmBackendState;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<LlmBackendMsg>,
        (): (),
    ) -> Result<LlmBackendState, ActorProcessingErr> {
        Ok(LlmBackendState::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<LlmBackendMsg>,
        message: LlmBackendMsg,
        state: &mut LlmBackendState,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message {
            LlmBackendMsg::Ask(ask) if state.waiting.len() >= WAITING_MAX => {
                let message = format!("{WAITING_MAX} calls already wait for this model; try again later");
                ask.answer.keep(Err(ModelError::new(ModelErrorKind::RateLimited, message)));
            }
            LlmBackendMsg::Ask(ask) => state.waiting.push_back(ask),
            LlmBackendMsg::Abort(task) => {
                state.waiting.retain(|ask| ask.task != task);
                if let Some((_, job)) = state.running.remove(&task) {
                    job.abort();
                }
            }
            LlmBackendMsg::Ended(task, call) => {
                if state.running.get(&task).is_some_and(|(running, _)| *running == call) {
                    state.running.remove(&task);
                }
            }
        }
        while state.running.len() < self.permits {
            let Some(ask) = state.waiting.pop_front() else { break };
            let Some(busy) = self.drain.work() else {
                state.waiting.push_front(ask); // It is asked again after the next start.
                break;
            };
            self.start(&myself, state, *ask, busy);
        }
        note(&myself, &[("running", state.running.len()), ("waiting", state.waiting.len())]);
        Ok(())
    }
}

impl LlmBackend {
    fn start(&self, myself: &ActorRef<LlmBackendMsg>, state: &mut LlmBackendState, ask: Ask, busy: Busy) {
        let (model, myself) = (self.model.clone(), myself.clone());
        let Ask { task, request, deltas, timeout, answer, span } = ask;
        let span = chat_span(&span, &*self.model, &request);
        state.calls += 1;
        let call = state.calls;
        let ended = Ended(myself, task.clone(), call);
        let job = async move {
            let reply = tokio::time::timeout(timeout, model.chat(request, deltas.0)).await;
            let reply = reply.unwrap_or_else(|_| Err(too_slow(timeout)));
            note_reply(&reply);
            // The permit first, so that whoever acts on the answer finds it free.
            drop(ended);
            answer.keep(reply);
            // Last, so that the planner counts as busy with the answer before the call no longer counts.
            drop(busy);
        };
        let handle = state.jobs.spawn(job.instrument(span));
        if let Some((_, old)) = state.running.insert(task, (call, handle)) {
            old.abort();
        }
    }
}

/// Frees the permit however the job ends.
struct Ended(ActorRef<LlmBackendMsg>, TaskId, u64);

impl Drop for Ended {
    fn drop(&mut self) {
        // Fails only when the backend has stopped, and then there are no permits to free.
        let _ = tell(&self.0, LlmBackendMsg::Ended(self.1.clone(), self.2));
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
