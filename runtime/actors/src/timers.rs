//! The actor that wakes parked tasks when they are due, and forgets finished ones when they are old.
//!
//! The times are in the journal's index, so this actor remembers nothing but the next of them. It looks at
//! the clock at least once a second: a clock that jumps makes tasks due when it says so, neither a jump
//! ahead of it nor a jump late.

use std::{sync::Arc, time::Duration};

use playhouse_core::{id::TaskId, session::Retention, task::Head};
use playhouse_ports::{Journal, JournalError};
use playhouse_supervise::tell;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;

use crate::{services::Services, tasks::TasksMsg};

/// Between two looks at the clock, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks while more is due than one look takes.
const LOOK_SOON: Duration = Duration::from_millis(50);
/// Tasks woken by one look. Those that have no place yet stay in the index and are found again.
const WAKES_MAX: usize = 512;

/// Between two sweeps, in milliseconds. Tasks are kept for hours and days, so a minute late is on time.
const SWEEP_EVERY_MS: u64 = 60_000;
/// Tasks looked at by one sweep: more than a busy daemon finishes in a minute would make it slow for others.
const FORGOTTEN_MAX: usize = 10_000;

/// What may arrive in the mailbox.
#[derive(Debug)]
pub(crate) enum TimersMsg {
    /// Look what is due.
    Look,
    /// A task was parked until then, in milliseconds since 1970.
    Parked(u64),
}

/// Wakes what is due.
#[derive(Debug, Clone)]
pub(crate) struct Timers {
    /// Journal, clock and dispatcher.
    pub(crate) services: Arc<Services>,
    /// How long finished tasks are kept.
    pub(crate) retention: Retention,
}

/// The next look, if it has been decided.
#[derive(Debug, Default)]
pub(crate) struct NextLook {
    at_ms: u64,
    /// Holds the one that waits; it dies with the actor.
    timer: JoinSet<()>,
    /// When old tasks are looked for again, and from which on.
    sweep_at_ms: u64,
    sweep_before: Option<TaskId>,
}

impl Actor for Timers {
    type Msg = TimersMsg;
    type State = NextLook;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<TimersMsg>, (): ()) -> Result<NextLook, ActorProcessingErr> {
        let mut next = NextLook::default();
        self.look_in(&myself, &mut next, Duration::ZERO);
        Ok(next)
    }

    async fn handle(
        &self,
        myself: ActorRef<TimersMsg>,
        message: TimersMsg,
        next: &mut NextLook,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TimersMsg::Look => {
                let wait = self.look().await;
                if let Err(error) = self.sweep(next).await {
                    tracing::warn!(%error, "old tasks could not be forgotten; it is tried again in a minute");
                }
                self.look_in(&myself, next, wait);
            }
            TimersMsg::Parked(due_ms) if due_ms < next.at_ms => {
                let left = due_ms.saturating_sub(self.services.ledger.clock.now_ms());
                // Never later than it would have been: a clock that went back makes what was decided look far.
                self.look_in(&myself, next, Duration::from_millis(left).min(LOOK_EVERY));
            }
            TimersMsg::Parked(_) => {}
        }
        Ok(())
    }
}

/// The task that made the one of `head`, if there is one and it was not forgotten.
pub(crate) async fn parent(journal: &dyn Journal, head: &Head) -> Result<Option<Head>, JournalError> {
    match &head.parent {
        Some(parent) => journal.head(parent).await,
        None => Ok(None),
    }
}

impl Timers {
    /// Wakes what is due; returns how long until the next look.
    async fn look(&self) -> Duration {
        let ledger = &self.services.ledger;
        let now_ms = ledger.clock.now_ms();
        let due = match ledger.journal.due(now_ms, WAKES_MAX).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "the times of parked tasks cannot be read; looking again");
                return LOOK_EVERY;
            }
        };
        if !due.is_empty() {
            for (_, task) in due {
                self.services.cast_tasks(TasksMsg::Wake(task));
            }
            return LOOK_SOON;
        }
        match ledger.journal.due(u64::MAX, 1).await {
            Ok(next) => next.first().map_or(LOOK_EVERY, |(due_ms, _)| {
                Duration::from_millis(due_ms.saturating_sub(now_ms)).min(LOOK_EVERY)
            }),
            Err(_) => LOOK_EVERY,
        }
    }

    /// Forgets tasks that have been over for too long: a page of them a minute, newest first, then again from
    /// the newest.
    async fn sweep(&self, next: &mut NextLook) -> Result<(), JournalError> {
        let ledger = &self.services.ledger;
        let now_ms = ledger.clock.now_ms();
        let kept_ms = self.retention.tasks_s.saturating_mul(1000);
        if kept_ms == 0 || now_ms < next.sweep_at_ms {
            return Ok(());
        }
        next.sweep_at_ms = now_ms.saturating_add(SWEEP_EVERY_MS);
        // Ids are in the order of submission, so what is younger need not be looked at.
        let oldest_kept = ulid::Ulid::from_parts(now_ms.saturating_sub(kept_ms), 0).to_string();
        let first = || TaskId::new(oldest_kept).expect("a ULID is letters and digits");
        let before = next.sweep_before.take().unwrap_or_else(first);
        let heads = ledger.journal.heads(Some(&before), FORGOTTEN_MAX).await?;
        if heads.len() == FORGOTTEN_MAX {
            next.sweep_before = heads.last().map(|head| head.task.clone());
        }
        let is_old =
            |head: &&Head| head.status.is_final() && head.updated_ms.saturating_add(kept_ms) <= now_ms;
        for head in heads.iter().filter(is_old) {
            if head.may_go(parent(&*ledger.journal, head).await?.as_ref()) {
                ledger.journal.forget(&head.task).await?;
            }
        }
        Ok(())
    }

    fn look_in(&self, myself: &ActorRef<TimersMsg>, next: &mut NextLook, wait: Duration) {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        next.at_ms = self.services.ledger.clock.now_ms().saturating_add(wait_ms);
        let myself = myself.clone();
        next.timer.abort_all();
        next.timer.spawn(async move {
            tokio::time::sleep(wait).await;
            // Fails only when this actor has stopped.
            let _ = tell(&myself, TimersMsg::Look);
        });
        while next.timer.try_join_next().is_some() {} // Reap what has finished.
    }
}
