//! The workers: as many as there are cores stay, more come while more calls run, and the dead are replaced.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use playhouse_core::tool::{ToolError, ToolErrorKind};
use tokio::runtime::Handle;

use super::process::{Code, Process};
use crate::config::WorkerCommand;
use crate::error::LoadError;
use crate::limits::Limits;

/// A worker above the number that stays is ended when it had nothing to do for so long.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// The first rest after a worker that could not be started; it doubles with each more, up to the longest.
const REST: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(10);
/// A rest that a call waits for; a longer one it is told of.
const WAITED_MAX: Duration = Duration::from_secs(1);

/// Workers, each with one call at a time. There are never more than calls that run, and these are bounded elsewhere.
pub(crate) struct Pool {
    command: WorkerCommand,
    limits: Limits,
    threads: Handle,
    /// How many stay.
    warm: usize,
    /// Every worker that lives, and every one that is being started, has one of these.
    alive: Arc<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those without a call, and since when; the one that rests longest first.
    resting: Vec<(Process, Instant)>,
    /// How many in a row could not be started, and until when no other is.
    failed: u32,
    wait_until: Option<Instant>,
    /// Whether somebody looks after those that are too many.
    trims: bool,
}

impl Pool {
    /// A pool whose first worker is ready; the others follow. Blocks. `threads` is where calls are answered.
    pub(crate) fn start(
        command: WorkerCommand,
        limits: Limits,
        threads: Handle,
    ) -> Result<Arc<Self>, LoadError> {
        let program = command.program.clone();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let warm = cores.min(limits.running.max(1) as usize);
        let (alive, state) = (Arc::new(()), Mutex::default());
        let this = Arc::new(Self { command, limits, threads, warm, alive, state });
        let starting = Arc::clone(&this);
        let bad = |error: ToolError| LoadError::Worker { program: program.clone(), reason: error.message };
        let first = this.blocking(async move { starting.another().await }).map_err(bad)?;
        let shown = program.display();
        if first.is_confined() {
            tracing::info!(workers = warm, program = %shown, "tools run in worker processes, which see no file");
        } else {
            tracing::warn!(workers = warm, program = %shown,
                "tools run in worker processes, and this kernel does not keep these from files (neither Landlock nor \
                 seccomp): who takes one over may read what this user may");
        }
        this.give_back(first);
        this.refill();
        Ok(this)
    }

    /// Waits for `work`, from where nobody else waits.
    pub(crate) fn blocking<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ToolError>> + Send + 'static,
    ) -> Result<T, ToolError> {
        let (sender, done) = std::sync::mpsc::sync_channel(1);
        // Whoever asked waits below.
        self.threads.spawn(async move { drop(sender.send(work.await)) });
        let lost =
            |_| ToolError::new(ToolErrorKind::Crashed, "the tool host failed; this is a bug in the runtime");
        done.recv().map_err(lost).flatten()
    }

    /// A worker that has begun with `run`, a frame about `code`.
    pub(super) async fn begin(&self, code: &Code, run: &[u8]) -> Result<Process, ToolError> {
        while let Some(mut process) = self.rested(code) {
            // It may have died while it rested. No call is lost with it: it had none.
            if process.begin(code, run).await.is_ok() {
                return Ok(process);
            }
        }
        let mut process = self.another().await?;
        process.begin(code, run).await.map_err(|error| self.unavailable(&error.to_string()))?;
        Ok(process)
    }

    /// One that rests, and has the component if there is such a one; of these the one that rested least.
    fn rested(&self, code: &Code) -> Option<Process> {
        let mut state = self.lock();
        let at = state.resting.iter().rposition(|(process, _)| process.has(code));
        let at = at.or_else(|| state.resting.len().checked_sub(1))?;
        Some(state.resting.remove(at).0)
    }

    /// One more.
    async fn another(&self) -> Result<Process, ToolError> {
        let alive = Arc::clone(&self.alive);
        let rest = self.lock().wait_until.and_then(|until| until.checked_duration_since(Instant::now()));
        if let Some(left) = rest.filter(|left| *left > WAITED_MAX) {
            let after = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            return Err(self.unavailable("the last one did not start either").retry_after(Some(after)));
        }
        tokio::time::sleep(rest.unwrap_or_default()).await;
        let started = Process::start(self.command.clone(), self.limits, alive).await;
        let mut state = self.lock();
        match started {
            Ok(process) => {
                (state.failed, state.wait_until) = (0, None);
                Ok(process)
            }
            Err(error) => {
                let rest = REST.saturating_mul(1 << state.failed.min(16)).min(REST_MAX);
                (state.failed, state.wait_until) =
                    (state.failed.saturating_add(1), Some(Instant::now() + rest));
                Err(self.unavailable(&words(&error)))
            }
        }
    }

    fn unavailable(&self, why: &str) -> ToolError {
        tracing::warn!(program = %self.command.program.display(), why, "no worker for a tool");
        ToolError::new(ToolErrorKind::Upstream, format!("no worker process could be started: {why}"))
    }

    /// After a call.
    pub(super) fn give_back(self: &Arc<Self>, process: Process) {
        let mut state = self.lock();
        state.resting.push((process, Instant::now()));
        if state.resting.len() > self.warm && !state.trims {
            state.trims = true;
            self.threads.spawn(Self::trim(Arc::downgrade(self)));
        }
    }

    /// Starts those that are missing, in the background. One that does not start is tried again by the next call.
    pub(super) fn refill(self: &Arc<Self>) {
        let alive = Arc::strong_count(&self.alive) - 1;
        for _ in alive..self.warm {
            let (this, counted) = (Arc::clone(self), Arc::clone(&self.alive));
            self.threads.spawn(async move {
                if let Ok(process) = this.another().await {
                    this.give_back(process);
                }
                drop(counted);
            });
        }
    }

    /// Ends those that are too many, until there are none.
    async fn trim(this: Weak<Self>) {
        loop {
            tokio::time::sleep(IDLE_MAX).await;
            let Some(this) = this.upgrade() else { return };
            let mut state = this.lock();
            let spare = state.resting.len().saturating_sub(this.warm);
            let idle = state.resting.iter().take(spare).take_while(|(_, since)| since.elapsed() >= IDLE_MAX);
            let idle = idle.count();
            let ended: Vec<_> = state.resting.drain(..idle).collect();
            state.trims = state.resting.len() > this.warm;
            let goes_on = state.trims;
            drop(state);
            // Killing waits for the kernel: not under the lock.
            drop(ended);
            if !goes_on {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A list and three values: none is ever half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        io::ErrorKind::PermissionDenied => "it cannot be executed".to_owned(),
        _ => error.to_string(),
    }
}
