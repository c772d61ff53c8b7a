//! A look at the supervision tree, for the caller's eyes.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use playhouse_api::{ApiError, Caller, NodeKind, NodeStatus, TreeNode};
use playhouse_core::{id::TaskId, restart::Strategy};
use playhouse_supervise::{Kind, Status, Tree, tree};

use super::{Runtime, no_answer};
use crate::{planners::PLANNERS, services::NoAnswer};

/// A supervisor answers from memory; one that takes longer is stuck, and the rest is shown without it.
const LOOK_TIME: Duration = Duration::from_secs(2);
/// Heads of tasks read at once, to learn whose they are: some, so that a thousand planners do not crowd out
/// other readers of the journal.
const HEADS_AT_ONCE: usize = 16;

impl Runtime {
    pub(super) async fn look(&self, caller: &Caller) -> Result<TreeNode, ApiError> {
        let root = self.root.get().map_err(|_| no_answer(NoAnswer("the supervision tree")))?;
        let seen = tree(&root, LOOK_TIME).await.map_err(|_| no_answer(NoAnswer("the supervision tree")))?;
        let mut top = node(seen);
        if let Some(planners) = find(&mut top, PLANNERS) {
            self.hide_others(caller, planners).await;
        }
        Ok(top)
    }

    /// A planner is named after its task, so callers see those of their own tenant only.
    async fn hide_others(&self, caller: &Caller, planners: &mut TreeNode) {
        let all = std::mem::take(&mut planners.children);
        let count = all.len();
        let own = |planner: TreeNode| async move {
            let task = TaskId::new(&planner.id).ok()?;
            self.head(caller, &task).await.is_ok().then_some(planner)
        };
        planners.children = stream::iter(all)
            .map(own)
            .buffered(HEADS_AT_ONCE)
            .filter_map(|own| async { own })
            .collect()
            .await;
        planners.hidden = count - planners.children.len();
    }
}

fn find<'a>(top: &'a mut TreeNode, id: &str) -> Option<&'a mut TreeNode> {
    if top.id == id {
        return Some(top);
    }
    top.children.iter_mut().find_map(|child| find(child, id))
}

fn node(tree: Tree) -> TreeNode {
    let Tree { id, kind, status, restarts, last_exit, up_ms, queue_depth, state, last_message, children } =
        tree;
    TreeNode {
        id,
        kind: match kind {
            Kind::Actor => NodeKind::Actor,
            Kind::Dynamic => NodeKind::Dynamic,
            Kind::Supervisor(Strategy::OneForOne) => NodeKind::OneForOne,
            Kind::Supervisor(Strategy::RestForOne) => NodeKind::RestForOne,
            Kind::Supervisor(Strategy::OneForAll) => NodeKind::OneForAll,
        },
        status: match status {
            Status::Starting => NodeStatus::Starting,
            Status::Running => NodeStatus::Running,
            Status::Stopping => NodeStatus::Stopping,
            Status::Down => NodeStatus::Down,
            Status::Unresponsive => NodeStatus::Unresponsive,
        },
        restarts,
        last_exit,
        up_ms,
        queue_depth,
        state,
        last_message,
        children: children.into_iter().map(node).collect(),
        hidden: 0,
    }
}
