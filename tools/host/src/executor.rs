//! Where guests run: at first where they are called, and on threads of their own if that takes long.
//!
//! Most calls take microseconds, less than handing them to another thread would. So the first slice of a call, until
//! the first [tick](crate::engine::TICK) at the latest, runs on the caller's own thread. A guest that then still
//! computes, or waits for the host, goes to threads that nothing else lives on. There, guests take turns at each
//! tick; the threads of the rest of the runtime never hold one for longer than its first slice.

use std::future::poll_fn;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

/// The threads for long calls.
#[derive(Debug)]
pub(crate) struct Executor(Option<Runtime>);

impl Executor {
    /// One thread for each core. They cost nothing until a call takes long.
    pub(crate) fn start() -> std::io::Result<Self> {
        Builder::new_multi_thread().thread_name("tool").enable_all().build().map(Some).map(Self)
    }

    /// Runs a call to its end. Dropping the future drops the call while it is in its first slice, and leaves it to
    /// itself afterwards: it looks whether anybody waits at its next tick.
    ///
    /// # Errors
    /// [`JoinError`] if it panicked behind its first slice.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let mut call = Box::pin(call);
        let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        match (first, &self.0) {
            (Poll::Ready(done), _) => Ok(done),
            (Poll::Pending, Some(threads)) => threads.spawn(call).await,
            (Poll::Pending, None) => unreachable!("the threads go when this is dropped, and it is borrowed"),
        }
    }
}

impl Drop for Executor {
    /// Does not wait: a guest that runs ends at its next tick, at the latest at its deadline.
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
