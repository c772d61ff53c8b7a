//! The port: `ToolBox`, over components.
//!
//! A call is admitted here (known tool, grant, schema, a free slot), runs in the [executor](crate::executor), and its
//! output is checked here again. A semaphore bounds how many run at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Called, Grant, Receipt, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use playhouse_ports::{SystemClock, ToolBox, ToolCaller, nobody};
use playhouse_tools_policy::Leaks;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::call_log::CallLog;
use crate::component::{Loader, Tool};
use crate::config::{Config, Isolation};
use crate::engine::{self, Ticker};
use crate::error::LoadError;
use crate::executor::{Executor, Pace};
use crate::explain::{Question, Standing};
use crate::isolate::Pool;
use crate::limits::Limits;
use crate::lock::Lock;
use crate::shelf::Shelf;
use crate::tally::Tallies;

/// Tools as components, ready to be called.
pub struct WasmToolBox {
    shelf: Arc<Shelf>,
    /// In the order of the configuration.
    specs: Vec<Arc<ToolSpec>>,
    executor: Executor,
    /// Whether guests run in other processes.
    is_away: bool,
}

impl WasmToolBox {
    /// Loads every tool of `config`. Compiles what is not in the cache, which takes some tenths of a second per tool:
    /// call it where blocking is fine.
    ///
    /// # Errors
    /// [`LoadError`] for the first tool that is refused. There is no half-loaded tool box.
    pub fn load(config: Config) -> Result<Self, LoadError> {
        config.limits.check().map_err(LoadError::Limits)?;
        let executor = Executor::start().map_err(|error| LoadError::Engine(error.to_string()))?;
        let pool = match config.isolation {
            Isolation::Thread => None,
            Isolation::Process(command) => Some(Pool::start(command, config.limits, executor.handle())?),
        };
        // Where nothing runs, there is nothing to reserve.
        let running = if pool.is_some() { 1 } else { config.limits.running };
        let engine = engine::build(&Limits { running, ..config.limits })
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
        let lock = config.lock.as_deref().map(Lock::read).transpose()?;
        let cache = config.cache.as_deref().map(Cache::open).transpose()?;
        let call_log = config
            .call_log
            .map(|path| CallLog::open(&path).map_err(|source| LoadError::File { path, source }))
            .transpose()?;
        let loader = Loader {
            engine: &engine,
            ticker: &ticker,
            limits: config.limits,
            lock: lock.as_ref(),
            cache: cache.as_ref(),
            has_egress: config.egress.is_some(),
            pool: pool.as_ref(),
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
        let leaks = check_together(&tools)?;
        let (running, waiting) = (config.limits.running.max(1), config.limits.waiting);
        let shelf = Shelf {
            tools,
            limits: config.limits,
            call_log,
            egress: config.egress,
            clock: config.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            leaks: Arc::new(leaks),
            admitted: Semaphore::new(running as usize + waiting as usize),
            running: Semaphore::new(running as usize),
            tallies: Tallies::default(),
            ticker,
        };
        Ok(Self { shelf: Arc::new(shelf), specs, executor, is_away: pool.is_some() })
    }

    /// Why a call of `tool` with this grant of an agent, in a task whose values come from `labels`, may do something or may
    /// not.
    ///
    /// # Errors
    /// If there is no such tool, or the question makes no sense.
    pub fn explain(
        &self,
        tool: &str,
        grant: &Grant,
        labels: &Labels,
        question: &Question,
    ) -> Result<Vec<Standing>, ToolError> {
        let tool = self.shelf.tool(tool)?;
        tool.powers.explain(&tool.imports, grant, labels, question)
    }

    /// Has `work` of a tool done where its calls are.
    async fn work<T: Send + 'static>(
        &self,
        pace: &Arc<Pace>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ToolError> {
        let done = match self.is_away {
            true => self.executor.away(work).await,
            false => self.executor.run(pace, work).await,
        };
        done.map_err(|error| host_bug(&error))
    }

    /// Admits, runs and checks a call. There is a receipt as soon as a guest was started.
    async fn run(
        &self,
        request: ToolRequest,
        caller: &Arc<dyn ToolCaller>,
        receipt: &mut Option<Receipt>,
    ) -> Result<Value, ToolError> {
        let given_up = CancellationToken::new();
        let call = self.shelf.admit(request, caller, given_up.clone(), 0)?;
        let slot = self.shelf.slot(&call).await?;
        // Tells the guest, when this future is dropped, that nobody waits any more.
        let waiting = given_up.drop_guard();
        let pace = &self.shelf.tool(&call.request.tool)?.pace;
        let work = async move {
            let _ticking = slot.ticker.begin();
            let ran = slot.run(&call).await;
            (call, ran)
        };
        let (call, (result, taken)) = self.work(pace, work).await?;
        drop(waiting);
        *receipt = taken;
        self.shelf.output(&call.tool, &result?)
    }
}

/// What only all tools together show: that those which are called are there, and the secrets to look for.
fn check_together(tools: &BTreeMap<String, Arc<Tool>>) -> Result<Leaks, LoadError> {
    for (name, tool) in tools {
        if let Some(missing) = tool.powers.tools().find(|callee| !tools.contains_key(*callee)) {
            let reason = format!("it may call `{missing}`, and there is no such tool");
            return Err(LoadError::BadGrant { tool: name.clone(), reason });
        }
    }
    let secrets = tools.values().flat_map(|tool| tool.powers.secrets());
    Leaks::of(secrets).map_err(|error| {
        let tool = tools.iter().find(|(_, tool)| tool.powers.secrets().any(|(name, _)| name == error.name));
        let tool = tool.map_or_else(String::new, |(name, _)| name.clone());
        LoadError::BadGrant { tool, reason: error.to_string() }
    })
}

#[async_trait]
impl ToolBox for WasmToolBox {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.specs.clone()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        let tool = self.shelf.tool(tool)?;
        tool.powers.permits(&tool.imports, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.metered(request, nobody()).await.result
    }

    async fn metered(&self, request: ToolRequest, caller: Arc<dyn ToolCaller>) -> Called {
        let mut receipt = None;
        let result = self.run(request, &caller, &mut receipt).await.map_err(|error| self.shelf.error(error));
        Called { receipt, ..result.into() }
    }

    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        let given_up = CancellationToken::new();
        let call = self.shelf.admit(request, &nobody(), given_up.clone(), 0)?;
        let slot = self.shelf.slot(&call).await?;
        let _waiting = given_up.drop_guard();
        let pace = &self.shelf.tool(&call.request.tool)?.pace;
        let work = async move {
            let _ticking = slot.ticker.begin();
            slot.asked(&call).await
        };
        let answer = self.work(pace, work).await?;
        answer.map_err(|error| self.shelf.error(error))
    }
}

fn host_bug(error: &str) -> ToolError {
    tracing::error!(%error, "a tool call panicked in the host");
    ToolError::new(ToolErrorKind::Crashed, "the tool host failed; this is a bug in the runtime")
}

impl fmt::Debug for WasmToolBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmToolBox")
            .field("tools", &self.shelf.tools.keys())
            .field("limits", &self.shelf.limits)
            .finish()
    }
}
