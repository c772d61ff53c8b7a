//! Where guests run: at first where they are called, and on threads of their own if that takes long.
//!
//! Most calls take microseconds, less than handing them to another thread would. So the first slice of a call runs on
//! the caller's own thread: until the first [tick](crate::engine::TICK), or some 0.1 ms of computing. A guest that
//! then still computes, or waits for the host, goes to threads that nothing else lives on, where guests take turns.
//! What cannot be interrupted can make a slice longer: filling or copying the guest's whole memory at once takes some
//! ten milliseconds.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};

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
    /// If it panicked, which is a bug of the host: what is known of that.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let mut call = Box::pin(call);
        let first =
            poll_fn(|context| Poll::Ready(catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)))));
        match (first.await, &self.0) {
            (Ok(Poll::Ready(done)), _) => Ok(done),
            (Ok(Poll::Pending), Some(threads)) => {
                threads.spawn(call).await.map_err(|error| error.to_string())
            }
            (Ok(Poll::Pending), None) => {
                unreachable!("the threads go when this is dropped, and it is borrowed")
            }
            (Err(_), _) => Err("a panic in the first slice of a call".to_owned()),
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
