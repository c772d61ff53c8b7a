//! The lives of a server's connection, one after another.
//!
//! ```text
//!   run():  rest ─▶ connect ─▶ list, compare with the pins ─▶ Up ──── fault, death, stop ────▶ Away ─▶ returns
//!                                                            └── dropped ─▶ leaving: stdin closed, SIGTERM, SIGKILL
//! ```

use std::{
    sync::{
        PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    McpServer, ServerExit,
    bounds::{GROWN_UP, REST, REST_MAX},
    client::Client,
    link::{Dial, Life},
    server::State,
};

impl McpServer {
    /// Connects and serves until the connection ends; says why it did. Then every call that was under way has failed,
    /// and `run` may be called again: after lives that were short it rests first, longer each time. Dropping the future
    /// ends a connection in order, beside everything else: see [`McpServer::left`].
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

    /// Waits until the server is not run any more, and until a connection has ended whose `run` was dropped: a few seconds
    /// then, since whoever does not end is killed. Dropping the future kills it at once.
    pub async fn left(&self) {
        let _not_running = self.running.lock().await;
        self.gone().await;
    }

    async fn gone(&self) {
        let mut leaving = std::mem::take(&mut *self.leaving());
        while leaving.join_next().await.is_some() {}
    }

    fn leaving(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        // Nothing that can panic happens while it is held.
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self) -> Result<(Life, Instant), String> {
        // A process that is ending still works in the folder of the next one.
        self.gone().await;
        let short = self.short_lives.load(Ordering::Relaxed);
        if short > 0 {
            sleep(rest(short)).await;
        }
        let born = Instant::now();
        let client = Client::new(&self.name, self.policy.clone());
        let (server, config, folder) = (&*self.name, &self.config, &*self.folder);
        let dial = Dial { server, config, folder, client, modern: &self.modern };
        dial.connect().await.map(|life| (life, born))
    }

    async fn live(&self, life: Life, born: Instant, stop: &mut watch::Receiver<u64>) -> ServerExit {
        let unpinned = AtomicBool::new(false);
        let link = life.link.clone();
        let mut held = Held { server: self, life: Some(life) };
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
        let lasting = async {
            match &mut held.life {
                Some(life) => life.last(stock).await,
                None => String::new(),
            }
        };
        let (why, stopped) = tokio::select! {
            why = lasting => (why, false),
            _ = stop.changed() => ("it was stopped".into(), true),
        };
        // Before the rest of the end, so that no call finds a connection that is closing.
        self.state.send_replace(State::Away { since: Instant::now(), why: why.clone() });
        drop(link);
        let lived = born.elapsed();
        let problem = match held.life.take() {
            Some(life) => life.end(why, stopped).await,
            None => why,
        };
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
}

/// A connection that ends in order when it is dropped. Whoever drops the server as well, or its runtime, kills it.
struct Held<'a> {
    server: &'a McpServer,
    life: Option<Life>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let (Some(life), Ok(runtime)) = (self.life.take(), Handle::try_current()) else { return };
        let name = self.server.name.clone();
        let end = async move {
            let how = life.end("it was stopped".into(), true).await;
            tracing::debug!(target: "playhouse::mcp", server = name, "{how}");
        };
        self.server.leaving().spawn_on(end, &runtime);
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
