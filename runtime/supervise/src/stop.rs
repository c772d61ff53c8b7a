//! Stopping: asked first, killed when the time is up, waited for in both cases.
//!
//! ```text
//!   stop ──▶ wait(timeout) ──▶ kill ──▶ wait(KILL_GRACE) ──▶ go on without it
//! ```

use std::time::Duration;

use futures_util::future::join_all;
use ractor::{ActorCell, ActorRef, Message};

use crate::{Shutdown, Unavailable};

/// How long a killed actor may take to be gone. A kill takes effect at the actor's next `.await`, so only
/// one that blocks its thread needs longer, and it may never come back.
pub const KILL_GRACE: Duration = Duration::from_secs(2);

/// Stops a supervisor, or any actor, and waits until it and everything below it are gone. What has not
/// stopped within `timeout` is killed, in no order, and reported as an error: below a
/// supervisor, its descendants then die without being waited for.
pub async fn shutdown<M: Message>(actor: &ActorRef<M>, timeout: Duration) -> Result<(), Unavailable> {
    let cell = actor.get_cell();
    if stop(&cell, Shutdown::Timeout(timeout)).await {
        return Ok(());
    }
    Err(Unavailable(cell.get_name().unwrap_or_else(|| cell.get_id().to_string())))
}

/// What is linked to us but not known: children whose start was cut short between link and report. They
/// had no time to do anything that takes long to finish.
pub(crate) fn strangers(
    myself: &ActorCell,
    known: impl Fn(&ActorCell) -> bool,
) -> impl Iterator<Item = (ActorCell, Shutdown)> {
    let linked = myself.get_children().into_iter();
    linked.filter(move |actor| !known(actor)).map(|actor| (actor, Shutdown::Timeout(KILL_GRACE)))
}

/// Stops one actor; whether it went in time and by itself.
pub(crate) async fn stop(actor: &ActorCell, how: Shutdown) -> bool {
    if let Shutdown::Timeout(limit) = how {
        // Not `stop_and_wait`: that fails at once when somebody else has asked already.
        actor.stop(None);
        if actor.wait(Some(limit)).await.is_ok() {
            return true;
        }
    }
    actor.kill();
    if actor.wait(Some(KILL_GRACE)).await.is_err() {
        tracing::error!(actor = %actor.get_id(), "killed, but stuck in blocking code; going on without it");
    }
    how == Shutdown::Kill
}

/// Stops actors one after the other.
pub(crate) async fn stop_each(actors: impl IntoIterator<Item = (ActorCell, Shutdown)>) {
    for (actor, how) in actors {
        stop(&actor, how).await;
    }
}

/// Stops actors all at once.
pub(crate) async fn stop_together(actors: impl IntoIterator<Item = (ActorCell, Shutdown)>) {
    join_all(actors.into_iter().map(|(actor, how)| async move { stop(&actor, how).await })).await;
}
