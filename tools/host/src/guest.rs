//! The host's side of one instance: what it may use, what it has used, and why it was ended.
//!
//! The guest is judged by what the host saw: each limit that ends a call leaves a mark here, and the mark, not the text of
//! the trap, says which error the model reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_core::tool::{Reach, ToolError, ToolErrorKind};
use playhouse_schema::clipped;
use tokio_util::sync::CancellationToken;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::given::Given;
use crate::heard::{Answer, Heard};
use crate::limits::Limits;
use crate::ready::Bounded;

/// What one call may use, beside [`Limits`].
#[derive(Clone)]
pub(crate) struct Terms {
    /// When the call ends, finished or not.
    pub(crate) until: Instant,
    /// Cancelled when nobody waits for the answer any more.
    pub(crate) given_up: CancellationToken,
    /// What it may touch; nothing while a tool describes itself.
    pub(crate) given: Option<Arc<Given>>,
    /// What it may compute.
    pub(crate) fuel: u64,
    /// What the call has used already, if another tool makes it.
    pub(crate) used: Used,
}

impl Terms {
    /// Why the call should not go on, if it should not.
    pub(crate) fn over(&self) -> Option<Ended> {
        if self.given_up.is_cancelled() {
            return Some(Ended::GivenUp);
        }
        (Instant::now() >= self.until).then_some(Ended::Deadline)
    }
}

/// Why the host ended a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Deadline,
    GivenUp,
    Fuel,
    Memory,
    HostCalls,
    Random,
    /// A bound of what it may reach.
    Reach(String),
    Describing,
}

impl Ended {
    /// What the model is told.
    pub(crate) fn told(self, limits: &Limits, fuel: u64) -> ToolError {
        let (kind, message) = match self {
            Self::Deadline => (ToolErrorKind::Timeout, "the tool did not finish in time".to_owned()),
            Self::GivenUp => (ToolErrorKind::Cancelled, "the call was given up".to_owned()),
            Self::Fuel => (
                ToolErrorKind::OutOfFuel,
                format!("the tool computes more than the {fuel} units of fuel it may use: ask for less"),
            ),
            Self::Memory => {
                let limit = in_words(limits.memory_bytes);
                (
                    ToolErrorKind::OutOfMemory,
                    format!("the tool needs more memory than the {limit} it may use"),
                )
            }
            Self::HostCalls => {
                let limit = limits.host_calls;
                (
                    ToolErrorKind::Denied,
                    format!("the tool called the host more than {limit} times in one call"),
                )
            }
            Self::Random => (
                ToolErrorKind::Denied,
                format!("the tool asked for more than {} random bytes in one call", limits.random_bytes),
            ),
            Self::Reach(bound) => {
                (ToolErrorKind::Denied, format!("the tool may use no more than {bound}: ask for less"))
            }
            Self::Describing => (
                ToolErrorKind::Crashed,
                "it calls the host while it describes itself, when nothing is granted yet".to_owned(),
            ),
        };
        ToolError::new(kind, message)
    }
}

/// So many bytes: in MiB where they are whole.
fn in_words(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// What a call has used of what is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) host_calls: u32,
    pub(crate) random_bytes: u64,
    pub(crate) log_bytes: usize,
    /// Requests that left, redirects included.
    pub(crate) requests: u32,
    /// Exchanges begun: each gets a key of its own.
    pub(crate) exchanges: u32,
    /// Bytes of output told before the end.
    pub(crate) partial_bytes: usize,
    /// Other tools called.
    pub(crate) subcalls: u32,
    /// Questions to the model.
    pub(crate) questions: u32,
    /// What went through interfaces that reach out of the call, that of tools it called included.
    pub(crate) reached: Reach,
}

impl Used {
    /// For a tool that is called within this call: what it uses is this call's own, and what has a name of its own is
    /// counted from the beginning.
    pub(crate) fn within(self) -> Self {
        Self { exchanges: 0, subcalls: 0, reached: Reach::default(), ..self }
    }

    /// After such a tool.
    pub(crate) fn after(self, inner: Self) -> Self {
        let mut reached = self.reached;
        reached += inner.reached;
        Self { exchanges: self.exchanges, subcalls: self.subcalls, reached, ..inner }
    }
}

/// The host's side of one instance.
pub(crate) struct Guest {
    pub(crate) limits: Limits,
    pub(crate) terms: Terms,
    pub(crate) used: Used,
    pub(crate) heard: Heard,
    pub(crate) ended: Option<Ended>,
    /// Where it crashed, if it did.
    pub(crate) trace: Option<String>,
    held: Held,
}

/// What the memories and tables of one instance hold.
#[derive(Debug, Default)]
pub(crate) struct Held {
    memory_bytes: usize,
    table_elements: usize,
}

impl Held {
    /// Whether a memory may grow so: all of them together are bounded.
    pub(crate) fn memory(&mut self, current: usize, desired: usize, limits: &Limits) -> bool {
        self.memory_bytes = self.memory_bytes.saturating_sub(current).saturating_add(desired);
        self.memory_bytes <= limits.memory_bytes
    }

    /// The same for a table.
    pub(crate) fn table(&mut self, current: usize, desired: usize, limits: &Limits) -> bool {
        self.table_elements = self.table_elements.saturating_sub(current).saturating_add(desired);
        self.table_elements <= limits.table_elements
    }
}

impl Guest {
    pub(crate) fn new(limits: Limits, terms: Terms) -> Self {
        let used = terms.used;
        let heard = Heard::default();
        Self { limits, terms, used, heard, ended: None, trace: None, held: Held::default() }
    }

    /// Counts a call into the host, and gives what is granted. Every host function begins with this: the engine cannot
    /// interrupt them, so they look at the deadline themselves.
    pub(crate) fn host_call(&mut self) -> wasmtime::Result<Arc<Given>> {
        self.used.host_calls += 1;
        if self.used.host_calls > self.limits.host_calls {
            return Err(self.end(Ended::HostCalls));
        }
        self.tick()?;
        self.terms.given.clone().ok_or_else(|| self.end(Ended::Describing))
    }

    /// The same for a function that reaches out of the call, with so many bytes: it is counted, and bounded by what the
    /// call and its task may reach.
    pub(crate) fn reach(&mut self, bytes: usize) -> wasmtime::Result<Arc<Given>> {
        let given = self.host_call()?;
        let more = Reach { calls: 1, bytes: bytes as u64 };
        if let Some(bound) = given.reach(self.used.reached, more) {
            return Err(self.end(Ended::Reach(bound)));
        }
        self.used.reached += more;
        Ok(given)
    }

    /// Notes what the guest is answered, for the receipt.
    pub(crate) fn hear<T: Answer>(&mut self, answer: T) -> T {
        self.heard.add(&answer);
        answer
    }

    /// The same for an answer from outside of the call, whose bytes count.
    pub(crate) fn bring<T: Answer>(&mut self, answer: T) -> T {
        let bytes = self.heard.add(&answer);
        let more = Reach { calls: 0, bytes };
        self.used.reached += more;
        if let Some(given) = &self.terms.given {
            given.reached(more);
        }
        answer
    }

    /// Waits for `work`, but not longer than the call lasts: then the work is dropped, and the call ends.
    pub(crate) async fn within<T>(&mut self, work: impl Future<Output = T>) -> wasmtime::Result<T> {
        let (until, given_up) = (self.terms.until, self.terms.given_up.clone());
        let why = tokio::select! {
            biased;
            () = given_up.cancelled() => Ended::GivenUp,
            done = tokio::time::timeout_at(until.into(), work) => match done {
                Ok(done) => return Ok(done),
                Err(_) => Ended::Deadline,
            }
        };
        Err(self.end(why))
    }

    /// The same for work that blocks a thread. Work that is not waited for any more goes on by itself, unseen.
    pub(crate) async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> wasmtime::Result<T> {
        let done = self.within(tokio::task::spawn_blocking(work)).await?;
        done.map_err(|error| wasmtime::Error::msg(format!("a host function failed: {error}")))
    }

    /// Words of the guest, as others may read them: without secrets, and then cut, so that no part of one is left.
    pub(crate) fn quoted(&self, text: &str) -> String {
        let hidden = self.terms.given.as_ref().and_then(|given| given.leaks.hide(text));
        clipped(hidden.as_ref().map_or(text, |(hidden, _)| hidden))
    }

    /// Time left.
    pub(crate) fn left(&self) -> Duration {
        self.terms.until.saturating_duration_since(Instant::now())
    }

    /// Ends the call if its time is up or nobody waits for it.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<()> {
        self.terms.over().map_or(Ok(()), |why| Err(self.end(why)))
    }

    pub(crate) fn end(&mut self, why: Ended) -> wasmtime::Error {
        self.ended = Some(why);
        wasmtime::Error::msg("ended by the host")
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // An error, not `false`: a guest that is told `false` dies of something that no longer looks like memory.
        if !self.held.memory(current, desired, &self.limits) {
            return Err(self.end(Ended::Memory));
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if !self.held.table(current, desired, &self.limits) {
            return Err(self.end(Ended::Memory));
        }
        Ok(true)
    }
}

impl Bounded for Guest {
    fn at_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.tick().map(|()| UpdateDeadline::Yield(1))
    }
}
