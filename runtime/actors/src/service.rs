//! An actor around something that must always run: a child process, a committer thread.
//!
//! An adapter that owns such a thing offers a future that ends when the thing dies. The actor runs it; when
//! it ends the actor fails, and its supervisor starts both again. Waiting before a new attempt is part of
//! the adapter's future: it knows its resource.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use playhouse_supervise::{Figure, note};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;

use crate::promise::Promise;

/// Starts the thing and runs it until it dies; says why.
pub type Run = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

tokio::task_local! {
    /// The actor of the thing that is being run.
    static MYSELF: ActorRef<Died>;
}

/// Shows `figures` in the tree as the state of the service whose [`Run`] calls this, until it shows others. Does nothing
/// elsewhere.
pub fn show(figures: &[Figure]) {
    // An error: this is no service, so there is no place to show it at.
    let _ = MYSELF.try_with(|myself| note(myself, figures));
}

/// Keeps something running.
#[derive(Clone)]
pub(crate) struct Service {
    run: Run,
}

impl Service {
    /// Keeps `run` running.
    pub(crate) fn new(run: Run) -> Self {
        Self { run }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

/// Sent by the service's own job: the thing died, for this reason.
#[derive(Debug)]
pub(crate) struct Died(String);

impl Actor for Service {
    type Msg = Died;
    type State = JoinSet<()>;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Died>, (): ()) -> Result<JoinSet<()>, ActorProcessingErr> {
        let mut jobs = JoinSet::new();
        let running = MYSELF.scope(myself.clone(), (self.run)());
        // Also a panic in the adapter is a death that must be reported.
        let died = Promise::new(
            || Died("it panicked".into()),
            move |died| {
                // Fails only when the service has stopped meanwhile.
                let _ = myself.cast(died);
            },
        );
        jobs.spawn(async move { died.keep(Died(running.await)) });
        Ok(jobs)
    }

    async fn handle(
        &self,
        _: ActorRef<Died>,
        Died(reason): Died,
        _: &mut JoinSet<()>,
    ) -> Result<(), ActorProcessingErr> {
        Err(reason.into())
    }
}
