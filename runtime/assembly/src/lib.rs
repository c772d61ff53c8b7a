//! The composition root without a wire: a configuration goes in, a running tree comes out.
//!
//! ```text
//! shipped.toml ◀─ file ◀─ environment          the only crate that knows every adapter
//!        └───────┬──────────┘
//!             Config ──▶ tools, models, journal, agents ──▶ Parts ──▶ Tree ──▶ House { runtime, root }
//! ```

mod agents;
mod command;
mod config;
mod door;
mod home;
mod installed;
mod journal;
pub mod mcp;
mod models;
mod shipped;
mod tool_config;
mod toolbox;
pub mod tools;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use agents::{BadAgentFile, Flaw, Place, check_agent};
pub use config::{BadConfig, Config, Isolation, KeyEntry, ModelConfig, ModelEntry, Server, Telemetry};
pub use installed::tools_folder;
pub use journal::JournalConfig;
pub use playhouse_actors::{Catalog, Problems, Runtime, Tree};
pub use playhouse_journal_sled::{Options as JournalOptions, offline};
pub use playhouse_supervise::{
    ChildSpec, Restart, Root, RootError, Shutdown, StartError, child, shutdown, spawn, tell, tree,
};
pub use tool_config::{FolderEntry, HttpEntry, SecretEntry, SecretGrant, StoreEntry, ToolEntry};

use playhouse_actors::{BadAgent, Parts};
use playhouse_core::agent::AgentDef;
use playhouse_ports::{ChatModel, Clock, SystemClock, ToolBox};
use playhouse_tools_mcp::McpToolBox;

use crate::{door::Door, mcp::Seen, models::Models, toolbox::Toolboxes};

/// Call this first thing in `main`: in a process that was started as a worker, of a model, of tools or to keep a command,
/// it serves and never returns; in any other it does nothing. Without it, `[command.…]`, `tools_isolation = "process"` and
/// models in processes are refused.
pub fn worker_entry() {
    playhouse_model_llama::worker_entry();
    playhouse_tools_command::worker_entry();
    playhouse_tools_host::worker_entry();
}

/// What an embedding program brings besides the configuration.
#[derive(Default)]
pub struct Extras {
    /// Native tools.
    pub tools: Vec<Arc<dyn ToolBox>>,
    /// Models by alias.
    pub models: Vec<(String, Arc<dyn ChatModel>)>,
    /// Agents.
    pub agents: Vec<AgentDef>,
    /// The program that becomes the worker of local models and of tools; this program when `None`.
    pub worker: Option<PathBuf>,
}

impl std::fmt::Debug for Extras {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extras").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// Why a house cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// A tool was refused.
    #[error(transparent)]
    Tool(#[from] playhouse_tools_host::LoadError),
    /// An agent's file cannot be used.
    #[error(transparent)]
    AgentFile(#[from] BadAgentFile),
    /// An agent needs what is not there.
    #[error(transparent)]
    Agent(#[from] BadAgent),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] playhouse_journal_sled::OpenError),
    /// What is shipped in the program could not be written out for use.
    #[error(
        "failed to write `{path}`: {source}; set `cache` in the configuration to a folder that can be written"
    )]
    Shipped {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tree did not start.
    #[error("the daemon did not start: {0}")]
    Start(String),
}

/// A described house: checked, not yet started.
#[derive(Debug)]
pub struct House {
    /// The tree; add an edge to it, then start it.
    pub tree: Tree,
    /// For shutting the journal down last.
    door: Arc<Door>,
    /// For waiting until they have ended.
    servers: Option<Arc<McpToolBox>>,
}

/// What `check` finds: the agents, tools and models that would run.
#[derive(Debug)]
pub struct Checked {
    /// Agents, tools and models.
    pub catalog: Catalog,
    /// What does not stop the daemon but should be known, such as a model that cannot be loaded.
    pub warnings: Vec<String>,
}

/// Everything but the journal and the tree: loads tools, reads agents, looks at models. Starts nothing: of MCP servers
/// it knows what is pinned.
pub fn check(config: &Config, extras: Extras) -> Result<Checked, BuildError> {
    checked(config, extras, &Seen::pinned(config)?)
}

/// The same after MCP servers of which nothing is known were started once, to see their tools and to pin them.
pub async fn check_with_servers(config: &Config, extras: Extras) -> Result<Checked, BuildError> {
    let seen = seen(config, &extras).await?;
    checked(config, extras, &seen)
}

fn checked(config: &Config, extras: Extras, seen: &Seen) -> Result<Checked, BuildError> {
    let Offer { catalog, models, .. } = offer(config, extras, seen)?;
    let tools = tool_config::warnings(config);
    let warnings = (models.problems())().into_iter().chain(seen.warnings()).chain(tools).collect();
    Ok(Checked { catalog, warnings })
}

async fn seen(config: &Config, extras: &Extras) -> Result<Seen, BuildError> {
    let pinned = Seen::pinned(config)?;
    let agents: Vec<_> = agents::load(config)?.into_iter().chain(extras.agents.iter().cloned()).collect();
    Ok(pinned.learn(&agents).await)
}

/// What a house has, and what has to run for it.
struct Offer {
    catalog: Catalog,
    models: Models,
    servers: Option<Arc<McpToolBox>>,
}

fn offer(config: &Config, extras: Extras, seen: &Seen) -> Result<Offer, BuildError> {
    let shipped = shipped::Shelf::open(config)?;
    let tools = Toolboxes::load(config, &shipped, extras.tools, extras.worker.clone())?;
    let models = Models::open(config, &shipped, extras.models, extras.worker)?;
    let agents = agents::load(config)?.into_iter().chain(extras.agents).map(|mut agent| {
        if agent.model == "default" {
            agent.model.clone_from(&config.default_model);
        }
        agent
    });
    let agents: Vec<_> = agents.collect();
    agents.iter().try_for_each(|agent| seen.check(agent))?;
    let servers = tools.servers();
    let catalog = Catalog::new(agents, Arc::new(tools), models.ports())?.with_prices(config.prices());
    Ok(Offer { catalog, models, servers })
}

impl House {
    /// Opens the journal in `config.data` and describes the tree.
    pub async fn build(config: &Config, extras: Extras) -> Result<Self, BuildError> {
        let seen = seen(config, &extras).await?;
        let warnings = seen.warnings().into_iter().chain(tool_config::warnings(config));
        warnings.for_each(|warning| tracing::warn!("{warning}"));
        let Offer { catalog, models, servers } = offer(config, extras, &seen)?;
        let data =
            config.data.clone().ok_or_else(|| BadConfig::bare("`data` is not set: name a data directory"))?;
        let door = Door::open(data, config.journal.options()?).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts {
            journal: door.clone(),
            committer: Some(door.clone().runner()),
            context: door.clone(),
            clock,
            catalog,
            problems: Problems(problems(&models, &door)),
            backends: models.into_backends(),
            connections: servers.as_deref().map(mcp::connections).unwrap_or_default(),
            bounds: config.bounds,
            retention: config.retention,
        };
        Ok(Self { tree: Tree::new(parts), door, servers })
    }

    /// The runtime: answers once the tree is started.
    pub fn runtime(&self) -> Runtime {
        self.tree.runtime.clone()
    }

    /// Starts the tree.
    pub async fn start(self) -> Result<Running, BuildError> {
        let runtime = self.tree.runtime.clone();
        let root = self.tree.start().await.map_err(|error| {
            let source: &dyn std::error::Error = &*error.source;
            BuildError::Start(format!("{error}: {source}"))
        })?;
        Ok(Running { runtime, root, door: self.door, servers: self.servers })
    }
}

type FindProblems = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

fn problems(models: &Models, door: &Arc<Door>) -> FindProblems {
    let (of_models, door) = (models.problems(), door.clone());
    Arc::new(move || of_models().into_iter().chain(door.problem()).collect())
}

/// A running house.
#[derive(Debug)]
pub struct Running {
    /// What it offers.
    pub runtime: Runtime,
    /// The supervision tree.
    pub root: Root,
    door: Arc<Door>,
    servers: Option<Arc<McpToolBox>>,
}

/// Tells whether the journal makes progress.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Door>);

impl Pulse {
    /// Whether the journal made something durable since it was last asked, or else can: then an empty commit
    /// goes all the way through it. A full disk counts as well, since a restart would not make room. Does not
    /// answer while the disk does not: give it a time limit.
    pub async fn beats(&self) -> bool {
        self.0.beats().await
    }
}

/// Longest orderly stop. A task needs no farewell: what it knows is in the journal.
const STOP_TIME: Duration = Duration::from_secs(20);
/// Longest wait for the journal to write out what it took in. What is not durable by then was not acknowledged.
const CLOSE_TIME: Duration = Duration::from_secs(10);

impl Running {
    /// Stops everything in reverse order, the journal last.
    pub async fn stop(self) {
        self.stop_within(STOP_TIME).await;
    }

    /// Stops everything in reverse order, the journal last. What has not stopped within `limit` is killed:
    /// a fine way to stop, too.
    pub async fn stop_within(self, limit: Duration) {
        if let Err(error) = shutdown(&self.root.supervisor, limit).await {
            tracing::warn!(%error, "the tree did not stop in time");
        }
        // Their connections ended with the tree; the programs at the other end may take a moment.
        let closing = tokio::time::timeout(CLOSE_TIME, self.door.close());
        let (closed, ()) = tokio::join!(closing, mcp::close(self.servers));
        if closed.is_err() {
            tracing::error!("the journal does not close; what it acknowledged is durable all the same");
        }
    }

    /// A hand on the journal's pulse, for whoever watches over the process.
    pub fn pulse(&self) -> Pulse {
        Pulse(self.door.clone())
    }
}
