//! The handle of one server. It outlives every connection.
//!
//! ```text
//!   call:   known? closed? fits? ─▶ Up? ─▶ a place ─▶ tools/call ─▶ fits? bounded? ─▶ output
//! ```

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32},
    },
};

use playhouse_core::tool::{ToolError, ToolSpec};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    ApproveError, PinsError, ServerConfig,
    bounds::WAITING_MAX,
    client::Policy,
    definition::{Definition, Tool},
    link::Link,
    pins::Pins,
    reading::{self, Ours},
    shelf::Shelf,
};

/// One MCP server: its tools, its connection, which may come and go, and its resources and prompts.
pub struct McpServer {
    pub(crate) name: String,
    pub(crate) config: ServerConfig,
    pub(crate) policy: Arc<Policy>,
    pub(crate) folder: PathBuf,
    pins: Arc<Pins>,
    shelf: RwLock<Shelf>,
    /// The tools of ours in its name.
    pub(crate) reads: BTreeMap<String, (Ours, Arc<Tool>)>,
    pub(crate) state: watch::Sender<State>,
    /// One per call under way or waiting.
    pub(crate) places: Semaphore,
    /// One per call under way.
    pub(crate) permits: Semaphore,
    /// Held while `run` is under way.
    pub(crate) running: tokio::sync::Mutex<()>,
    pub(crate) stop: watch::Sender<u64>,
    pub(crate) short_lives: AtomicU32,
    pub(crate) modern: AtomicBool,
    /// Connections that are ending.
    pub(crate) leaving: Mutex<JoinSet<()>>,
}

/// Where a server stands.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// It was never tried, or is being started for the first time.
    New,
    Up(Arc<Link>),
    Away {
        since: Instant,
        why: String,
    },
}

/// How a server is doing, for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Whether calls go through.
    pub up: bool,
    /// Why not, and since when.
    pub problem: Option<String>,
    /// Tools that `tools` allows but that cannot be used, by the server's names, and why.
    pub refused: BTreeMap<String, String>,
    /// Tools that wait for an approval, by the names that models use.
    pub changed: Vec<String>,
}

/// A tool that is not what was approved.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedTool {
    /// The name that models use.
    pub name: String,
    /// What was approved: description, schemas, annotations.
    pub approved: Value,
    /// What the server lists now.
    pub offered: Value,
}

impl std::fmt::Debug for McpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpServer")
            .field("name", &self.name)
            .field("state", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}

impl McpServer {
    pub(crate) fn new(name: String, config: ServerConfig, folder: PathBuf, pins: Arc<Pins>) -> Self {
        let shelf = Shelf::of_pins(&name, &config, &pins);
        Self {
            shelf: RwLock::new(shelf),
            state: watch::Sender::new(State::New),
            places: Semaphore::new(config.concurrency + WAITING_MAX),
            permits: Semaphore::new(config.at_once()),
            policy: Arc::new(Policy::of(&config)),
            reads: reading::tools(&name, &config),
            running: tokio::sync::Mutex::new(()),
            stop: watch::Sender::new(0),
            short_lives: AtomicU32::new(0),
            modern: AtomicBool::new(false),
            leaving: Mutex::default(),
            name,
            config,
            folder,
            pins,
        }
    }

    /// The server's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Resolves when the server is there and has listed its tools.
    pub async fn ready(&self) {
        // The sender lives in `self`, so this cannot fail.
        self.state.subscribe().wait_for(|state| matches!(state, State::Up(_))).await.ok();
    }

    /// How it is doing.
    pub fn status(&self) -> ServerStatus {
        let (up, problem) = match &*self.state.borrow() {
            State::Up(_) => (true, None),
            State::New => (false, Some("it is being started".to_owned())),
            State::Away { since, why } => {
                (false, Some(format!("{why}, {} s ago", since.elapsed().as_secs())))
            }
        };
        let changed = self.changed().into_iter().map(|tool| tool.name).collect();
        ServerStatus { up, problem, refused: self.shelf().refused(), changed }
    }

    /// The tools that are not what was approved.
    pub fn changed(&self) -> Vec<ChangedTool> {
        let pinned = self.pins.of(&self.name);
        let changed = |(tool, now): (&crate::definition::Tool, &Definition)| {
            let approved =
                pinned.iter().find(|pin| pin.name == now.name).map(Definition::json).unwrap_or_default();
            ChangedTool { name: tool.spec.name.clone(), approved, offered: now.json() }
        };
        self.shelf().changed().map(changed).collect()
    }

    /// Approves `tool`, by the name that models use, as the server lists it now.
    pub(crate) fn approve(&self, tool: &str) -> Result<(), ApproveError> {
        let now = self.shelf().changed().find(|(old, _)| old.spec.name == tool).map(|(_, now)| now.clone());
        let Some(now) = now else {
            let told = if self.shelf().has(tool) {
                format!("`{tool}` is approved as it is")
            } else {
                format!("MCP server `{}` has no tool `{tool}`", self.name)
            };
            return Err(ApproveError::Unknown(told));
        };
        self.pins.approve(&self.name, &now)?;
        match &*self.state.borrow() {
            // It is compared again, and opened.
            State::Up(link) => link.look.notify_one(),
            _ => self.put(Shelf::of_pins(&self.name, &self.config, &self.pins)),
        }
        Ok(())
    }

    /// Whether any tool of its own is known, now or from before.
    pub fn has_tools(&self) -> bool {
        self.shelf().specs().next().is_some()
    }

    pub(crate) fn specs(&self) -> Vec<Arc<ToolSpec>> {
        let ours = self.reads.values().map(|(_, tool)| tool.spec.clone());
        let mut specs: Vec<_> = self.shelf().specs().chain(ours).collect();
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// The tool `name` if it may be called, whether or not the server is there.
    pub(crate) fn open(&self, name: &str) -> Result<Arc<Tool>, ToolError> {
        match self.reads.get(name) {
            Some((_, tool)) => Ok(tool.clone()),
            None => self.shelf().open(&self.name, name),
        }
    }

    pub(crate) fn shelf(&self) -> std::sync::RwLockReadGuard<'_, Shelf> {
        // The shelf is replaced as a whole.
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stock(&self, offered: Vec<Definition>) -> Result<(), PinsError> {
        self.put(Shelf::stock(&self.name, &self.config, &self.pins, offered)?);
        Ok(())
    }

    fn put(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = shelf;
    }
}
