//! The accept loop: sockets in, requests out, every one of them bounded.
//!
//! One task per connection lives in a `JoinSet`, so that stopping `serve` stops them all. On shutdown no
//! connection is accepted any more, requests in flight may finish within [`GRACE_MAX`], and event streams are
//! told to end at once ([`Stopping`]): their clients resume by `Last-Event-ID` when the daemon is back.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time,
};

/// Connections open at once; further clients wait in the kernel's backlog. Each is a file descriptor, and a
/// process commonly gets 1024 in all without asking for more: the journal and the tools need some too.
pub const CONNECTIONS_MAX: usize = 896;

/// Time for a client to send its request's head, and for an idle connection to be used again. A client that
/// dribbles bytes to hold a connection loses it after this long.
pub const HEADER_TIME_MAX: Duration = Duration::from_secs(30);

/// Time for requests in flight at shutdown; process managers commonly kill after 10 s.
pub const GRACE_MAX: Duration = Duration::from_secs(5);

/// Pause after a failed `accept`: most often the process is out of descriptors, and some are freed soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of a request's head. Holds every header a client of this API has a reason to send.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Turns true when the server stops; long answers watch it.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

/// Refuses to listen where strangers could reach a daemon without keys.
pub fn check_listen(addr: SocketAddr, auth_configured: bool) -> Result<(), String> {
    if addr.ip().to_canonical().is_loopback() || auth_configured {
        return Ok(());
    }
    Err(format!(
        "refusing to listen on {addr}: it is reachable from other machines and no API key is configured; \
         configure a key, or listen on 127.0.0.1:{}",
        addr.port()
    ))
}

/// Answers requests on `listener` until `shutdown` completes, then lets those in flight finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let router = router.layer(Extension(Stopping(stopping.clone())));
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (permit, stream) = accept(&listener, &permits) => {
                connections.spawn(connection(stream, permit, router.clone(), stopping.clone()));
            }
        }
    }
    drop(listener);
    // Fails only when no connection is left to be told.
    let _ = stop.send(true);
    let drained = time::timeout(GRACE_MAX, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "closing connections that did not finish in time");
        connections.shutdown().await;
    }
    Ok(())
}

/// The next connection, once there is room for one.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream) {
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without this, small answers wait some 40 ms for the client's delayed acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "failed to set TCP_NODELAY");
                }
                return (permit, stream);
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        // The value behind `wait_for` is a lock guard, which must not live on into the branch.
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // Clients hang up and time out every day; nobody needs to act.
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_beyond_the_bound_waits_until_another_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let permits = Arc::new(Semaphore::new(1));
        let _clients = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap()];
        let (first, _) = accept(&listener, &permits).await;
        assert!(accept(&listener, &permits).now_or_never().is_none());
        drop(first);
        let _second = accept(&listener, &permits).await;
    }

    #[tokio::test]
    async fn accepted_sockets_send_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_, stream) = accept(&listener, &Arc::new(Semaphore::new(1))).await;
        assert!(stream.nodelay().unwrap());
    }
}
