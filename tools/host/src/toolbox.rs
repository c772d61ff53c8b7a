//! The port: `ToolBox`, over components.
//!
//! A call is admitted here (known tool, grant, schema, a free slot), runs in the [executor](crate::executor), and its
//! output is checked here again. A semaphore bounds how many run at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use playhouse_core::digest;
use playhouse_core::tool::{Called, Grant, Receipt, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use playhouse_ports::ToolBox;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::cache::Cache;
use crate::call_log::CallLog;
use crate::component::{Loader, Tool};
use crate::config::{Config, Limits};
use crate::engine::{self, Ticker};
use crate::error::LoadError;
use crate::executor::Executor;
use crate::grants;
use crate::lock::Lock;
use crate::sandbox::{Ran, Terms};

/// Tools as components, ready to be called.
pub struct WasmToolBox {
    tools: BTreeMap<String, Arc<Tool>>,
    /// In the order of the configuration.
    specs: Vec<Arc<ToolSpec>>,
    limits: Limits,
    call_log: Option<Arc<CallLog>>,
    /// Calls that run or wait; one more is turned away.
    admitted: Arc<Semaphore>,
    /// Calls that run.
    running: Arc<Semaphore>,
    executor: Executor,
    /// Makes guests look at their deadline. Held by each running call too, so that none outlives it.
    ticker: Arc<Ticker>,
}

impl WasmToolBox {
    /// Loads every tool of `config`. Compiles what is not in the cache, which takes some tenths of a second per tool:
    /// call it where blocking is fine.
    ///
    /// # Errors
    /// [`LoadError`] for the first tool that is refused. There is no half-loaded tool box.
    pub fn load(config: Config) -> Result<Self, LoadError> {
        let engine =
            engine::build(&config.limits).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
        let lock = config.lock.as_deref().map(Lock::read).transpose()?;
        let cache = config.cache.as_deref().map(Cache::open).transpose()?;
        let call_log = config.call_log.map(|path| {
            CallLog::open(&path).map(Arc::new).map_err(|source| LoadError::File { path, source })
        });
        let loader = Loader {
            engine: &engine,
            ticker: &ticker,
            limits: config.limits,
            lock: lock.as_ref(),
            cache: cache.as_ref(),
        };
        let (mut tools, mut specs) = (BTreeMap::new(), Vec::new());
        for tool in config.tools {
            let tool = loader.load(tool)?;
            specs.push(Arc::clone(&tool.spec));
            let name = tool.spec.name.clone();
            if tools.insert(name.clone(), Arc::new(tool)).is_some() {
                return Err(LoadError::Duplicate(name));
            }
        }
        let (running, waiting) = (config.limits.running.max(1), config.limits.waiting);
        Ok(Self {
            tools,
            specs,
            limits: config.limits,
            call_log: call_log.transpose()?,
            admitted: Arc::new(Semaphore::new(running as usize + waiting as usize)),
            running: Arc::new(Semaphore::new(running as usize)),
            executor: Executor::start().map_err(|error| LoadError::Engine(error.to_string()))?,
            ticker: Arc::new(ticker),
        })
    }

    fn tool(&self, name: &str) -> Result<&Arc<Tool>, ToolError> {
        self.tools.get(name).ok_or_else(|| {
            let known = self.tools.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            ToolError::new(
                ToolErrorKind::UnknownTool,
                format!("there is no tool `{name}`; there are {known}"),
            )
        })
    }

    /// The arguments as text, if they fit the schema and the limits.
    fn arguments(&self, tool: &Tool, arguments: &Value) -> Result<String, ToolError> {
        let name = &tool.spec.name;
        let invalid = |message| ToolError::new(ToolErrorKind::InvalidInput, message);
        tool.input.check(arguments).map_err(|complaint| {
            let (shape, example) = (tool.input.shape(), tool.input.example());
            invalid(format!(
                "the arguments of `{name}` are not right: {complaint}. It takes: {shape}; for example {example}"
            ))
        })?;
        let text = arguments.to_string();
        let (bytes, limit) = (text.len(), self.limits.input_bytes);
        if bytes > limit {
            return Err(invalid(format!("the arguments of `{name}` have {bytes} bytes, more than {limit}")));
        }
        Ok(text)
    }

    /// The output as JSON, if it is JSON, fits the limits, and fits the tool's own schema.
    fn output(&self, tool: &Tool, text: &str) -> Result<Value, ToolError> {
        let name = &tool.spec.name;
        let bad = |message| ToolError::new(ToolErrorKind::BadOutput, message);
        let (bytes, limit) = (text.len(), self.limits.output_bytes);
        if bytes > limit {
            return Err(bad(format!(
                "the output of `{name}` has {bytes} bytes, more than {limit}: ask for less"
            )));
        }
        let value = serde_json::from_str(text)
            .map_err(|error| bad(format!("the output of `{name}` is not JSON: {error}")))?;
        tool.output.check(&value).map_err(|complaint| {
            bad(format!("the output of `{name}` does not fit its own schema: {complaint}"))
        })?;
        Ok(value)
    }

    /// A slot to run in, before `until`.
    async fn slot(&self, until: Instant) -> Result<[OwnedSemaphorePermit; 2], ToolError> {
        let full = |_| {
            ToolError::new(ToolErrorKind::RateLimited, "too many tool calls are waiting: try again later")
        };
        let late = |_| {
            ToolError::new(ToolErrorKind::Timeout, "no tool slot was free in time; the tool was not started")
        };
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(full)?;
        let running = Arc::clone(&self.running).acquire_owned();
        let running = tokio::time::timeout_at(until.into(), running).await.map_err(late)?;
        Ok([admitted, running.expect("the semaphore is never closed")])
    }
}

#[async_trait]
impl ToolBox for WasmToolBox {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.specs.clone()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        let tool = self.tool(tool)?;
        grants::table(&tool.spec.name, &tool.imports, &tool.tables, grant).map(|_| ())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.metered(request).await.result
    }

    async fn metered(&self, request: ToolRequest) -> Called {
        let mut receipt = None;
        let result = self.run(request, &mut receipt).await;
        Called { result, receipt }
    }
}

impl WasmToolBox {
    /// Admits, runs and checks a call. There is a receipt as soon as a guest was started.
    async fn run(&self, request: ToolRequest, receipt: &mut Option<Receipt>) -> Result<Value, ToolError> {
        let until = Instant::now() + Duration::from_millis(request.timeout_ms).min(self.limits.wall);
        let tool = Arc::clone(self.tool(&request.tool)?);
        let table = grants::table(&tool.spec.name, &tool.imports, &tool.tables, &request.grant)?;
        let arguments = self.arguments(&tool, &request.arguments)?;
        let slot = self.slot(until).await?;

        let given_up = GivenUp(Arc::new(AtomicBool::new(false)));
        let fuel = request.fuel.map_or(self.limits.fuel, |left| left.min(self.limits.fuel));
        let terms = Terms { until, given_up: Arc::clone(&given_up.0), table, fuel };
        let output_bytes = self.limits.output_bytes;
        let (guest, log, ticker) = (Arc::clone(&tool), self.call_log.clone(), Arc::clone(&self.ticker));
        let call = async move {
            let _held = (slot, ticker.begin(), &ticker);
            let starting = || log.map_or(Ok(()), |log| log.started(&request)).map_err(unlogged);
            let Ran { result, fuel } = guest.sandbox.call(terms, &arguments, starting).await;
            // Here and not where the caller is: hashing takes time, too.
            let receipt = (fuel > 0).then(|| Receipt {
                component: guest.component.clone(),
                input: digest::of_bytes(arguments.as_bytes()),
                output: result
                    .as_ref()
                    .ok()
                    .filter(|text| text.len() <= output_bytes)
                    .map(|text| digest::of_bytes(text.as_bytes())),
                fuel,
            });
            (result, receipt)
        };
        let (result, taken) = self.executor.run(call).await.map_err(|error| host_bug(&error))?;
        drop(given_up);
        *receipt = taken;
        self.output(&tool, &result?)
    }
}

/// Tells the guest, when the caller's future is dropped, that nobody waits any more.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A call that cannot be logged is not started: the log is believed to be complete.
fn unlogged(error: std::io::Error) -> ToolError {
    ToolError::new(
        ToolErrorKind::Upstream,
        format!("the call log cannot be written ({error}); the tool was not started"),
    )
}

fn host_bug(error: &str) -> ToolError {
    tracing::error!(%error, "a tool call panicked in the host");
    ToolError::new(ToolErrorKind::Crashed, "the tool host failed; this is a bug in the runtime")
}

impl fmt::Debug for WasmToolBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmToolBox")
            .field("tools", &self.tools.keys())
            .field("limits", &self.limits)
            .finish()
    }
}
