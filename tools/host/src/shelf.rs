//! The loaded tools, and one call of one of them: admitted, run, checked.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_core::digest;
use playhouse_core::tool::{Receipt, ToolError, ToolErrorKind, ToolRequest};
use playhouse_ports::egress::Egress;
use playhouse_ports::{Clock, ToolCaller};
use playhouse_tools_policy::Leaks;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::call_log::CallLog;
use crate::component::Tool;
use crate::engine::Ticker;
use crate::guest::{Terms, Used};
use crate::limits::Limits;
use crate::powers::listed;
use crate::sandbox::Ran;
use crate::tally::Tallies;

/// Everything that a call needs besides what it asks for.
pub(crate) struct Shelf {
    pub(crate) tools: BTreeMap<String, Arc<Tool>>,
    pub(crate) limits: Limits,
    pub(crate) call_log: Option<CallLog>,
    pub(crate) egress: Option<Arc<dyn Egress>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Every secret of every tool.
    pub(crate) leaks: Arc<Leaks>,
    /// Calls that run or wait; one more is turned away.
    pub(crate) admitted: Semaphore,
    /// Calls that run.
    pub(crate) running: Semaphore,
    /// What calls reach that run at the same time.
    pub(crate) tallies: Tallies,
    /// Makes guests look at their deadline. Here, so that no running call outlives it.
    pub(crate) ticker: Ticker,
}

/// A slot that a call runs in, and all that it needs there, in one piece: what callers on several threads share costs each
/// of them whenever one counts up or down.
pub(crate) struct Slot(Arc<Shelf>);

impl Deref for Slot {
    type Target = Shelf;

    fn deref(&self) -> &Shelf {
        &self.0
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.running.add_permits(1);
        self.admitted.add_permits(1);
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A call that may begin.
pub(crate) struct Admitted {
    pub(crate) tool: Arc<Tool>,
    pub(crate) request: ToolRequest,
    /// As the component reads them.
    arguments: String,
    terms: Terms,
}

impl Shelf {
    pub(crate) fn tool(&self, name: &str) -> Result<&Arc<Tool>, ToolError> {
        self.tools.get(name).ok_or_else(|| {
            let known = listed(self.tools.keys());
            ToolError::new(
                ToolErrorKind::UnknownTool,
                format!("there is no tool `{name}`; there are {known}"),
            )
        })
    }

    /// Whether a call that somebody asks for may begin: known, granted, and fit for the schema.
    pub(crate) fn admit(
        self: &Arc<Self>,
        request: ToolRequest,
        caller: &Arc<dyn ToolCaller>,
        given_up: CancellationToken,
        depth: u32,
    ) -> Result<Admitted, ToolError> {
        let until = Instant::now() + Duration::from_millis(request.timeout_ms).min(self.limits.wall);
        let tool = Arc::clone(self.tool(&request.tool)?);
        let given = tool.powers.given(&tool.imports, &request, caller, self, depth)?;
        let arguments = self.arguments(&tool, &request.arguments)?;
        let fuel = request.fuel.map_or(self.limits.fuel, |left| left.min(self.limits.fuel));
        Ok(Admitted {
            tool,
            request,
            arguments,
            terms: Terms { until, given_up, given, fuel, used: Used::default() },
        })
    }

    /// A slot to run in, before the call is over.
    pub(crate) async fn slot(self: &Arc<Self>, call: &Admitted) -> Result<Slot, ToolError> {
        let late = |_| {
            ToolError::new(ToolErrorKind::Timeout, "no tool slot was free in time; the tool was not started")
        };
        let admitted = self.admitted.try_acquire().map_err(full)?;
        // Nobody waits: no timer is set, and the caller's turn with its scheduler is not used up.
        let running = match self.running.try_acquire() {
            Ok(running) => running,
            Err(_) => {
                let running = tokio::time::timeout_at(call.terms.until.into(), self.running.acquire());
                running.await.map_err(late)?.expect("the semaphore is never closed")
            }
        };
        admitted.forget();
        running.forget();
        Ok(Slot(Arc::clone(self)))
    }

    /// Runs a call that has a slot. There is a receipt as soon as a guest was started.
    pub(crate) async fn run(&self, call: &Admitted) -> (Result<String, ToolError>, Option<Receipt>) {
        let (result, receipt, _) = self.run_counted(call).await;
        (result, receipt)
    }

    /// The same, and what it used.
    async fn run_counted(&self, call: &Admitted) -> (Result<String, ToolError>, Option<Receipt>, Used) {
        let Admitted { tool, request, arguments, terms } = call;
        let starting = || self.call_log.as_ref().map_or(Ok(()), |log| log.started(request)).map_err(unlogged);
        let Ran { result, fuel, heard, used, trace } =
            tool.sandbox.call(terms.clone(), arguments, starting).await;
        if let (Err(error), Some(trace)) = (&result, trace) {
            let error = self.error(error.clone());
            let ToolRequest { tool, effect_id, tenant, .. } = request;
            tracing::error!(target: "tool", tool, effect = %effect_id, %tenant, trace, "{error}");
        }
        let receipt = (fuel > 0).then(|| Receipt {
            component: tool.component.clone(),
            input: digest::of_bytes(arguments.as_bytes()),
            output: result
                .as_ref()
                .ok()
                .filter(|text| text.len() <= self.limits.output_bytes)
                .map(|text| digest::of_bytes(text.as_bytes())),
            fuel,
            heard,
            reached: used.reached,
        });
        (result, receipt, used)
    }

    /// A call that another one makes, within `outer`; its output, the fuel it took, and what both have used.
    ///
    /// A future of a named type: calls within calls would have one that contains itself.
    pub(crate) fn nested<'a>(
        self: Arc<Self>,
        request: ToolRequest,
        caller: &'a Arc<dyn ToolCaller>,
        outer: Terms,
        depth: u32,
    ) -> Boxed<'a, (Result<Value, ToolError>, u64, Used)> {
        Box::pin(self.run_nested(request, caller, outer, depth))
    }

    async fn run_nested(
        self: Arc<Self>,
        request: ToolRequest,
        caller: &Arc<dyn ToolCaller>,
        outer: Terms,
        depth: u32,
    ) -> (Result<Value, ToolError>, u64, Used) {
        let used = outer.used;
        let mut call = match self.admit(request, caller, outer.given_up, depth) {
            Ok(call) => call,
            Err(error) => return (Err(self.error(error)), 0, used),
        };
        // To the moment: when one of the two is late, both are.
        call.terms.until = outer.until;
        call.terms.used = used.within();
        let Ok(_slot) = self.running.try_acquire() else {
            let message = "no tool slot is free for a tool that another one calls: try again later";
            return (Err(ToolError::new(ToolErrorKind::RateLimited, message)), 0, used);
        };
        let (result, receipt, inner) = self.run_counted(&call).await;
        let output = result.and_then(|text| self.output(&call.tool, &text));
        // The one that called is a guest, too, and sees no secret either.
        let output = output.map_err(|error| self.error(error));
        (output, receipt.map_or(0, |receipt| receipt.fuel), used.after(inner))
    }

    /// Asks a tool what became of a call.
    pub(crate) async fn asked(&self, call: &Admitted) -> Result<Option<Value>, ToolError> {
        let answer = call.tool.sandbox.asked(call.terms.clone(), &call.request.effect_id.0).await?;
        answer.map(|text| self.output(&call.tool, &text)).transpose()
    }

    /// The arguments as text, if they fit the schema and the limits.
    fn arguments(&self, tool: &Tool, arguments: &Value) -> Result<String, ToolError> {
        let name = &tool.spec.name;
        let invalid = |message| ToolError::new(ToolErrorKind::InvalidInput, message);
        let text = arguments.to_string();
        let (bytes, limit) = (text.len(), self.limits.input_bytes);
        if bytes > limit {
            return Err(invalid(format!("the arguments of `{name}` have {bytes} bytes, more than {limit}")));
        }
        tool.input.arguments(name, arguments).map_err(invalid)?;
        Ok(text)
    }

    /// The output as JSON, if it is JSON, fits the limits, and fits the tool's own schema.
    pub(crate) fn output(&self, tool: &Tool, text: &str) -> Result<Value, ToolError> {
        let name = &tool.spec.name;
        let bad = |message| ToolError::new(ToolErrorKind::BadOutput, message);
        let (bytes, limit) = (text.len(), self.limits.output_bytes);
        if bytes > limit {
            return Err(bad(format!(
                "the output of `{name}` has {bytes} bytes, more than {limit}: ask for less"
            )));
        }
        // What touches nothing cannot have met a secret.
        if !tool.imports.is_empty()
            && let Some(secret) = self.leaks.find(text.as_bytes())
        {
            return Err(bad(format!("the output of `{name}` holds the secret `{secret}` and is withheld")));
        }
        let value = serde_json::from_str(text)
            .map_err(|error| bad(format!("the output of `{name}` is not JSON: {error}")))?;
        tool.output.check(&value).map_err(|complaint| {
            bad(format!("the output of `{name}` does not fit its own schema: {complaint}"))
        })?;
        Ok(value)
    }

    /// An error as the model may read it.
    pub(crate) fn error(&self, error: ToolError) -> ToolError {
        match self.leaks.hide(&error.message) {
            Some((message, _)) => ToolError { message, ..error },
            None => error,
        }
    }
}

fn full<E>(_: E) -> ToolError {
    ToolError::new(ToolErrorKind::RateLimited, "too many tool calls are waiting: try again later")
}

/// A call that cannot be logged is not started: the log is believed to be complete.
fn unlogged(error: std::io::Error) -> ToolError {
    ToolError::new(
        ToolErrorKind::Upstream,
        format!("the call log cannot be written ({error}); the tool was not started"),
    )
}
