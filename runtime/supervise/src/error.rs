//! What can go wrong with a tree, as its callers see it.

use std::error::Error as StdError;

use playhouse_core::restart::Intensity;
use ractor::{ActorProcessingErr, SpawnErr};

/// A child could not start. Nested supervisors nest: the chain of sources leads to the culprit.
#[derive(Debug, thiserror::Error)]
#[error("failed to start `{child}`")]
pub struct StartError {
    /// The child, by its id.
    pub child: String,
    /// What its start function or `pre_start` said.
    pub source: ActorProcessingErr,
}

/// Why a supervisor failed: one of its children kept doing so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{child}` of `{supervisor}` failed once more after {} restarts within {} ms: {reason}",
    intensity.max_restarts, intensity.period_ms
)]
pub struct Escalation {
    /// The supervisor that gave up.
    pub supervisor: String,
    /// The child that failed last.
    pub child: String,
    /// How it failed.
    pub reason: String,
    /// What was bearable.
    pub intensity: Intensity,
}

/// How a root supervisor ended, if it was not by being stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// A child failed too often, and there is nobody above to try again.
    #[error(transparent)]
    Escalated(#[from] Escalation),
    /// It was killed, or panicked.
    #[error("the root supervisor died")]
    Died,
}

/// Nobody there to answer: not started, being restarted, gone, or too slow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not available")]
pub struct Unavailable(
    /// Who was asked.
    pub String,
);

/// Why a dynamic child is not there.
#[derive(Debug, thiserror::Error)]
pub enum StartChildError {
    /// Its supervisor does not answer. The child may still appear if the call timed out.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A child of this id runs already.
    #[error("`{0}` runs already")]
    Exists(String),
    /// The supervisor has as many children as it may.
    #[error("`{supervisor}` already has its {max} children")]
    Full {
        /// The supervisor.
        supervisor: String,
        /// Its bound.
        max: usize,
    },
    /// It failed to start, and is not tried again.
    #[error(transparent)]
    Failed(#[from] StartError),
    /// Its supervisor stopped, or was asked to stop the child, before it was up.
    #[error("`{0}` was stopped before it was up")]
    Stopped(String),
}

/// `error` and what caused it, in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

/// The error of a `pre_start` without ractor's wrapping, which calls every one of them a panic.
pub(crate) fn unwrap_spawn(error: ActorProcessingErr) -> ActorProcessingErr {
    match error.downcast::<SpawnErr>() {
        Ok(spawn) => match *spawn {
            SpawnErr::StartupFailed(inner) => inner,
            other => other.into(),
        },
        Err(other) => other,
    }
}
