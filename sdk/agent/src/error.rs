//! Everything that can go wrong, in words that say what to do.

use std::fmt;

use playhouse_api::ApiError;
use playhouse_assembly::{BadConfig, BuildError};
use playhouse_core::{
    id::TaskId,
    task::{TaskError, TaskErrorKind},
};

/// Why there is no agent, no house or no answer.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An agent or one of its tools cannot work as it is defined.
    #[error("agent `{agent}`: {problem}")]
    Definition {
        /// Which agent.
        agent: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The house cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No temporary data directory could be made.
    #[error("failed to make a temporary data directory: {0}; name one with `.data(…)`")]
    Data(#[source] std::io::Error),
    /// A local model is wanted, but this program cannot become its worker.
    #[error(
        "model `{model}` runs in a child process of this same program: make `playhouse::worker_entry();` the \
         first line of `main`, or name a program that does so with `.worker(…)`; \
         in a test, use `playhouse::testing::ScriptedModel`"
    )]
    NoWorker {
        /// Alias of the model.
        model: String,
    },
    /// The name cannot be used.
    #[error("`{name}` cannot name a session: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: playhouse_core::id::BadName,
    },
    /// The house refused the request.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The task ended without an answer.
    #[error("task {task} failed: {error}")]
    Failed {
        /// Which task.
        task: TaskId,
        /// What happened and what to do next.
        error: TaskError,
    },
    /// Somebody cancelled the task.
    #[error("task {task} was cancelled: {reason}")]
    Cancelled {
        /// Which task.
        task: TaskId,
        /// In the caller's words.
        reason: String,
    },
    /// The task crashed again and again and was set aside.
    #[error("task {task} was set aside after repeated crashes: {reason}; this is a bug worth a report")]
    Quarantined {
        /// Which task.
        task: TaskId,
        /// The last crash.
        reason: String,
    },
    /// The answer is not of the type that was asked for.
    #[error(
        "the answer is no `{wanted}`: {problem}; the answer was: {answer}{}",
        if *.declared { "" } else { "; let the agent know its type with `.returns::<…>()`" }
    )]
    Answer {
        /// The type that was asked for.
        wanted: &'static str,
        /// What does not fit.
        problem: String,
        /// What the agent said, shortened.
        answer: String,
        /// Whether the agent was told the shape of its answers.
        declared: bool,
    },
}

/// In words, since this is what `fn main() -> Result<(), playhouse::Error>` prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The kind of failure, when a task failed.
    pub fn failure(&self) -> Option<TaskErrorKind> {
        match self {
            Self::Failed { error, .. } => Some(error.kind),
            _ => None,
        }
    }
}

impl From<BadConfig> for Error {
    fn from(error: BadConfig) -> Self {
        Self::Build(error.into())
    }
}
