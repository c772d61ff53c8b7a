//! The supervision tree.

use playhouse_api::TreeNode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mirror;

mirror! {
    /// What a node of the tree is; of a supervisor, whom it restarts when one child fails.
    NodeKind from playhouse_api::NodeKind, "snake_case" {
        /// It supervises nobody.
        Actor,
        /// A supervisor whose children come and go; the one that failed.
        Dynamic,
        /// The one that failed.
        OneForOne,
        /// The one that failed and those started after it.
        RestForOne,
        /// All of them.
        OneForAll,
    }
}

mirror! {
    /// How a node of the tree is.
    NodeStatus from playhouse_api::NodeStatus, "snake_case" {
        /// Starting, for the first time or again.
        Starting,
        /// Up.
        Running,
        /// Asked to stop.
        Stopping,
        /// Ended, and not to be started again for now.
        Down,
        /// Did not answer in time; its children are not shown.
        Unresponsive,
    }
}

/// A supervisor or actor, and what it supervises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its name, unique among its siblings.
    #[schema(example = "dispatcher")]
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// How it is.
    pub status: NodeStatus,
    /// How often it was started again after its own failure, since its supervisor started.
    pub restarts: u32,
    /// Why it ended last; absent if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// How long it has been up, in milliseconds; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_ms: Option<u64>,
    /// Messages that wait in its mailbox; absent for supervisors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<usize>,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "3 running, 5 waiting")]
    pub state: Option<String>,
    /// The kind of message it handles, or handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<String>,
    /// Its children: in start order, or by name where they come and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<Node>,
    /// Children that are not listed, since they work for other tenants.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl From<TreeNode> for Node {
    fn from(node: TreeNode) -> Self {
        let TreeNode { id, kind, status, restarts, last_exit, up_ms, .. } = node;
        let TreeNode { queue_depth, state, last_message, children, hidden, .. } = node;
        let children = children.into_iter().map(Into::into).collect();
        let (kind, status) = (kind.into(), status.into());
        Self {
            id,
            kind,
            status,
            restarts,
            last_exit,
            up_ms,
            queue_depth,
            state,
            last_message,
            children,
            hidden,
        }
    }
}
