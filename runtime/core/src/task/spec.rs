//! What was submitted.

use serde::{Deserialize, Serialize};

use crate::{
    agent::Pinned,
    id::{SessionId, TaskId, Tenant},
    labels::Labels,
};

/// A submission, complete: a task needs nothing else to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Its name.
    pub id: TaskId,
    /// Whose it is.
    pub tenant: Tenant,
    /// The conversation it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What its turn is about, for dropping a finished topic later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What the caller said.
    pub input: String,
    /// Agent, tools and model, fixed (J8).
    pub pinned: Pinned,
    /// Given by the caller; carried to every record of the task.
    #[serde(default)]
    pub labels: Labels,
    /// Milliseconds since 1970.
    pub submitted_ms: u64,
}

impl TaskSpec {
    /// When the task's time is up, in milliseconds since 1970.
    pub fn deadline_ms(&self) -> u64 {
        self.submitted_ms.saturating_add(self.pinned.agent.limits.time_ms)
    }
}
