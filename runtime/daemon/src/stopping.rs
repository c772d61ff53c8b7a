//! Stopping in order: no new work, what runs ends, then the tree from the leaves down, the journal last.
//!
//! ```text
//!   SIGTERM ──▶ drain: readyz and submissions 503 ──▶ steps done ──▶ edge … journal stop ──▶ 0
//!                 └─ a second signal ──▶ at once: 143          └─ or time is up: cut off, resumed at next start
//! ```

use std::{process::ExitCode, time::Duration};

use playhouse_assembly::Running;
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

use crate::{EXIT_GAVE_UP, systemd};

/// Share of the drain that is kept for stopping the tree after the steps have ended: a quarter…
const STOP_SHARE: u32 = 4;
/// … and no more than this: the edge lets requests in flight end, and needs the longest.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// The signals that mean: stop.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// SIGTERM.
    Terminate,
    /// SIGINT, such as Ctrl-C.
    Interrupt,
}

impl Asked {
    /// How a process ends that this signal ended.
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Terminate => ExitCode::from(128 + 15),
            Self::Interrupt => ExitCode::from(128 + 2),
        }
    }
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Terminate,
            _ = self.interrupt.recv() => Asked::Interrupt,
        }
    }
}

/// Stops `running` within `drain`, or at once when another signal comes.
pub(crate) async fn stop(running: Running, drain: Duration, signals: &mut Signals) -> ExitCode {
    systemd::tell(&[NotifyState::Stopping, NotifyState::Status("finishing what runs")]);
    tokio::select! {
        code = in_order(running, drain) => code,
        // A crash is always a fine way to stop: the journal is the state.
        asked = signals.next() => {
            tracing::warn!("stopping at once; open tasks are resumed by the next start");
            asked.exit_code()
        }
    }
}

async fn in_order(mut running: Running, drain: Duration) -> ExitCode {
    let began = Instant::now();
    let reserve = (drain / STOP_SHARE).min(STOP_TIME_MAX);
    let runtime = running.runtime.clone();
    tokio::select! {
        left = runtime.drain(drain.saturating_sub(reserve)) => report(left, began.elapsed()),
        ended = running.root.ended() => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "the tree was stopped".into());
            tracing::error!("giving up while stopping: {why}");
            return ExitCode::from(EXIT_GAVE_UP);
        }
    }
    running.stop_within(drain.saturating_sub(began.elapsed())).await;
    tracing::info!(ms = millis(began.elapsed()), "stopped");
    ExitCode::SUCCESS
}

fn report(left: usize, took: Duration) {
    let ms = millis(took);
    match left {
        0 => tracing::info!(ms, "everything that ran has ended"),
        _ => tracing::warn!(ms, calls = left, "time is up; calls are cut off and settled by the next start"),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
