//! One call of a tool, and every other question to a server: when it may be asked, and what its failure is called.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::EffectId,
    tool::{ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::ToolCaller;
use rmcp::{
    ServiceError,
    model::{CallToolRequestParams, ErrorCode, RequestMetaObject},
};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    McpServer,
    bounds::{ARGUMENTS_BYTES_MAX, INPUT_ROUNDS_MAX, START_PATIENCE, WAITING_MAX, WORDS_CHARS_MAX, clipped},
    definition::Tool,
    http,
    link::Link,
    result,
    schema::json_bytes,
    server::State,
};

/// Under this name in `_meta` a server finds the effect id: a call that is repeated has the same one.
pub const EFFECT_ID_META: &str = "playhouse/effect-id";

/// On whose behalf a server is asked.
#[derive(Default)]
pub(crate) struct Errand {
    /// The effect it performs.
    pub(crate) effect: Option<EffectId>,
    /// Who is told and asked meanwhile.
    pub(crate) caller: Option<Arc<dyn ToolCaller>>,
}

impl Errand {
    /// What the server finds in `_meta`.
    fn meta(&self) -> RequestMetaObject {
        let mut meta = RequestMetaObject::new();
        meta.0.0.extend(self.effect.as_ref().map(|effect| (EFFECT_ID_META.to_owned(), json!(effect))));
        meta
    }
}

impl McpServer {
    /// Calls a tool by the name that models use. `caller` is told how far it is, and asked what the server asks.
    pub(crate) async fn call(
        &self,
        request: ToolRequest,
        caller: Option<Arc<dyn ToolCaller>>,
    ) -> Result<Value, ToolError> {
        let tool = self.open(&request.tool)?;
        let name = &request.tool;
        let invalid = |why: String| ToolError::new(ToolErrorKind::InvalidInput, format!("`{name}`: {why}"));
        let unfit = |why| ToolError::new(ToolErrorKind::InvalidInput, why);
        tool.input.arguments(name, &request.arguments).map_err(unfit)?;
        let bytes = json_bytes(&request.arguments);
        if bytes > ARGUMENTS_BYTES_MAX {
            return Err(invalid(format!(
                "the arguments have {bytes} bytes, and {ARGUMENTS_BYTES_MAX} are allowed"
            )));
        }
        let Value::Object(arguments) = request.arguments else {
            return Err(invalid("the arguments are not an object".into()));
        };
        let allowed = Duration::from_millis(request.timeout_ms.min(self.config.timeout_ms));
        let errand = Errand { effect: Some(request.effect_id), caller };
        let result = match self.reads.get(name) {
            Some((read, _)) => self.read(*read, arguments, allowed, errand).await,
            None => self.call_tool(&tool, arguments, allowed, errand).await,
        };
        match result {
            Ok(value) => self.policy.without_secrets(value),
            Err(error) => Err(self.policy.told(error)),
        }
    }

    async fn call_tool(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        allowed: Duration,
        errand: Errand,
    ) -> Result<Value, ToolError> {
        let mut params = CallToolRequestParams::new(tool.name.clone()).with_arguments(arguments);
        let asked = self.ask(allowed, &tool.spec.name, errand, |link, meta| async move {
            params.meta = Some(meta);
            link.service.call_tool_with_mrtr_max_rounds(params, INPUT_ROUNDS_MAX).await
        });
        result::output(tool, asked.await?)
    }

    /// Asks the server `question` within `allowed`; `what` names it in errors. The question carries the `_meta` it is
    /// given.
    ///
    /// Dropping the future, or the end of its time, tells the server that the question is cancelled.
    pub(crate) async fn ask<T, F, Fut>(
        &self,
        allowed: Duration,
        what: &str,
        errand: Errand,
        question: F,
    ) -> Result<T, ToolError>
    where
        F: FnOnce(Arc<Link>, RequestMetaObject) -> Fut,
        Fut: Future<Output = Result<T, ServiceError>>,
    {
        let deadline = Instant::now() + allowed;
        let busy = |told: String| Err(ToolError::new(ToolErrorKind::RateLimited, told));
        let Ok(_place) = self.places.try_acquire() else {
            return busy(format!("{WAITING_MAX} calls wait for MCP server `{}` already", self.name));
        };
        let Ok(Ok(_permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            let most = self.config.at_once();
            return busy(format!("MCP server `{}` was busy with {most} other calls all the time", self.name));
        };
        let link = self.link(deadline).await?;
        // Looked at again: the tool may have changed while a place was waited for, or been listed only now.
        if self.shelf().has(what) {
            self.shelf().offered(&self.name, what)?;
        }
        let broken = link.fault.clone();
        let meta = errand.meta();
        let case = link.desk().open(errand.caller, deadline);
        let asked = case.wait(question(link.clone(), case.marked(meta)));
        let answer = tokio::select! {
            biased;
            answer = timeout_at(deadline, asked) => answer,
            why = broken.raised() => return Err(self.lost(what, &why)),
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failure(what, &link, error)),
            Err(_) => {
                // It may be slow, or deaf. Listing its tools shows which.
                link.look.notify_one();
                let (name, allowed) = (&self.name, allowed.as_millis());
                let told = format!("MCP server `{name}` did not answer `{what}` within {allowed} ms");
                Err(ToolError::new(ToolErrorKind::Timeout, told))
            }
        }
    }

    /// The connection, which a server that is being started for the first time is waited for a while.
    async fn link(&self, deadline: Instant) -> Result<Arc<Link>, ToolError> {
        let patience = deadline.min(Instant::now() + START_PATIENCE);
        let mut state = self.state.subscribe();
        let started = timeout_at(patience, state.wait_for(|state| !matches!(state, State::New))).await;
        let problem = match started.ok().and_then(Result::ok).as_deref() {
            Some(State::Up(link)) => return Ok(link.clone()),
            Some(State::Away { since, why }) => {
                format!("has been away for {} s and is being started again: {why}", since.elapsed().as_secs())
            }
            Some(State::New) | None => "is not there yet".to_owned(),
        };
        let told = format!("MCP server `{}` {}", self.name, clipped(&problem, WORDS_CHARS_MAX));
        Err(ToolError::new(ToolErrorKind::Upstream, told))
    }

    /// The connection ended in the middle: whether the server did it is unknown.
    fn lost(&self, what: &str, why: &str) -> ToolError {
        let told = format!("MCP server `{}` went in the middle of `{what}`: {why}", self.name);
        ToolError::new(ToolErrorKind::Crashed, clipped(&told, WORDS_CHARS_MAX))
    }

    fn failure(&self, what: &str, link: &Link, error: ServiceError) -> ToolError {
        let (kind, told) = match error {
            ServiceError::McpError(error) => {
                let kind = match error.code {
                    ErrorCode::INVALID_PARAMS => ToolErrorKind::InvalidInput,
                    ErrorCode::METHOD_NOT_FOUND | ErrorCode::RESOURCE_NOT_FOUND => ToolErrorKind::NotFound,
                    _ => ToolErrorKind::Upstream,
                };
                (kind, format!("MCP server `{}` refused `{what}`: {}", self.name, error.message))
            }
            ServiceError::TransportSend(error) => {
                link.look.notify_one();
                let kind = if http::never_left(&*error.error) {
                    ToolErrorKind::Upstream
                } else {
                    ToolErrorKind::Crashed
                };
                (kind, format!("MCP server `{}` could not be asked `{what}`: {}", self.name, error.error))
            }
            ServiceError::UnexpectedResponse => {
                let told =
                    format!("MCP server `{}` answered `{what}` with something that is no answer", self.name);
                (ToolErrorKind::BadOutput, told)
            }
            ServiceError::InputRequiredRoundsExceeded { max_rounds } => {
                let told = format!(
                    "MCP server `{}` asked back more than {max_rounds} times for `{what}`",
                    self.name
                );
                (ToolErrorKind::Upstream, told)
            }
            error => {
                let why = link.fault.why().unwrap_or_else(|| crate::words::problem(&error));
                return self.lost(what, &why);
            }
        };
        ToolError::new(kind, clipped(&told, WORDS_CHARS_MAX))
    }
}
