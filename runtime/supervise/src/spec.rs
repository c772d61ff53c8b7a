//! Children as data: everything a supervisor must know to start one, and to start it again.

use std::{
    fmt::{self, Debug},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use playhouse_core::restart::Restart;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, concurrency::JoinHandle};
use tokio::time::timeout;

use crate::{error::unwrap_spawn, tree::Kind, watched::Watched};

/// How long a child's `pre_start` may take unless its spec says otherwise. Long enough to recover a large
/// journal, short enough that a hang is noticed by the same night shift.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a child linked to the supervisor given, and answers when it is up.
pub type StartFn =
    Arc<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, ActorProcessingErr>> + Send + Sync>;

/// What `Actor::spawn_linked` answers.
pub type Spawned<M> = Result<(ActorRef<M>, JoinHandle<()>), SpawnErr>;

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Asked, and killed when it has not stopped within this time.
    Timeout(Duration),
    /// Killed at once: its `post_stop` does not run.
    Kill,
}

impl Shutdown {
    /// Asked, and killed after so many seconds.
    pub const fn secs(seconds: u64) -> Self {
        Self::Timeout(Duration::from_secs(seconds))
    }
}

/// A child of a supervisor. Made by [`child`], [`Slot::child`](crate::Slot::child),
/// [`Supervisor::child`](crate::Supervisor::child) or
/// [`DynamicSupervisor::child`](crate::DynamicSupervisor::child).
#[derive(Clone)]
#[non_exhaustive]
pub struct ChildSpec {
    /// Its name, unique among its siblings.
    pub id: String,
    /// What to do when it ends.
    pub restart: Restart,
    /// How to stop it.
    pub shutdown: Shutdown,
    /// How long it may take to start; [`START_TIMEOUT`] unless set.
    pub startup: Duration,
    /// What it is, for those who look at the tree.
    pub kind: Kind,
    /// How to start it, as often as needed.
    pub start: StartFn,
}

/// Declares a child. `start` is called for every start; it must link the actor to the supervisor it is
/// given, as `Actor::spawn_linked` does. For an actor that is `Clone`, `start` is [`spawn`]`(actor, args)`.
pub fn child<M, E, F, Fut>(id: impl Into<String>, restart: Restart, shutdown: Shutdown, start: F) -> ChildSpec
where
    M: 'static,
    E: Into<ActorProcessingErr>,
    F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(ActorRef<M>, JoinHandle<()>), E>> + Send + 'static,
{
    let start: StartFn = Arc::new(move |supervisor| {
        let starting = start(supervisor);
        Box::pin(async move { starting.await.map(|(actor, _)| actor.get_cell()).map_err(Into::into) })
    });
    ChildSpec { id: id.into(), restart, shutdown, startup: START_TIMEOUT, kind: Kind::Actor, start }
}

/// A start function for [`child`] that spawns a copy of `actor` each time, watched: the tree shows how many
/// messages wait for it and what it says of itself ([`note`](crate::note)), and a crash report names the message.
pub fn spawn<A>(
    actor: A,
    arguments: A::Arguments,
) -> impl Fn(ActorCell) -> BoxFuture<'static, Spawned<A::Msg>> + Send + Sync
where
    A: Actor + Clone,
    A::Arguments: Clone + Sync,
    A::Msg: Debug,
{
    spawn_with(Watched(actor), move || arguments.clone())
}

/// [`spawn`] for arguments that cannot be copied, only made; not watched.
pub(crate) fn spawn_with<A: Actor + Clone>(
    actor: A,
    arguments: impl Fn() -> A::Arguments + Send + Sync + 'static,
) -> impl Fn(ActorCell) -> BoxFuture<'static, Spawned<A::Msg>> + Send + Sync {
    move |supervisor| Actor::spawn_linked(None, actor.clone(), arguments(), supervisor).boxed()
}

impl ChildSpec {
    /// Gives it more, or less, time to start.
    pub fn startup(mut self, startup: Duration) -> Self {
        self.startup = startup;
        self
    }

    /// Starts it once. A panic, wherever it happens, and a hang are errors like any other.
    pub(crate) async fn start(&self, supervisor: ActorCell) -> Result<ActorCell, ActorProcessingErr> {
        // The function itself may panic before it returns its future, so it is called inside.
        let starting = AssertUnwindSafe(async { (self.start)(supervisor).await }).catch_unwind();
        match timeout(self.startup, starting).await {
            Ok(Ok(outcome)) => outcome.map_err(unwrap_spawn),
            Ok(Err(_)) => Err("its start function panicked".into()),
            Err(_) => Err(format!("it was not up within {:?}", self.startup).into()),
        }
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, restart, shutdown, startup, kind, start: _ } = self;
        f.debug_struct("ChildSpec")
            .field("id", id)
            .field("restart", restart)
            .field("shutdown", shutdown)
            .field("startup", startup)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}
