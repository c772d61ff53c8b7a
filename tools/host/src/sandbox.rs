//! One call in an instance of its own, and what became of it.
//!
//! The guest is judged by what the host saw: each limit that ends a call leaves a mark in [`Guest`], and the mark, not
//! the text of the trap, says which error the model reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use playhouse_core::tool::{ToolError, ToolErrorKind};
use wasmtime::component::InstancePre;
use wasmtime::{Engine, ResourceLimiter, Store, Trap, UpdateDeadline};

use crate::bindings::{self, ErrorKind, KeyedPre};
use crate::check::clipped;
use crate::config::{Limits, Table};

/// Fuel after which a guest tells how much it has used, and lets others run: some 0.1 ms.
const FUEL_TOLD_EVERY: u64 = 1_000_000;
/// Bytes that a guest may hand to the host at once; what is longer than an output may be is refused afterwards, in
/// words.
const HANDED_OVER_MAX: usize = 4 << 20;

/// What one call may use, beside [`Limits`].
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// When the call ends, finished or not.
    pub(crate) until: Instant,
    /// Set when nobody waits for the answer any more.
    pub(crate) given_up: Arc<AtomicBool>,
    /// The table it may read.
    pub(crate) table: Option<Arc<Table>>,
    /// What it may compute.
    pub(crate) fuel: u64,
}

impl Terms {
    /// Why the call should not go on, if it should not.
    fn over(&self) -> Option<Ended> {
        if self.given_up.load(Ordering::Relaxed) {
            return Some(Ended::GivenUp);
        }
        (Instant::now() >= self.until).then_some(Ended::Deadline)
    }
}

/// Why the host ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Deadline,
    GivenUp,
    Fuel,
    Memory,
    HostCalls,
}

impl Ended {
    /// What the model is told.
    fn told(self, limits: &Limits, fuel: u64) -> ToolError {
        let (kind, message) = match self {
            Self::Deadline => (ToolErrorKind::Timeout, "the tool did not finish in time".to_owned()),
            Self::GivenUp => (ToolErrorKind::Cancelled, "the call was given up".to_owned()),
            Self::Fuel => {
                let limit = fuel;
                (
                    ToolErrorKind::OutOfFuel,
                    format!("the tool computes more than the {limit} units of fuel it may use: ask for less"),
                )
            }
            Self::Memory => {
                let limit = limits.memory_bytes >> 20;
                (
                    ToolErrorKind::OutOfMemory,
                    format!("the tool needs more memory than the {limit} MiB it may use"),
                )
            }
            Self::HostCalls => {
                let limit = limits.host_calls;
                (
                    ToolErrorKind::RateLimited,
                    format!("the tool called the host more than {limit} times in one call"),
                )
            }
        };
        ToolError::new(kind, message)
    }
}

/// The host's side of one instance.
#[derive(Debug)]
pub(crate) struct Guest {
    limits: Limits,
    terms: Terms,
    host_calls: u32,
    ended: Option<Ended>,
}

impl Guest {
    /// The table that is granted for this call.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.terms.table.as_deref()
    }

    /// Counts a call into the host. Every host function begins with this: the engine cannot interrupt them, so they
    /// look at the deadline themselves.
    pub(crate) fn host_call(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(self.end(Ended::HostCalls));
        }
        self.tick()
    }

    /// Ends the call if its time is up or nobody waits for it.
    fn tick(&mut self) -> wasmtime::Result<()> {
        self.terms.over().map_or(Ok(()), |why| Err(self.end(why)))
    }

    fn end(&mut self, why: Ended) -> wasmtime::Error {
        self.ended = Some(why);
        wasmtime::Error::msg("ended by the host")
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // An error, not `false`: a guest that is told `false` dies of something that no longer looks like memory.
        if desired > self.limits.memory_bytes { Err(self.end(Ended::Memory)) } else { Ok(true) }
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements { Err(self.end(Ended::Memory)) } else { Ok(true) }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What the guest returned, or why it did not.
    pub(crate) result: Result<String, ToolError>,
    /// What it computed, in units of fuel; 0 if it was never started.
    pub(crate) fuel: u64,
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Sandbox {
    engine: Engine,
    limits: Limits,
    ready: KeyedPre<Guest>,
}

impl Sandbox {
    /// Checks that the component exports a tool.
    pub(crate) fn new(engine: &Engine, limits: Limits, ready: InstancePre<Guest>) -> wasmtime::Result<Self> {
        Ok(Self { engine: engine.clone(), limits, ready: KeyedPre::new(ready)? })
    }

    /// Lets the tool introduce itself.
    pub(crate) async fn describe(&self, terms: Terms) -> Result<String, ToolError> {
        let mut store = self.store(terms);
        let described = async {
            let tool = self.ready.instantiate_async(&mut store).await?;
            tool.playhouse_tool_tool().call_describe(&mut store).await
        };
        described.await.map_err(|error| became(store.data(), &error))
    }

    /// Calls the tool with JSON text, until the guest is done or the terms end it. `starting` runs right before, unless
    /// the time is up already: while the call waited for its turn, its caller may have gone.
    pub(crate) async fn call(
        &self,
        terms: Terms,
        arguments: &str,
        starting: impl FnOnce() -> Result<(), ToolError>,
    ) -> Ran {
        if let Err(error) = terms.over().map_or_else(starting, |why| Err(why.told(&self.limits, terms.fuel)))
        {
            return Ran { result: Err(error), fuel: 0 };
        }
        let mut store = self.store(terms);
        let called = async {
            let tool = self.ready.instantiate_async(&mut store).await?;
            tool.playhouse_tool_tool().call_call(&mut store, arguments).await
        };
        let called = called.await;
        let given = store.data().terms.fuel;
        let fuel = given.saturating_sub(store.get_fuel().expect("the engine counts fuel"));
        let result = called.map_err(|error| became(store.data(), &error)).and_then(|said| said.map_err(told));
        Ran { result, fuel }
    }

    /// The host's side of a fresh instance, with every limit in place.
    fn store(&self, terms: Terms) -> Store<Guest> {
        let guest = Guest { limits: self.limits, terms, host_calls: 0, ended: None };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| guest);
        // The guest keeps its count to itself until it calls, returns or reaches such an interval. One that is ended
        // in between is booked for what it told.
        store.fuel_async_yield_interval(Some(FUEL_TOLD_EVERY)).expect("the engine counts fuel");
        store.set_fuel(store.data().terms.fuel).expect("the engine counts fuel");
        // What a guest hands over is copied before anybody can look how long it is.
        store.set_hostcall_fuel(HANDED_OVER_MAX);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick().map(|()| UpdateDeadline::Yield(1)));
        store
    }
}

/// What became of a call that the engine ended.
fn became(guest: &Guest, error: &wasmtime::Error) -> ToolError {
    let is_out_of_fuel = error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel);
    guest.ended.or(is_out_of_fuel.then_some(Ended::Fuel)).map_or_else(
        || ToolError::new(ToolErrorKind::Crashed, format!("the tool crashed: {}", cause(error))),
        |why| why.told(&guest.limits, guest.terms.fuel),
    )
}

fn cause(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
        // The stack of a guest lies in its memory: deep recursion runs off the end of one or the other.
        Some(trap @ (Trap::StackOverflow | Trap::MemoryOutOfBounds)) => {
            format!("{trap} (endless recursion?)")
        }
        Some(trap) => trap.to_string(),
        None => clipped(&format!("{error:#}")),
    }
}

/// An error that the tool itself reports. Its message is clipped: it goes into a prompt.
fn told(error: bindings::ToolError) -> ToolError {
    let kind = match error.kind {
        ErrorKind::InvalidInput => ToolErrorKind::InvalidInput,
        ErrorKind::Denied => ToolErrorKind::Denied,
        ErrorKind::NotFound => ToolErrorKind::NotFound,
        ErrorKind::Conflict => ToolErrorKind::Conflict,
        ErrorKind::RateLimited => ToolErrorKind::RateLimited,
        ErrorKind::Upstream => ToolErrorKind::Upstream,
        ErrorKind::Internal => ToolErrorKind::Crashed,
    };
    ToolError::new(kind, clipped(&error.message))
}
