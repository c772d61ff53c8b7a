//! What tasks wait for.

use playhouse_core::task;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::mirror;

mirror! {
    /// What a parked task waits for, in one word.
    Waiting from task::Waiting, "snake_case" {
        /// Somebody paused it.
        Paused,
        /// A person's decision.
        Approval,
        /// A message from outside.
        Signal,
        /// Tasks of its own.
        Children,
        /// A point in time.
        Timer,
    }
}

mirror! {
    /// How the ends of tasks become the result of the call that waits for them.
    Join from task::Join, "snake_case" {
        /// The one task's end is the result.
        One,
        /// A list with an entry for each.
        All,
        /// The task's answer is this one's answer.
        HandOff,
    }
}

/// What one call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// A person who agrees to the call, or does not.
    Approval {
        /// Why a person is asked.
        reason: String,
        /// Then it counts as denied, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A person who knows what became of the call.
    Verdict {
        /// Then it counts as unknown, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A message from outside.
    Signal {
        /// Its name.
        name: String,
        /// Then the model is told that none came, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A point in time.
    Timer {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Tasks that this one made.
    Children {
        /// In the order of their results.
        tasks: Vec<String>,
        /// How many may run at once.
        parallel: u32,
        /// What becomes of their ends.
        join: Join,
    },
}

/// A call that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingCall {
    /// Names the call; decisions say it.
    pub effect_id: String,
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
    /// SHA-256 of the arguments, in hex: a decision that says it is refused when they are others by then.
    pub args_digest: String,
    /// What for, and until when.
    #[serde(flatten)]
    pub wait: Wait,
}

impl From<task::Wait> for Wait {
    fn from(wait: task::Wait) -> Self {
        match wait {
            task::Wait::Approval { reason, expires_ms } => Self::Approval { reason, expires_ms },
            task::Wait::Verdict { expires_ms } => Self::Verdict { expires_ms },
            task::Wait::Signal { name, expires_ms } => Self::Signal { name, expires_ms },
            task::Wait::Timer { at_ms } => Self::Timer { at_ms },
            task::Wait::Children { tasks, parallel, join } => {
                let tasks = tasks.into_iter().map(String::from).collect();
                Self::Children { tasks, parallel, join: join.into() }
            }
        }
    }
}

impl From<task::WaitView> for WaitingCall {
    fn from(view: task::WaitView) -> Self {
        let task::WaitView { effect_id, tool, arguments, args_digest, wait } = view;
        Self { effect_id: effect_id.0, tool, arguments, args_digest, wait: wait.into() }
    }
}
