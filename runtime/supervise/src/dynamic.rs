//! A supervisor of children that come and go: what it is, as data, and how to ask it for a child.
//!
//! ```text
//!   Slot<DynamicMsg> ── start_child(spec) ──▶ shell::Shell ──▶ child "t1"   each with its own history:
//!                    ── stop_child(id)    ──▶              ──▶ child "t2"   one gives up, the rest live
//! ```

mod shell;

use std::{fmt, sync::Arc, time::Duration};

use playhouse_core::restart::{Intensity, Restart};
use ractor::{ActorCell, RpcReplyPort, rpc::CallResult};

use crate::{
    ChildSpec, Kind, Shutdown, Slot, StartChildError, Supervising, Unavailable, spec::spawn_with, tree::Level,
};

/// Declares a supervisor of children that are added while it runs.
///
/// The children know nothing of each other: one's failure restarts that one, `intensity` is counted for
/// each alone, and one that fails too often is given up while its siblings live on. The supervisor itself
/// never fails because of a child. When it stops, all children stop at the same time.
#[derive(Clone)]
pub struct DynamicSupervisor {
    id: Arc<str>,
    intensity: Intensity,
    max_children: usize,
    on_give_up: Arc<dyn Fn(GaveUp) + Send + Sync>,
}

/// A child failed and will not be started again: it did so too often, or it is [`Restart::Temporary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp {
    /// The child, by its id.
    pub child: String,
    /// How it failed last.
    pub reason: String,
    /// How often it had been started again.
    pub restarts: u32,
}

/// What a dynamic supervisor may be sent. Opaque: see [`Slot::start_child`] and [`Slot::stop_child`].
#[derive(Debug)]
pub struct DynamicMsg(shell::Request);

impl Supervising for DynamicMsg {
    fn look(reply: RpcReplyPort<Level>) -> Self {
        Self(shell::Request::Look(reply))
    }
}

impl DynamicSupervisor {
    /// Declares it. `max_restarts: 2` means that the third failure within the period is one too many.
    /// `on_give_up` runs inside the supervisor: it must be quick and not block, like sending a
    /// message. By then the child is gone, and its id is free.
    pub fn new(
        intensity: Intensity,
        max_children: usize,
        on_give_up: impl Fn(GaveUp) + Send + Sync + 'static,
    ) -> Self {
        Self { id: "".into(), intensity, max_children, on_give_up: Arc::new(on_give_up) }
    }

    /// This supervisor as the child of another, to be reached through `slot`. `shutdown` must be longer than
    /// that of any child it will get: it is the bound for all of them together.
    pub fn child(self, slot: &Slot<DynamicMsg>, restart: Restart, shutdown: Shutdown) -> ChildSpec {
        let shell = shell::Shell(Self { id: slot.id().into(), ..self });
        let spec = slot.child(restart, shutdown, spawn_with(shell, || ()));
        ChildSpec { kind: Kind::Dynamic, ..spec }
    }
}

impl Slot<DynamicMsg> {
    /// Adds a child and waits until it is up. A child that fails to start is forgotten. After a timeout it
    /// may come up all the same; stopping it by its id is always safe.
    ///
    /// The actor returned is the child's first: give the spec a [`Slot`] to follow it through restarts.
    pub async fn start_child(
        &self,
        spec: ChildSpec,
        timeout: Duration,
    ) -> Result<ActorCell, StartChildError> {
        let start = |reply| DynamicMsg(shell::Request::Start(Box::new(spec), reply));
        match self.get()?.call(start, Some(timeout)).await {
            Ok(CallResult::Success(outcome)) => outcome,
            _ => Err(Unavailable(self.id().into()).into()),
        }
    }

    /// Stops a child, within its own shutdown, and waits until it is gone. No such child is fine too.
    pub async fn stop_child(&self, id: &str, timeout: Duration) -> Result<(), Unavailable> {
        let stop = |reply| DynamicMsg(shell::Request::Stop(id.into(), reply));
        match self.get()?.call(stop, Some(timeout)).await {
            Ok(CallResult::Success(())) => Ok(()),
            _ => Err(Unavailable(self.id().into())),
        }
    }
}

impl fmt::Debug for DynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, intensity, max_children, on_give_up: _ } = self;
        f.debug_struct("DynamicSupervisor")
            .field("id", id)
            .field("intensity", intensity)
            .field("max_children", max_children)
            .finish_non_exhaustive()
    }
}
