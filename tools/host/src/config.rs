//! What the operator says: which components, and what each may touch.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use playhouse_core::egress::HttpGrant;
use playhouse_core::grant::{Access, Bounds, Capability, LabelRule, ModelGrant};
use playhouse_core::tool::EffectClass;
use playhouse_ports::Clock;
use playhouse_ports::egress::Egress;

use crate::error::LoadError;
use crate::limits::Limits;
use crate::secrets::SecretUse;

/// A key-value table that a tool may be granted.
pub type Table = BTreeMap<String, String>;

/// Everything [`WasmToolBox::load`](crate::WasmToolBox::load) needs to know.
#[derive(Clone, Default)]
pub struct Config {
    /// The tools, in the order in which they are listed to models.
    pub tools: Vec<ToolConfig>,
    /// A `tools.lock`: with it, a component whose hash is not listed is refused.
    pub lock: Option<PathBuf>,
    /// Where compiled code is kept between starts. Must belong to this user alone; is created so if missing.
    pub cache: Option<PathBuf>,
    /// A file that gets one line per call that is really started: `effect-id tool sha256-of-arguments`.
    pub call_log: Option<PathBuf>,
    /// Who sends the requests of tools. Without it, `http` is granted to none.
    pub egress: Option<Arc<dyn Egress>>,
    /// What tools are told the time by; the machine's own clock if nothing is set.
    pub clock: Option<Arc<dyn Clock>>,
    /// What a call may use.
    pub limits: Limits,
    /// Where guests run.
    pub isolation: Isolation,
}

/// Where guests run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In this process: an abort of the engine itself would end it.
    #[default]
    Thread,
    /// In worker processes that hold nothing but the engine and compiled code: an abort costs one call, and whoever
    /// takes one over has found no secret, file or socket. Several times the price per call.
    Process(WorkerCommand),
}

/// How to start a worker process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// A program that calls [`worker_entry`](crate::worker_entry) first thing.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl WorkerCommand {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new() }
    }

    /// The program that runs now.
    ///
    /// # Errors
    /// If its `main` has not called [`worker_entry`](crate::worker_entry), or nobody knows where its file is.
    pub fn this_program() -> Result<Self, LoadError> {
        let bad = |reason: String| LoadError::Worker { program: "this program".into(), reason };
        if !crate::isolate::can_serve() {
            return Err(bad("its `main` has to call `worker_entry` first thing".to_owned()));
        }
        std::env::current_exe().map(Self::new).map_err(|error| bad(error.to_string()))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("tools", &self.tools)
            .field("limits", &self.limits)
            .field("isolation", &self.isolation)
            .finish_non_exhaustive()
    }
}

/// One component and what the operator grants it.
#[derive(Debug, Clone, Default)]
pub struct ToolConfig {
    /// Path of the component.
    pub component: PathBuf,
    /// The tables it may be given to read, by name; an agent picks one of them.
    pub tables: BTreeMap<String, Table>,
    /// The most harmless effect class the operator believes this tool capable of. Nothing: what its imports prove.
    pub effect: Option<EffectClass>,
    /// What else it may touch.
    pub allow: Allow,
}

/// What an operator allows a tool, beside tables to read. The default allows nothing that reaches out of a call.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Taken away of what every tool may have: `context`, `progress`, `log`, `clock`, `random`.
    pub without: BTreeSet<Capability>,
    /// Tables that it may write, by name; an agent picks one of these or of [`ToolConfig::tables`].
    pub stores: BTreeMap<String, StoreConfig>,
    /// Folders, by the name with which paths begin.
    pub folders: BTreeMap<String, FolderConfig>,
    /// Requests.
    pub http: HttpGrant,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, SecretUse>,
    /// Other tools that it may call, by name.
    pub tools: BTreeSet<String>,
    /// How far it may ask the model of the task that calls it. Not set: not at all.
    pub model: Option<ModelGrant>,
    /// How much one call may reach.
    pub per_call: Bounds,
    /// How much all of its calls in one task may reach. What it reaches when another tool calls it counts for that tool.
    pub per_task: Bounds,
    /// What is withheld from calls whose values come from certain places.
    pub labels: Vec<LabelRule>,
}

/// A table on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where it lies: in it a folder per tenant, so that no tenant sees the values of another.
    pub folder: PathBuf,
    /// Bytes of all values of one tenant.
    pub quota_bytes: u64,
}

/// A folder on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderConfig {
    /// Where it lies. The same for all tenants.
    pub path: PathBuf,
    /// How far it is open.
    pub access: Access,
    /// Bytes that may lie in it after a change.
    pub quota_bytes: u64,
}
