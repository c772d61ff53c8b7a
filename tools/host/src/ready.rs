//! A component that is ready to be instantiated, whoever answers what it asks its host: one call of it, bounded.
//!
//! All of this is the same here and in a worker process, so that a call computes the same, costs the same fuel and meets
//! the same limits wherever it runs.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use playhouse_core::tool::ToolErrorKind;
use serde::{Deserialize, Serialize};
use wasmtime::component::InstancePre;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

use crate::bindings::{asked::AskedPre, v0, v1};
use crate::limits::REQUEST_BYTES_MAX;

/// Fuel after which a guest tells how much it has used, and lets others run: some 0.1 ms.
const FUEL_TOLD_EVERY: u64 = 1_000_000;
/// Ticks after which a guest looks at the clock, and lets others run, for the first time. Two: a tick comes at any moment, and
/// after one of them one call in a hundred would go to another thread right after it began.
const FIRST_LOOK_TICKS: u64 = 2;
/// Bytes that a guest may hand to the host at once: the largest body that can be granted, with its address and headers.
/// What is longer than an output may be is refused afterwards, in words.
pub(crate) const HANDED_OVER_MAX: usize = REQUEST_BYTES_MAX as usize + (256 << 10);

/// By the version of the contract that the component keeps.
pub(crate) enum Ready<T: 'static> {
    V0(v0::KeyedPre<T>),
    V1 { tool: v1::EverythingPre<T>, asked: Option<AskedPre<T>> },
}

/// What a tool is to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Job<'a> {
    /// Introduce itself.
    Describe,
    /// Be called, with these arguments.
    Call(&'a str),
    /// Say what became of the call with this effect id.
    Asked(&'a str),
}

/// What a tool said to that.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// A description, or an output.
    Text(String),
    /// The call that it was asked about did not happen.
    Nothing,
    /// It did not work.
    Error { kind: ToolErrorKind, message: String, retry_after_ms: Option<u32> },
}

/// The host's side of an instance, which holds it to its limits.
pub(crate) trait Bounded: ResourceLimiter + Send + 'static {
    /// Called at each tick of the engine's clock while the guest computes; an error ends it.
    fn at_tick(&mut self) -> wasmtime::Result<UpdateDeadline>;
}

/// A store for one instance that may use so much fuel.
pub(crate) fn store<T: Bounded>(engine: &Engine, host: T, fuel: u64) -> Store<T> {
    let mut store = Store::new(engine, host);
    store.limiter(|host| host);
    // The guest keeps its count to itself until it calls, returns or reaches such an interval. One that is ended
    // in between is booked for what it told.
    store.fuel_async_yield_interval(Some(FUEL_TOLD_EVERY)).expect("the engine counts fuel");
    store.set_fuel(fuel).expect("the engine counts fuel");
    // What a guest hands over is copied before anybody can look how long it is.
    store.set_hostcall_fuel(HANDED_OVER_MAX);
    store.set_epoch_deadline(FIRST_LOOK_TICKS);
    store.epoch_deadline_callback(|mut store| store.data_mut().at_tick());
    store
}

impl<T: Send> Ready<T> {
    /// Checks that the component exports a tool.
    pub(crate) fn new(ready: InstancePre<T>) -> wasmtime::Result<Self> {
        // Of a component that is neither, the error tells what the newer version wants.
        Ok(match v1::EverythingPre::new(ready.clone()) {
            Ok(tool) => Self::V1 { tool, asked: AskedPre::new(ready).ok() },
            Err(missing) => Self::V0(v0::KeyedPre::new(ready).map_err(|_| missing)?),
        })
    }

    /// Whether the tool can be asked what became of a call.
    pub(crate) fn can_be_asked(&self) -> bool {
        matches!(self, Self::V1 { asked: Some(_), .. })
    }

    /// Does `job` in a fresh instance. An error is how the engine ended it.
    pub(crate) async fn run(&self, store: &mut Store<T>, job: Job<'_>) -> wasmtime::Result<Said> {
        match (self, job) {
            (Self::V0(ready), Job::Describe) => {
                let tool = ready.instantiate_async(&mut *store).await?;
                Ok(Said::Text(tool.playhouse_tool_tool().call_describe(store).await?))
            }
            (Self::V1 { tool, .. }, Job::Describe) => {
                let tool = tool.instantiate_async(&mut *store).await?;
                Ok(Said::Text(tool.playhouse_tool_tool().call_describe(store).await?))
            }
            (Self::V0(ready), Job::Call(arguments)) => {
                let tool = ready.instantiate_async(&mut *store).await?;
                let said = tool.playhouse_tool_tool().call_call(store, arguments).await?;
                Ok(said.map_or_else(told_by_v0, Said::Text))
            }
            (Self::V1 { tool, .. }, Job::Call(arguments)) => {
                let tool = tool.instantiate_async(&mut *store).await?;
                let said = tool.playhouse_tool_tool().call_call(store, arguments).await?;
                Ok(said.map_or_else(told, Said::Text))
            }
            (Self::V1 { asked: Some(asked), .. }, Job::Asked(effect_id)) => {
                let tool = asked.instantiate_async(&mut *store).await?;
                let said = tool.playhouse_tool_checkable().call_did_it_happen(store, effect_id).await?;
                Ok(said.map_or_else(not_said, |output| output.map_or(Said::Nothing, Said::Text)))
            }
            (_, Job::Asked(_)) => Ok(not_said("the tool cannot say what became of its calls".to_owned())),
        }
    }
}

/// An error that the tool itself reports.
fn told(error: v1::exports::playhouse::tool::tool::ToolError) -> Said {
    use v1::exports::playhouse::tool::tool::ErrorKind;
    let kind = match error.kind {
        ErrorKind::InvalidInput => ToolErrorKind::InvalidInput,
        ErrorKind::Denied => ToolErrorKind::Denied,
        ErrorKind::NotFound => ToolErrorKind::NotFound,
        ErrorKind::Conflict => ToolErrorKind::Conflict,
        ErrorKind::Unavailable => ToolErrorKind::Upstream,
        ErrorKind::Failed => ToolErrorKind::Failed,
    };
    let after = error.retry_after_ms.filter(|_| kind == ToolErrorKind::Upstream);
    Said::Error { kind, message: error.message, retry_after_ms: after }
}

/// The same in version 0.1.
fn told_by_v0(error: v0::exports::playhouse::tool::tool::ToolError) -> Said {
    use v0::exports::playhouse::tool::tool::ErrorKind;
    let kind = match error.kind {
        ErrorKind::InvalidInput => ToolErrorKind::InvalidInput,
        ErrorKind::Denied => ToolErrorKind::Denied,
        ErrorKind::NotFound => ToolErrorKind::NotFound,
        ErrorKind::Conflict => ToolErrorKind::Conflict,
        ErrorKind::RateLimited => ToolErrorKind::RateLimited,
        ErrorKind::Upstream => ToolErrorKind::Upstream,
        ErrorKind::Internal => ToolErrorKind::Crashed,
    };
    Said::Error { kind, message: error.message, retry_after_ms: None }
}

fn not_said(message: String) -> Said {
    Said::Error { kind: ToolErrorKind::OutcomeUnknown, message, retry_after_ms: None }
}

/// Runs a guest that has nothing to wait for: whenever it lets others run, it goes on.
pub(crate) fn at_once<T>(guest: impl Future<Output = T>) -> T {
    let (mut guest, mut context) = (pin!(guest), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(done) = guest.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::yield_now();
    }
}
