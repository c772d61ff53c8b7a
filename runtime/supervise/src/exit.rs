//! How a child ended, read out of ractor's events.

use playhouse_core::restart::Exit;
use ractor::{ActorCell, SupervisionEvent};
use tokio::time::Instant;

use crate::error::chain;

/// A child's end, and why.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) exit: Exit,
    pub(crate) reason: String,
}

impl Ending {
    /// A failure.
    pub(crate) fn failure(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { exit: Exit::Abnormal, reason: chain(error) }
    }

    /// The end that `event` tells of, if it tells of one.
    pub(crate) fn of(event: SupervisionEvent) -> Option<(ActorCell, Self)> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) => Some((actor, Self::failure(&*error))),
            SupervisionEvent::ActorTerminated(actor, state, reason) => {
                // ractor tells a kill from a stop by this word, or by keeping the state to itself.
                let killed = state.is_none() || reason.as_deref() == Some("killed");
                let exit = if killed { Exit::Abnormal } else { Exit::Normal };
                Some((actor, Self { exit, reason: reason.unwrap_or_else(|| "stopped".into()) }))
            }
            _ => None,
        }
    }
}

/// Milliseconds since a supervisor started, which is all the time that its history needs.
pub(crate) fn now_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
