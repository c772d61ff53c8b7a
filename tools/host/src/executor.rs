//! Where guests run: at first where they are called, and on threads of their own if that takes long.
//!
//! Most calls take microseconds, less than handing them to another thread would. So the first slice of a call runs on
//! the caller's own thread: until the second [tick](crate::engine::TICK), or some 0.1 ms of computing. A guest that
//! then still computes, or waits for the host, goes to threads that nothing else lives on, where guests take turns.
//! What cannot be interrupted can make a slice longer: filling or copying the guest's whole memory at once takes some
//! ten milliseconds. After a call that did that the tool's next one begins on those threads, too: whoever else lives
//! on the caller's thread feels it once, and not at each call.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

/// A first slice that holds up others. Handing a call to another thread costs a tenth of it.
const SLICE_LONG: Duration = Duration::from_micros(250);

/// Whether the first slice of a tool's last call was long, so that its next one begins on the threads for long calls.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicBool);

impl Pace {
    fn is_long(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls `call` for the first time, and remembers how long that took.
    ///
    /// # Errors
    /// If it panicked.
    async fn first<T>(&self, mut call: Pin<&mut impl Future<Output = T>>) -> Result<Poll<T>, String> {
        let began = Instant::now();
        let first =
            poll_fn(|context| Poll::Ready(catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)))));
        let first = first.await.map_err(|_| "a panic in the first slice of a call".to_owned());
        let is_long = began.elapsed() > SLICE_LONG;
        // Every caller reads it, and it seldom changes.
        if self.is_long() != is_long {
            self.0.store(is_long, Ordering::Relaxed);
        }
        first
    }
}

/// The threads for long calls.
#[derive(Debug)]
pub(crate) struct Executor(Option<Runtime>);

impl Executor {
    /// One thread for each core. They cost nothing until a call takes long.
    pub(crate) fn start() -> std::io::Result<Self> {
        let mut threads = Builder::new_multi_thread();
        threads.thread_name("tool").on_thread_start(begin_in_turn).enable_all();
        threads.build().map(Some).map(Self)
    }

    /// Where its threads can be given work.
    pub(crate) fn handle(&self) -> Handle {
        self.threads().handle().clone()
    }

    fn threads(&self) -> &Runtime {
        self.0.as_ref().expect("the threads go when this is dropped, and it is borrowed")
    }

    /// Runs a call that computes elsewhere to its end; dropping the future leaves it to itself.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn away<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        self.threads().spawn(call).await.map_err(|error| error.to_string())
    }

    /// Runs a call of a tool to its end. Dropping the future drops the call while it is in its first slice, and leaves it to
    /// itself afterwards: it looks whether anybody waits at its next tick.
    ///
    /// # Errors
    /// If it panicked, which is a bug of the host: what is known of that.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        pace: &Arc<Pace>,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let mut call = Box::pin(call);
        if pace.is_long() {
            let pace = Arc::clone(pace);
            let whole = async move {
                match pace.first(call.as_mut()).await? {
                    Poll::Ready(done) => Ok(done),
                    Poll::Pending => Ok(call.await),
                }
            };
            return self.away(whole).await?;
        }
        match pace.first(call.as_mut()).await? {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => self.away(call).await,
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

/// Lets this thread begin its slices when it is its turn, and not by interrupting whoever runs when it wakes. Guests on
/// it have their full share, but a thread that wakes ten thousand times a second, for calls that somebody makes again and
/// again, would otherwise cut as often into short calls of others.
#[cfg(target_os = "linux")]
fn begin_in_turn() {
    let ordinary = libc::sched_param { sched_priority: 0 };
    #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
    // SAFETY: 0 is this thread, and the kernel only reads the parameter, which outlives the call.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const ordinary) };
    if done != 0 {
        // Others feel hostile tools more; nothing else changes.
        tracing::debug!(error = %std::io::Error::last_os_error(), "threads for long calls are scheduled like any other");
    }
}

/// Elsewhere there is no such policy.
#[cfg(not(target_os = "linux"))]
fn begin_in_turn() {}
