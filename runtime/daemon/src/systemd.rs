//! What the init system is told, and what it may restart us for.
//!
//! ```text
//!   READY=1 ── the tree is up and listens        STATUS=… ── what `/readyz` says, for `systemctl status`
//!   STOPPING=1 ── draining                       WATCHDOG=1 ── only while the journal makes progress
//! ```
//!
//! The watchdog is fed by the journal alone: a process that runs but can make nothing durable (a disk that
//! hangs, a committer that is gone) does no work, and a new process is the last remedy. A model that is away
//! is no reason to restart anything. Without systemd nothing is sent and nothing is asked.

use std::time::Duration;

use playhouse_api::{Health, RuntimeApi};
use playhouse_assembly::{Pulse, Runtime};
use sd_notify::NotifyState;
use tokio::time::{Instant, sleep_until, timeout};

/// How often the status line is brought up to date when no watchdog asks for more.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Tells the init system, if there is one that listens.
pub(crate) fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the init system cannot be told how we are");
    }
}

/// Keeps the init system informed until dropped: see the module.
pub(crate) async fn attend(pulse: Pulse, runtime: Runtime) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let beats = || {
        let pulse = pulse.clone();
        async move { pulse.beats().await }
    };
    let status = || {
        let runtime = runtime.clone();
        async move { line(&runtime.health().await) }
    };
    report(watchdog, beats, status, tell).await;
}

/// Feeds the watchdog twice per its period, and no more often than the journal is seen to work.
async fn report<B, S>(
    watchdog: Option<Duration>,
    beats: impl Fn() -> B,
    status: impl Fn() -> S,
    tell: impl Fn(&[NotifyState<'_>]),
) where
    B: Future<Output = bool>,
    S: Future<Output = String>,
{
    let every = watchdog.map_or(STATUS_EVERY, |period| (period / 2).min(STATUS_EVERY));
    let mut last = String::new();
    loop {
        let next = Instant::now() + every;
        // A journal that takes longer than this is not fed for now, and has the rest of the period to answer.
        if watchdog.is_some() {
            match timeout(every / 2, beats()).await {
                Ok(true) => tell(&[NotifyState::Watchdog]),
                _ => {
                    tracing::error!("the journal makes no progress; without any, the init system restarts us")
                }
            }
        }
        if let Ok(now) = timeout(every / 2, status()).await
            && now != last
        {
            tell(&[NotifyState::Status(&now)]);
            last = now;
        }
        sleep_until(next).await;
    }
}

/// How we are, in one line.
fn line(health: &Health) -> String {
    let Health { ready, problems, live_tasks, queued_tasks } = health;
    let counts = format!("{live_tasks} tasks live, {queued_tasks} queued");
    if *ready { counts } else { format!("{counts}; not ready: {}", problems.join("; ").replace('\n', " ")) }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        future::{pending, ready},
    };

    use super::*;

    const PERIOD: Duration = Duration::from_secs(30);

    /// What is told within `time`, when the journal is `beats` and the status is one of `statuses` in turn.
    async fn told<B>(time: Duration, beats: impl Fn() -> B, statuses: &[&str]) -> Vec<String>
    where
        B: Future<Output = bool>,
    {
        let told = RefCell::new(Vec::new());
        let asked = Cell::new(0);
        let status = || {
            let at = asked.replace(asked.get() + 1);
            ready(statuses[at.min(statuses.len() - 1)].to_owned())
        };
        let tell = |state: &[NotifyState<'_>]| {
            told.borrow_mut().extend(state.iter().map(ToString::to_string));
        };
        let _ = timeout(time, report(Some(PERIOD), beats, status, tell)).await;
        told.into_inner()
    }

    fn fed(told: &[String]) -> usize {
        told.iter().filter(|line| *line == "WATCHDOG=1").count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_works_keeps_the_watchdog_fed() {
        let told = told(PERIOD * 10, || ready(true), &["fine"]).await;
        assert!(fed(&told) >= 20, "{told:?}");
        assert_eq!(told.iter().filter(|line| *line == "STATUS=fine").count(), 1, "said once, it stays");
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_fails_or_hangs_starves_the_watchdog() {
        assert_eq!(fed(&told(PERIOD * 3, || ready(false), &["fine"]).await), 0);
        let hung = told(PERIOD * 3, pending, &["fine", "bad"]).await;
        assert_eq!(hung, ["STATUS=fine", "STATUS=bad"], "the rest goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_comes_back_is_fed_again() {
        let since = Instant::now();
        let told = told(PERIOD * 4, || ready(since.elapsed() > PERIOD * 2), &["fine"]).await;
        assert!(fed(&told) >= 2, "{told:?}");
    }

    #[test]
    fn the_line_says_what_is_wrong_in_one_line() {
        let problems = vec!["model `x` is away\nfor good".to_owned()];
        let health = Health { ready: false, problems, live_tasks: 3, queued_tasks: 1 };
        assert_eq!(line(&health), "3 tasks live, 1 queued; not ready: model `x` is away for good");
    }
}
