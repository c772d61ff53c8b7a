//! The supervision tree as callers see it: who is there, since when, and how it fares.

use serde::{Deserialize, Serialize};

/// A supervisor or actor, and what it supervises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeNode {
    /// Its name, unique among its siblings.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// How it is.
    pub status: NodeStatus,
    /// How often it was started again after its own failure, since its supervisor started.
    pub restarts: u32,
    /// Why it ended last, if it ever did.
    pub last_exit: Option<String>,
    /// How long it has been up, in milliseconds; `None` while it is not.
    pub up_ms: Option<u64>,
    /// Messages that wait in its mailbox; `None` where nobody counts.
    pub queue_depth: Option<usize>,
    /// What it says of itself, such as `3 running, 5 waiting`.
    pub state: Option<String>,
    /// The kind of message it handles, or handled last.
    pub last_message: Option<String>,
    /// Its children: in start order, or by name where they come and go.
    pub children: Vec<TreeNode>,
    /// Children that are not listed, since they work for other tenants.
    pub hidden: usize,
}

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// It supervises nobody.
    Actor,
    /// A supervisor of children that come and go and know nothing of each other.
    Dynamic,
    /// A supervisor that restarts the child that failed.
    OneForOne,
    /// A supervisor that restarts the child that failed and those started after it.
    RestForOne,
    /// A supervisor that restarts all children when one fails.
    OneForAll,
}

/// How a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Starting, for the first time or again.
    Starting,
    /// Up.
    Running,
    /// Asked to stop.
    Stopping,
    /// Ended, and not to be started again for now.
    Down,
    /// A supervisor that is up but did not answer in time; its children are not shown.
    Unresponsive,
}
