//! Calls of tools: at most so many at once, and the rest wait in order, as [`Pool`](crate::pool::Pool) has it.
//!
//! A tool box checks, sandboxes and bounds each call; the pool bounds how many run at once and makes sure that
//! each answers exactly once, also when the tool box panics.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::EffectId,
    tool::{Called, ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::{ToolBox, ToolCaller};
use serde_json::Value;

use crate::{
    pool::{Answer, Calls, MsgOf},
    promise::Promise,
};

/// Calls that run at once. The sandbox has its own, smaller pool of instances; this bounds what waits there.
pub(crate) const RUNNING_MAX: usize = 256;
/// A tool box ends a call by itself at its deadline; the executor steps in this much later.
const GRACE: Duration = Duration::from_secs(1);

/// What may arrive in the executor's mailbox.
pub(crate) type ToolExecutorMsg = MsgOf<ToolExecutor>;

/// One call on its way to a tool.
pub(crate) struct Job<T> {
    /// The call.
    pub(crate) request: ToolRequest,
    /// Whom the tool may tell and ask.
    pub(crate) caller: Arc<dyn ToolCaller>,
    /// Who gets the answer.
    pub(crate) answer: Promise<T>,
    /// The step's span.
    pub(crate) span: tracing::Span,
}

impl<T> std::fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("request", &self.request).finish_non_exhaustive()
    }
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

/// What a tool is asked for.
#[derive(Debug)]
pub(crate) enum Work {
    /// Run it.
    Call(Box<Job<Called>>),
    /// Say whether an effect happened.
    Check(Box<Job<Result<Option<Value>, ToolError>>>),
}

impl Work {
    /// The call, and the step's span.
    fn asked(&self) -> (&ToolRequest, &tracing::Span) {
        match self {
            Self::Call(job) => (&job.request, &job.span),
            Self::Check(job) => (&job.request, &job.span),
        }
    }
}

impl Calls for ToolExecutor {
    /// An effect may be asked about while its old call is still ending.
    type Id = EffectId;
    type Call = Work;
    /// Nothing: whoever decided on a call counts as busy with it until it has the answer.
    type Hold = ();
    /// The default bounds of live tasks and of parallel calls, multiplied, twice over.
    const WAITING_MAX: usize = 16 * 1024;

    fn permits(&self) -> usize {
        RUNNING_MAX
    }

    fn id(work: &Work) -> EffectId {
        work.asked().0.effect_id.clone()
    }

    fn span(&self, work: &Work) -> tracing::Span {
        let (request, parent) = work.asked();
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

    fn refuse(work: Work) {
        let message = format!("{} tool calls already wait; try again later", Self::WAITING_MAX);
        let error = ToolError::new(ToolErrorKind::RateLimited, message);
        match work {
            Work::Call(job) => job.answer.keep(Err(error).into()),
            Work::Check(job) => job.answer.keep(Err(error)),
        }
    }

    /// It was decided, so it is made, also while the runtime comes to rest.
    fn begin(&self, _: &Work) -> Option<()> {
        Some(())
    }

    async fn run(self, work: Work) -> Answer {
        match work {
            Work::Call(job) => {
                let Job { request, caller, answer, .. } = *job;
                let called = in_time(request.timeout_ms, self.tools.metered(request, caller)).await;
                let called = called.unwrap_or_else(|error| Err(error).into());
                if let Err(error) = &called.result {
                    tracing::Span::current().record("error.type", tracing::field::debug(error.kind));
                }
                Box::new(move || answer.keep(called))
            }
            Work::Check(job) => {
                let Job { request, answer, .. } = *job;
                let result = in_time(request.timeout_ms, self.tools.check(request)).await;
                Box::new(move || answer.keep(result.flatten()))
            }
        }
    }
}

/// What the tool box answers, or that it was given up.
async fn in_time<T>(timeout_ms: u64, answer: impl Future<Output = T>) -> Result<T, ToolError> {
    let limit = Duration::from_millis(timeout_ms) + GRACE;
    tokio::time::timeout(limit, answer).await.map_err(|_| stuck(limit))
}

fn stuck(limit: Duration) -> ToolError {
    let message = format!("the tool did not answer within {} ms and was given up", limit.as_millis());
    ToolError::new(ToolErrorKind::Timeout, message)
}
