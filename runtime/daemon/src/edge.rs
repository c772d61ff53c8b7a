//! The HTTP face as an actor: the last child of the tree, started last and stopped first.

use std::{io, net::SocketAddr, sync::Arc};

use playhouse_api::RuntimeApi;
use playhouse_assembly::{Runtime, tell};
use playhouse_http::Options;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

/// Listens and answers.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) addr: SocketAddr,
    pub(crate) runtime: Runtime,
    pub(crate) options: Options,
}

/// Sent by the edge's own job: the listener ended.
#[derive(Debug)]
pub(crate) struct Ended(io::Result<()>);

/// The running listener, and how to stop it.
#[derive(Debug)]
pub(crate) struct EdgeState {
    stop: Option<oneshot::Sender<()>>,
    serving: JoinSet<()>,
}

impl Actor for Edge {
    type Msg = Ended;
    type State = EdgeState;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Ended>, (): ()) -> Result<EdgeState, ActorProcessingErr> {
        let addr = self.addr;
        let listener = TcpListener::bind(addr).await.map_err(|error| cannot_listen(addr, &error))?;
        tracing::info!("listening on http://{}", listener.local_addr()?);
        let api: Arc<dyn RuntimeApi> = Arc::new(self.runtime.clone());
        let router = playhouse_http::router(api, self.options.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut guard = Guard(myself, Some(io::Error::other("the listener panicked")));
            // A dropped sender means stop, too.
            let ended = playhouse_http::serve(listener, router, async { drop(stopped.await) }).await;
            guard.1 = ended.err();
        });
        Ok(EdgeState { stop: Some(stop), serving })
    }

    async fn handle(
        &self,
        _: ActorRef<Ended>,
        Ended(ended): Ended,
        _: &mut EdgeState,
    ) -> Result<(), ActorProcessingErr> {
        match ended {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes no more requests and lets those in flight finish; the supervisor bounds how long.
    async fn post_stop(&self, _: ActorRef<Ended>, state: &mut EdgeState) -> Result<(), ActorProcessingErr> {
        drop(state.stop.take());
        while state.serving.join_next().await.is_some() {}
        Ok(())
    }
}

/// Reports how the listener ended, also when it panicked.
struct Guard(ActorRef<Ended>, Option<io::Error>);

impl Drop for Guard {
    fn drop(&mut self) {
        // Fails only when the edge itself is already stopping.
        let _ = tell(&self.0, Ended(self.1.take().map_or(Ok(()), Err)));
    }
}

fn cannot_listen(addr: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another --listen",
        io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
        _ => "choose another --listen",
    };
    format!("failed to listen on {addr}: {error}; {remedy}")
}
