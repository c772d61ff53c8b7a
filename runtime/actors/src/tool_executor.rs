//! The actor that runs tools: it owns the permits and can stop a call.
//!
//! A tool box checks, sandboxes and bounds each call; the executor bounds how many run at once and makes
//! sure that each answers exactly once, also when the tool box panics.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use playhouse_core::{
    id::EffectId,
    tool::{ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::ToolBox;
use playhouse_supervise::{note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

use crate::promise::Promise;

/// Calls that run at once. The sandbox has its own, smaller pool of instances; this bounds what waits there.
pub(crate) const RUNNING_MAX: usize = 256;
/// Calls that may wait: the default bounds of live tasks and of parallel calls, multiplied, twice over.
pub(crate) const WAITING_MAX: usize = 16 * 1024;
/// A tool box ends a call by itself at its deadline; the executor steps in this much later.
const GRACE: Duration = Duration::from_secs(1);

/// What may arrive in the executor's mailbox.
#[derive(Debug)]
pub(crate) enum ToolExecutorMsg {
    /// Run a tool.
    Call(Box<Job<Value>>),
    /// Ask a tool whether an effect happened.
    Check(Box<Job<Option<Value>>>),
    /// Nobody waits for this call any more.
    Abort(EffectId),
    /// Sent by the executor's own jobs.
    Ended(EffectId, u64),
}

/// One call on its way to a tool.
#[derive(Debug)]
pub(crate) struct Job<T> {
    /// The call.
    pub(crate) request: ToolRequest,
    /// Who gets the answer.
    pub(crate) answer: Promise<Result<T, ToolError>>,
    /// The step's span.
    pub(crate) span: tracing::Span,
}

/// Runs tools.
#[derive(Clone)]
pub(crate) struct ToolExecutor {
    /// The tools.
    pub(crate) tools: Arc<dyn ToolBox>,
}

impl std::fmt::Debug for ToolExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToolExecutor")
    }
}

/// Calls that wait and calls that run.
#[derive(Debug, Default)]
pub(crate) struct ToolExecutorState {
    waiting: VecDeque<Work>,
    /// With the number of the call: an effect may be asked about while its old call is still ending.
    running: HashMap<EffectId, (u64, AbortHandle)>,
    calls: u64,
    jobs: JoinSet<()>,
}

#[derive(Debug)]
enum Work {
    Call(Box<Job<Value>>),
    Check(Box<Job<Option<Value>>>),
}

impl Work {
    fn effect_id(&self) -> &EffectId {
        match self {
            Self::Call(job) => &job.request.effect_id,
            Self::Check(job) => &job.request.effect_id,
        }
    }

    fn refuse(self, error: ToolError) {
        match self {
            Self::Call(job) => job.answer.keep(Err(error)),
            Self::Check(job) => job.answer.keep(Err(error)),
        }
    }

    async fn run(self, tools: Arc<dyn ToolBox>) {
        match self {
            Self::Call(job) => {
                let limit = Duration::from_millis(job.request.timeout_ms) + GRACE;
                let result = tokio::time::timeout(limit, tools.call(job.request)).await;
                let result = result.unwrap_or_else(|_| Err(stuck(limit)));
                if let Err(error) = &result {
                    tracing::Span::current().record("error.type", tracing::field::debug(error.kind));
                }
                job.answer.keep(result);
            }
            Self::Check(job) => {
                let limit = Duration::from_millis(job.request.timeout_ms) + GRACE;
                let result = tokio::time::timeout(limit, tools.check(job.request)).await;
                job.answer.keep(result.unwrap_or_else(|_| Err(stuck(limit))));
            }
        }
    }

    fn span(&self) -> tracing::Span {
        let (request, parent) = match self {
            Self::Call(job) => (&job.request, &job.span),
            Self::Check(job) => (&job.request, &job.span),
        };
        tracing::info_span!(
            parent: parent,
            "execute_tool",
            otel.name = %format!("execute_tool {}", request.tool),
            gen_ai.operation.name = "execute_tool",
            gen_ai.tool.name = %request.tool,
            gen_ai.tool.call.id = %request.effect_id,
            gen_ai.tool.r#type = "function",
            error.r#type = tracing::field::Empty,
        )
    }
}

impl Actor for ToolExecutor {
    type Msg = ToolExecutorMsg;
    type State = ToolExecutorState;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<ToolExecutorMsg>,
        (): (),
    ) -> Result<ToolExecutorState, ActorProcessingErr> {
        Ok(ToolExecutorState::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<ToolExecutorMsg>,
        message: ToolExecutorMsg,
        state: &mut ToolExecutorState,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message {
            ToolExecutorMsg::Call(job) => state.admit(Work::Call(job)),
            ToolExecutorMsg::Check(job) => state.admit(Work::Check(job)),
            ToolExecutorMsg::Abort(effect_id) => {
                state.waiting.retain(|work| *work.effect_id() != effect_id);
                if let Some((_, job)) = state.running.remove(&effect_id) {
                    job.abort();
                }
            }
            ToolExecutorMsg::Ended(effect_id, call) => {
                if state.running.get(&effect_id).is_some_and(|(running, _)| *running == call) {
                    state.running.remove(&effect_id);
                }
            }
        }
        while state.running.len() < RUNNING_MAX {
            let Some(work) = state.waiting.pop_front() else { break };
            let (id, span) = (work.effect_id().clone(), work.span());
            state.calls += 1;
            let call = state.calls;
            let (tools, ended) = (self.tools.clone(), Ended(myself.clone(), id.clone(), call));
            let job = async move {
                let _ended = ended;
                work.run(tools).await;
            };
            let handle = state.jobs.spawn(job.instrument(span));
            if let Some((_, old)) = state.running.insert(id, (call, handle)) {
                old.abort();
            }
        }
        note(&myself, &[("running", state.running.len()), ("waiting", state.waiting.len())]);
        Ok(())
    }
}

impl ToolExecutorState {
    fn admit(&mut self, work: Work) {
        if self.waiting.len() < WAITING_MAX {
            return self.waiting.push_back(work);
        }
        let message = format!("{WAITING_MAX} tool calls already wait; try again later");
        work.refuse(ToolError::new(ToolErrorKind::RateLimited, message));
    }
}

/// Frees the permit however the job ends.
struct Ended(ActorRef<ToolExecutorMsg>, EffectId, u64);

impl Drop for Ended {
    fn drop(&mut self) {
        // Fails only when the executor has stopped, and then there are no permits to free.
        let _ = tell(&self.0, ToolExecutorMsg::Ended(self.1.clone(), self.2));
    }
}

fn stuck(limit: Duration) -> ToolError {
    let message = format!("the tool did not answer within {} ms and was given up", limit.as_millis());
    ToolError::new(ToolErrorKind::Timeout, message)
}
