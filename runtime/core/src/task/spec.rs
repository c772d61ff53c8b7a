//! What was submitted.

use serde::{Deserialize, Serialize};

use crate::{
    agent::Pinned,
    id::{SessionId, TaskId, Tenant},
    labels::Labels,
    message::Message,
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
    /// The end of its time whatever it does, also while it waits; in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Where it comes from, if not from outside.
    #[serde(default, skip_serializing_if = "Lineage::is_none")]
    pub lineage: Lineage,
}

/// The tasks a task comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// The task that made this one and waits for its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// Generations above it.
    pub depth: u32,
    /// The task whose history it shares, and the step from which on it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked: Option<(TaskId, u32)>,
    /// The conversation that was handed to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Message>,
}

impl Lineage {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
