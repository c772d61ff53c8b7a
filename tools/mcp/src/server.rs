//! The handle of one server. It outlives every connection.
//!
//! ```text
//!   run():  rest ─▶ connect ─▶ list, compare with the pins ─▶ Up ──── fault, death, stop ────▶ Away ─▶ returns
//!   call:   known? closed? fits? ─▶ Up? ─▶ a place ─▶ tools/call ─▶ fits? bounded? ─▶ output
//! ```

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use playhouse_core::tool::ToolSpec;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};

use crate::{
    ApproveError, Host, PinsError, ServerConfig, ServerExit,
    bounds::{GROWN_UP, REST, REST_MAX, WAITING_MAX},
    definition::Definition,
    host::Client,
    link::{Dial, Life, Link},
    pins::Pins,
    shelf::Shelf,
};

/// One MCP server: its tools, its connection, which may come and go, and its resources and prompts.
pub struct McpServer {
    pub(crate) name: String,
    pub(crate) config: ServerConfig,
    folder: PathBuf,
    pins: Arc<Pins>,
    host: Arc<dyn Host>,
    pub(crate) shelf: RwLock<Shelf>,
    pub(crate) state: watch::Sender<State>,
    /// One per call under way or waiting.
    pub(crate) places: Semaphore,
    /// One per call under way.
    pub(crate) permits: Semaphore,
    /// Held while `run` is under way.
    running: tokio::sync::Mutex<()>,
    stop: watch::Sender<u64>,
    short_lives: AtomicU32,
    modern: AtomicBool,
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
    pub(crate) fn new(
        name: String,
        config: ServerConfig,
        folder: PathBuf,
        pins: Arc<Pins>,
        host: Arc<dyn Host>,
    ) -> Self {
        let shelf = Shelf::of_pins(&name, &config, &pins);
        Self {
            shelf: RwLock::new(shelf),
            state: watch::Sender::new(State::New),
            places: Semaphore::new(config.concurrency + WAITING_MAX),
            permits: Semaphore::new(config.concurrency),
            running: tokio::sync::Mutex::new(()),
            stop: watch::Sender::new(0),
            short_lives: AtomicU32::new(0),
            modern: AtomicBool::new(false),
            name,
            config,
            folder,
            pins,
            host,
        }
    }

    /// The server's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connects and serves until the connection ends; says why it did. Then every call that was under way has failed,
    /// and `run` may be called again: after lives that were short it rests first, longer each time. Dropping the future
    /// kills the server's process and everything in its group.
    pub async fn run(&self) -> ServerExit {
        let Ok(_running) = self.running.try_lock() else {
            return ServerExit::AlreadyRunning(self.name.clone());
        };
        let mut stop = self.stop.subscribe();
        let mut up = Up { server: self, why: "it was stopped".into() };
        let started = tokio::select! {
            started = self.start() => started,
            // The sender lives in `self`.
            _ = stop.changed() => return ServerExit::Stopped(self.name.clone()),
        };
        let exit = match started {
            Ok((life, born)) => self.live(life, born, &mut stop).await,
            Err(problem) => {
                self.short_lives.fetch_add(1, Ordering::Relaxed);
                ServerExit::Start { server: self.name.clone(), problem }
            }
        };
        up.why = exit.to_string();
        exit
    }

    /// Asks the connection to end in order: stdin is closed, then SIGTERM, then SIGKILL. [`McpServer::run`] returns.
    pub fn stop(&self) {
        self.stop.send_modify(|count| *count += 1);
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

    pub(crate) fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.shelf().specs().collect()
    }

    pub(crate) fn shelf(&self) -> std::sync::RwLockReadGuard<'_, Shelf> {
        // The shelf is replaced as a whole.
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self) -> Result<(Life, Instant), String> {
        let short = self.short_lives.load(Ordering::Relaxed);
        if short > 0 {
            sleep(rest(short)).await;
        }
        let born = Instant::now();
        let client = Client { server: self.name.clone(), host: self.host.clone() };
        let (server, config, folder) = (&*self.name, &self.config, &*self.folder);
        let dial = Dial { server, config, folder, client, modern: &self.modern };
        dial.connect().await.map(|life| (life, born))
    }

    async fn live(&self, mut life: Life, born: Instant, stop: &mut watch::Receiver<u64>) -> ServerExit {
        let unpinned = AtomicBool::new(false);
        let link = life.link.clone();
        let stock = |offered| match self.stock(offered) {
            Ok(()) => {
                self.state.send_if_modified(|state| {
                    let first = !matches!(state, State::Up(_));
                    *state = State::Up(link.clone());
                    first
                });
                Ok(())
            }
            Err(error) => {
                unpinned.store(true, Ordering::Relaxed);
                Err(error.to_string())
            }
        };
        let (why, stopped) = tokio::select! {
            why = life.last(stock) => (why, false),
            _ = stop.changed() => ("it was stopped".into(), true),
        };
        // Before the rest of the end, so that no call finds a connection that is closing.
        self.state.send_replace(State::Away { since: Instant::now(), why: why.clone() });
        drop(link);
        let lived = born.elapsed();
        let problem = life.end(why, stopped).await;
        if stopped || lived > GROWN_UP {
            self.short_lives.store(0, Ordering::Relaxed);
        }
        if !stopped {
            self.short_lives.fetch_add(1, Ordering::Relaxed);
        }
        let server = self.name.clone();
        match (stopped, unpinned.into_inner()) {
            (true, _) => ServerExit::Stopped(server),
            (_, true) => ServerExit::Pins { server, problem },
            _ => ServerExit::Gone { server, problem },
        }
    }

    fn stock(&self, offered: Vec<Definition>) -> Result<(), PinsError> {
        self.put(Shelf::stock(&self.name, &self.config, &self.pins, offered)?);
        Ok(())
    }

    fn put(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = shelf;
    }
}

/// How long to rest after so many short lives: doubling, with a jitter of up to half so that servers which died together
/// do not come back together.
fn rest(short_lives: u32) -> Duration {
    let rest = REST.saturating_mul(2_u32.saturating_pow(short_lives.saturating_sub(1))).min(REST_MAX);
    rest + rest.mul_f64(fastrand::f64() / 2.0)
}

/// Marks the server as away, however `run` ends.
struct Up<'a> {
    server: &'a McpServer,
    why: String,
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let why = std::mem::take(&mut self.why);
        self.server.state.send_modify(|state| {
            let since = match state {
                State::Away { since, .. } => *since,
                State::Up(link) => {
                    // Dropped in the middle: callers hold the link, and must learn that it leads nowhere.
                    link.fault.raise(why.clone());
                    Instant::now()
                }
                State::New => Instant::now(),
            };
            *state = State::Away { since, why };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_bound() {
        let bounds = |short| (REST * 2_u32.pow(short - 1), REST * 2_u32.pow(short - 1) * 3 / 2);
        for short in 1..7 {
            let (least, most) = bounds(short);
            assert!((least..=most).contains(&rest(short)), "{short}");
        }
        assert!(rest(u32::MAX) <= REST_MAX * 3 / 2);
    }
}
