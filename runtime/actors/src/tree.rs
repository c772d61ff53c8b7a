//! The supervision tree, as one literal list.
//!
//! ```text
//! root (rest_for_one, 3 restarts in 30 s, then the process exits)
//! ├─ journal     a Service, when the journal owns a thread
//! ├─ memory
//! ├─ models      one_for_one
//! │  ├─ worker:…   a Service, when the model owns a process
//! │  └─ model:…    permits and queue
//! ├─ connections one_for_one, when tools are somewhere else
//! │  └─ mcp:…       a Service for each
//! ├─ tools
//! ├─ tasks       one_for_all: a dispatcher that forgot its planners would start them twice
//! │  ├─ planners    dynamic, one per live task
//! │  └─ dispatcher
//! ├─ timers      wakes what is due
//! └─ edge        added by whoever has one: started last, stopped first
//! ```

use std::{collections::BTreeMap, sync::Arc};

use playhouse_core::{admission::Bounds, schedule::Schedule, session::Retention};
use playhouse_ports::{ChatModel, Clock, Context, Journal};
use playhouse_supervise::{
    ChildSpec, Intensity, Restart, Root, Shutdown, Slot, StartError, Strategy, Supervisor, child, spawn,
};

use crate::{
    catalog::Catalog,
    drain::Drain,
    ledger::Ledger,
    llm_backend::LlmBackend,
    memory::Memory,
    planners::Planners,
    pool::Pool,
    questions::Questions,
    runtime::{Problems, Runtime},
    service::{Run, Service},
    services::Services,
    tasks::Tasks,
    timers::Timers,
    tool_executor::ToolExecutor,
};

/// The root gives up after this, and the process with it: the init system starts a new one.
const ROOT: Intensity = Intensity { max_restarts: 3, period_ms: 30_000 };
/// A worker process that dies waits longer and longer before it is started again, and so does a connection; so this
/// many deaths of one in a minute mean a fault in the runtime itself.
const DEATHS_PER_ONE: u32 = 30;
/// One fault of the dispatcher or the planners' supervisor is bad luck, a second a pattern.
const TASKS: Intensity = Intensity { max_restarts: 2, period_ms: 10_000 };
/// Actors hold no state that is not in the journal; they have nothing to finish.
const STOP: Shutdown = Shutdown::secs(2);
/// The committer writes out what it has taken in.
const STOP_JOURNAL: Shutdown = Shutdown::secs(10);

/// One model and how it is kept.
pub struct Backend {
    /// The model.
    pub model: Arc<dyn ChatModel>,
    /// Calls at once.
    pub permits: usize,
    /// Runs the worker process, if the model has one.
    pub worker: Option<Run>,
}

/// What a tree is made of.
pub struct Parts {
    /// The log of every task.
    pub journal: Arc<dyn Journal>,
    /// Runs the journal's thread, if it has one.
    pub committer: Option<Run>,
    /// The store of sessions.
    pub context: Arc<dyn Context>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Agents and tools.
    pub catalog: Catalog,
    /// Models by alias: the same as in the catalog.
    pub backends: BTreeMap<String, Backend>,
    /// Keeps connected what tools need, by name.
    pub connections: BTreeMap<String, Run>,
    /// What is let in.
    pub bounds: Bounds,
    /// How long sessions are kept.
    pub retention: Retention,
    /// Says what is wrong with the parts.
    pub problems: Problems,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("permits", &self.permits).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

/// A tree that is described but not yet grown.
#[derive(Debug)]
pub struct Tree {
    /// The runtime, ready to be handed to faces; it answers once the tree is started.
    pub runtime: Runtime,
    children: Vec<ChildSpec>,
}

impl Tree {
    /// Describes the tree over `parts`.
    pub fn new(parts: Parts) -> Self {
        let Parts { journal, committer, context, clock, catalog, backends, .. } = parts;
        let Parts { connections, bounds, retention, problems, .. } = parts;
        let ledger = Arc::new(Ledger::new(journal, clock.clone(), bounds.watchers));
        let tools = ToolExecutor { tools: catalog.tools.clone() };
        let services = Arc::new(Services {
            ledger,
            catalog: Arc::new(catalog),
            memory: Slot::new("memory"),
            tools: Slot::new("tools"),
            models: backends
                .keys()
                .map(|alias| (alias.clone(), Slot::new(&format!("model:{alias}"))))
                .collect(),
            tasks: Slot::new("dispatcher"),
            timers: Slot::new("timers"),
            questions: Questions::default(),
            drain: Drain::default(),
        });
        let memory = Memory { context, retention, clock };
        let mut children = Vec::new();
        children.extend(committer.map(|run| service("journal", STOP_JOURNAL, run)));
        children.push(services.memory.child(Restart::Permanent, STOP, spawn(memory, ())));
        children.push(models(&services, backends));
        children.extend((!connections.is_empty()).then(|| connect(connections)));
        children.push(services.tools.child(Restart::Permanent, STOP, spawn(Pool(tools), ())));
        children.push(tasks(&services, bounds));
        let timers = Timers { services: services.clone(), retention };
        children.push(services.timers.child(Restart::Permanent, STOP, spawn(timers, ())));
        Self { runtime: Runtime::new(services, bounds, problems), children }
    }

    /// Takes the random bits of task ids from `random`, so that a simulation repeats itself. Call it before
    /// [`runtime`](Self::runtime) is handed out.
    pub fn with_random(mut self, random: Arc<dyn Fn() -> u128 + Send + Sync>) -> Self {
        self.runtime = self.runtime.with_random(random);
        self
    }

    /// Adds a child that is started after all others and stopped before them.
    pub fn with_edge(mut self, edge: ChildSpec) -> Self {
        self.children.push(edge);
        self
    }

    /// Starts the tree: children in order, each up before the next.
    pub async fn start(self) -> Result<Root, StartError> {
        let root = Supervisor::new("root", Strategy::RestForOne, ROOT, self.children).spawn_root().await?;
        self.runtime.grown(&root);
        Ok(root)
    }
}

fn connect(connections: BTreeMap<String, Run>) -> ChildSpec {
    let deaths = most_deaths(connections.len());
    let children = connections.into_iter().map(|(id, run)| service(&id, STOP, run)).collect();
    one_for_one("connections", deaths, children)
}

fn models(services: &Services, backends: BTreeMap<String, Backend>) -> ChildSpec {
    let deaths = most_deaths(backends.len());
    let mut children = Vec::new();
    for (alias, Backend { model, permits, worker }) in backends {
        children.extend(worker.map(|run| service(&format!("worker:{alias}"), STOP, run)));
        let backend = LlmBackend { model, permits, drain: services.drain.clone() };
        children.push(services.models[&alias].child(Restart::Permanent, STOP, spawn(Pool(backend), ())));
    }
    one_for_one("models", deaths, children)
}

/// What is too much for so many processes or connections, within the minute of [`one_for_one`].
fn most_deaths(of: usize) -> u32 {
    DEATHS_PER_ONE.saturating_mul(u32::try_from(of).unwrap_or(u32::MAX)).max(1)
}

fn one_for_one(id: &str, deaths: u32, children: Vec<ChildSpec>) -> ChildSpec {
    let intensity = Intensity { max_restarts: deaths, period_ms: 60_000 };
    Supervisor::new(id, Strategy::OneForOne, intensity, children).child(Restart::Permanent)
}

fn tasks(services: &Arc<Services>, bounds: Bounds) -> ChildSpec {
    let planners = Planners::new();
    let dispatcher =
        Tasks { services: services.clone(), planners: planners.clone(), schedule: Schedule::new(bounds) };
    let children = vec![
        planners.child(bounds.live_tasks, services.tasks.clone()),
        services.tasks.child(Restart::Permanent, STOP, spawn(dispatcher, ())),
    ];
    Supervisor::new("tasks", Strategy::OneForAll, TASKS, children).child(Restart::Permanent)
}

fn service(id: &str, stop: Shutdown, run: Run) -> ChildSpec {
    child(id, Restart::Permanent, stop, spawn(Service::new(run), ()))
}
