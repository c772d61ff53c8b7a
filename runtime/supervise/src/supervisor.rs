//! A supervisor of children known beforehand: what it is, as data. The actor is in `shell`.
//!
//! ```text
//!   Supervisor ──child()──▶ ChildSpec of the supervisor above ──start──▶ shell::Shell (actor)
//!       └──spawn_root()──▶ Root, when there is none above
//! ```

mod shell;

use std::{collections::HashSet, sync::Arc, time::Duration};

use playhouse_core::restart::{Intensity, Restart, Strategy};
use ractor::{Actor, ActorRef, RpcReplyPort};
use tokio::sync::watch;

use crate::{
    ChildSpec, Escalation, KILL_GRACE, Kind, RootError, Shutdown, StartError, Supervising, child,
    error::unwrap_spawn, spec::spawn_with, tree::Level,
};

/// Declares a supervisor: children that are started in order and stopped in reverse.
#[derive(Debug, Clone)]
pub struct Supervisor {
    id: Arc<str>,
    strategy: Strategy,
    intensity: Intensity,
    children: Arc<[ChildSpec]>,
}

/// What a supervisor may be sent. Opaque: ask it with [`tree`](crate::tree()).
#[derive(Debug)]
pub struct SupervisorMsg(shell::Request);

impl Supervising for SupervisorMsg {
    fn look(reply: RpcReplyPort<Level>) -> Self {
        Self(shell::Request::Look(reply))
    }
}

impl Supervisor {
    /// Declares it. `intensity` is for all children together, as in OTP. Panics when two children share an
    /// id, which is a mistake in the source.
    pub fn new(id: &str, strategy: Strategy, intensity: Intensity, children: Vec<ChildSpec>) -> Self {
        let mut ids = HashSet::new();
        for child in &children {
            assert!(ids.insert(&*child.id), "`{}` is twice among the children of `{id}`", child.id);
        }
        Self { id: id.into(), strategy, intensity, children: children.into() }
    }

    /// This supervisor as the child of another. It gets the time that its children get together, both to
    /// start and to stop.
    pub fn child(self, restart: Restart) -> ChildSpec {
        let kind = Kind::Supervisor(self.strategy);
        let startup = Duration::from_secs(1) + self.children.iter().map(|child| child.startup).sum();
        let shutdown = Shutdown::Timeout(self.shutdown_time());
        let id = self.id.to_string();
        let spec = child(id, restart, shutdown, spawn_with(shell::Shell(self), || None)).startup(startup);
        ChildSpec { kind, ..spec }
    }

    /// How long its children may take to stop, one after the other.
    pub fn shutdown_time(&self) -> Duration {
        let each = |child: &ChildSpec| match child.shutdown {
            Shutdown::Timeout(limit) => limit + KILL_GRACE,
            Shutdown::Kill => KILL_GRACE,
        };
        KILL_GRACE + self.children.iter().map(each).sum()
    }

    /// Starts it with nobody above. When it fails there is nothing left to restart it: see [`Root::ended`].
    #[expect(clippy::disallowed_methods, reason = "the root has no supervisor")]
    pub async fn spawn_root(self) -> Result<Root, StartError> {
        let id = self.id.to_string();
        let (ending, ended) = watch::channel(None);
        match Actor::spawn(None, shell::Shell(self), Some(ending)).await {
            Ok((supervisor, _)) => Ok(Root { supervisor, ended }),
            Err(error) => Err(match unwrap_spawn(error.into()).downcast::<StartError>() {
                Ok(error) => *error,
                Err(source) => StartError { child: id, source },
            }),
        }
    }
}

/// The top of a running tree. Dropping it stops nothing; that is [`shutdown`](crate::shutdown)'s business.
#[derive(Debug)]
pub struct Root {
    /// The supervisor itself.
    pub supervisor: ActorRef<SupervisorMsg>,
    ended: watch::Receiver<Option<Result<(), Escalation>>>,
}

impl Root {
    /// Waits until the tree has ended: well, when somebody stopped it, and with an error when it failed and
    /// the process should end, so that the init system starts it again. May be asked again and again.
    pub async fn ended(&mut self) -> Result<(), RootError> {
        match self.ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone().map_err(RootError::Escalated),
            _ => Err(RootError::Died),
        }
    }
}
