//! Where clients find an actor that may be restarted.
//!
//! ```text
//!   start function ──fills──▶ Slot ◀──get── client A
//!   (every start)              └──── get ── client B
//! ```
//!
//! An `ActorRef` dies with its actor, so clients keep the slot and ask it for the newest one. ractor's
//! registry would do too, but it is one table per process: two trees in one test binary would collide.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use playhouse_core::restart::Restart;
use ractor::{ActorCell, ActorProcessingErr, ActorRef, ActorStatus, concurrency::JoinHandle};
use tokio::{sync::Notify, time::timeout};

use crate::{ChildSpec, Shutdown, Unavailable, child};

/// The address of a supervised actor, valid across its restarts. Cheap to clone.
pub struct Slot<M> {
    id: Arc<str>,
    held: Arc<Held<M>>,
}

struct Held<M> {
    newest: Mutex<Option<ActorRef<M>>>,
    /// Wakes who waits in the order they came, unlike tokio's `watch`, so that a simulated run can be repeated.
    filled: Notify,
}

impl<M> Held<M> {
    fn newest(&self) -> MutexGuard<'_, Option<ActorRef<M>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Send + 'static> Slot<M> {
    /// An empty slot for the child that will be called `id`.
    pub fn new(id: &str) -> Self {
        Self { id: id.into(), held: Arc::new(Held { newest: Mutex::new(None), filled: Notify::new() }) }
    }

    /// The id of the child that fills it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The actor, if it is alive now. It may still die before it reads your message: a call to it needs a
    /// timeout and its caller an answer to that.
    pub fn get(&self) -> Result<ActorRef<M>, Unavailable> {
        let newest = self.held.newest();
        newest.as_ref().filter(|actor| is_alive(actor)).cloned().ok_or_else(|| self.unavailable())
    }

    /// The actor, waiting this long for it to be (re)started.
    pub async fn wait(&self, limit: Duration) -> Result<ActorRef<M>, Unavailable> {
        let found = async {
            loop {
                // Listens before it looks, so that a fill between the two is not missed.
                let mut filled = pin!(self.held.filled.notified());
                filled.as_mut().enable();
                if let Ok(actor) = self.get() {
                    return actor;
                }
                filled.await;
            }
        };
        timeout(limit, found).await.map_err(|_| self.unavailable())
    }

    /// Declares the child that fills this slot: like [`child`], under the slot's id.
    pub fn child<E, F, Fut>(&self, restart: Restart, shutdown: Shutdown, start: F) -> ChildSpec
    where
        E: Into<ActorProcessingErr> + 'static,
        F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(ActorRef<M>, JoinHandle<()>), E>> + Send + 'static,
    {
        let slot = self.clone();
        child(&*self.id, restart, shutdown, move |supervisor| {
            let (slot, starting) = (slot.clone(), start(supervisor));
            async move { starting.await.inspect(|(actor, _)| slot.fill(actor.clone())) }
        })
    }

    /// Puts `actor` in. For those who start actors without a supervisor, such as tests.
    pub fn fill(&self, actor: ActorRef<M>) {
        *self.held.newest() = Some(actor);
        self.held.filled.notify_waiters();
    }

    fn unavailable(&self) -> Unavailable {
        Unavailable(self.id.to_string())
    }
}

/// An actor that drains or stops takes no more messages, so it counts as gone.
fn is_alive<M>(actor: &ActorRef<M>) -> bool {
    actor.get_status() < ActorStatus::Draining
}

// Derived impls would ask `M` to be `Clone` and `Debug`.
impl<M> Clone for Slot<M> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), held: self.held.clone() }
    }
}

impl<M> fmt::Debug for Slot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.id).finish()
    }
}
