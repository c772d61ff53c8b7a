//! The live tree, for people who want to look at it.
//!
//! Each supervisor answers for its own level, at once and from memory; [`tree`] walks from level to level.
//! So no supervisor ever waits for another, and one that does not answer costs the picture its branch only.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use playhouse_core::restart::Strategy;
use ractor::{ActorCell, ActorRef, Message, RpcReplyPort, rpc::CallResult};
use serde::Serialize;
use tokio::time::Instant;

use crate::{DynamicMsg, SupervisorMsg, Unavailable, vitals::Vitals};

/// A supervisor or actor, and what it supervises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// Its id, unique among its siblings.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// How it is.
    pub status: Status,
    /// How often it was started again after its own failure, since its supervisor started.
    pub restarts: u32,
    /// Why it ended last, if it ever did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// How long it has been up, in milliseconds; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_ms: Option<u64>,
    /// Messages that wait in its mailbox; absent where nobody counts. See [`tell`](crate::tell).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<usize>,
    /// What it says of itself, such as `3 running, 5 waiting`. See [`note`](crate::note).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The kind of message it handles, or handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<String>,
    /// Its children: in start order, or by id below a dynamic supervisor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Tree>,
}

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An actor that supervises nothing we know of.
    Actor,
    /// A [`DynamicSupervisor`](crate::DynamicSupervisor).
    Dynamic,
    /// A [`Supervisor`](crate::Supervisor) of this strategy, written as the strategy alone.
    #[serde(untagged)]
    Supervisor(Strategy),
}

/// How a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
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

impl Tree {
    /// The descendant found by following ids downwards.
    pub fn at(&self, path: &[&str]) -> Option<&Tree> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        self.children.iter().find(|child| child.id == *first)?.at(rest)
    }
}

/// Looks at the tree below `supervisor`. Answers after `timeout` at the latest, then with what it has seen.
pub async fn tree<S: Supervising>(supervisor: &ActorRef<S>, timeout: Duration) -> Result<Tree, Unavailable> {
    let deadline = Instant::now() + timeout;
    let Some(level) = ask(supervisor, deadline).await else {
        return Err(Unavailable(format!("supervisor {}", supervisor.get_id())));
    };
    let children = join_all(level.rows.into_iter().map(|row| row.grow(deadline))).await;
    let Level { id, kind, up_ms, .. } = level;
    Ok(Tree {
        id,
        kind,
        status: Status::Running,
        restarts: 0,
        last_exit: None,
        up_ms: Some(up_ms),
        queue_depth: None,
        state: None,
        last_message: None,
        children,
    })
}

/// The messages of actors that can be looked below.
pub trait Supervising: Message {
    #[doc(hidden)]
    fn look(reply: RpcReplyPort<Level>) -> Self;
}

/// A supervisor's own level of the tree.
#[doc(hidden)]
#[derive(Debug)]
pub struct Level {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) up_ms: u64,
    pub(crate) rows: Vec<Row>,
}

/// A child, and where to ask for what is below it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) restarts: u32,
    pub(crate) last_exit: Option<String>,
    pub(crate) up_ms: Option<u64>,
    pub(crate) vitals: Option<Arc<Vitals>>,
    pub(crate) below: Option<ActorCell>,
}

impl Row {
    /// This child with everything below it.
    fn grow(self, deadline: Instant) -> BoxFuture<'static, Tree> {
        Box::pin(async move {
            let Self { id, kind, mut status, restarts, last_exit, up_ms, vitals, below } = self;
            let vitals = vitals.as_deref();
            let mut children = Vec::new();
            if let Some(below) = below {
                match ask_cell(below, kind, deadline).await {
                    Some(level) => {
                        children = join_all(level.rows.into_iter().map(|row| row.grow(deadline))).await;
                    }
                    None if status == Status::Running => status = Status::Unresponsive,
                    None => {}
                }
            }
            Tree {
                id,
                kind,
                status,
                restarts,
                last_exit,
                up_ms,
                queue_depth: vitals.map(Vitals::queue_depth),
                state: vitals.and_then(Vitals::state),
                last_message: vitals.and_then(Vitals::last_message),
                children,
            }
        })
    }
}

async fn ask_cell(supervisor: ActorCell, kind: Kind, deadline: Instant) -> Option<Level> {
    match kind {
        Kind::Actor => None,
        Kind::Supervisor(_) => ask::<SupervisorMsg>(&supervisor.into(), deadline).await,
        Kind::Dynamic => ask::<DynamicMsg>(&supervisor.into(), deadline).await,
    }
}

async fn ask<S: Supervising>(supervisor: &ActorRef<S>, deadline: Instant) -> Option<Level> {
    let timeout = deadline.saturating_duration_since(Instant::now());
    match supervisor.call(S::look, Some(timeout)).await {
        Ok(CallResult::Success(level)) => Some(level),
        _ => None,
    }
}
