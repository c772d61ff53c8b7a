//! One call in an instance of its own, and what became of it.

use playhouse_core::tool::{ToolError, ToolErrorKind};
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use crate::bindings::{asked::AskedPre, v0, v1};
use crate::check::clipped;
use crate::config::Limits;
use crate::guest::{Ended, Guest, Terms, Used};

/// Fuel after which a guest tells how much it has used, and lets others run: some 0.1 ms.
const FUEL_TOLD_EVERY: u64 = 1_000_000;
/// Bytes that a guest may hand to the host at once; what is longer than an output may be is refused afterwards, in
/// words.
const HANDED_OVER_MAX: usize = 4 << 20;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What the guest returned, or why it did not.
    pub(crate) result: Result<String, ToolError>,
    /// What it computed, in units of fuel; 0 if it was never started.
    pub(crate) fuel: u64,
    /// Digest of what the host answered it, if it was answered anything.
    pub(crate) heard: Option<String>,
    /// What else it used.
    pub(crate) used: Used,
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Sandbox {
    engine: Engine,
    limits: Limits,
    ready: Ready,
}

/// By the version of the contract that the component keeps.
#[derive(Clone)]
enum Ready {
    V0(v0::KeyedPre<Guest>),
    V1 { tool: v1::EverythingPre<Guest>, asked: Option<AskedPre<Guest>> },
}

impl Sandbox {
    /// Checks that the component exports a tool.
    pub(crate) fn new(engine: &Engine, limits: Limits, ready: InstancePre<Guest>) -> wasmtime::Result<Self> {
        // Of a component that is neither, the error tells what the newer version wants.
        let ready = match v1::EverythingPre::new(ready.clone()) {
            Ok(tool) => Ready::V1 { tool, asked: AskedPre::new(ready).ok() },
            Err(missing) => Ready::V0(v0::KeyedPre::new(ready).map_err(|_| missing)?),
        };
        Ok(Self { engine: engine.clone(), limits, ready })
    }

    /// Whether the tool can be asked what became of a call.
    pub(crate) fn can_be_asked(&self) -> bool {
        matches!(&self.ready, Ready::V1 { asked: Some(_), .. })
    }

    /// Lets the tool introduce itself.
    pub(crate) async fn describe(&self, terms: Terms) -> Result<String, ToolError> {
        let mut store = self.store(terms);
        let described = async {
            match &self.ready {
                Ready::V0(ready) => {
                    let tool = ready.instantiate_async(&mut store).await?;
                    tool.playhouse_tool_tool().call_describe(&mut store).await
                }
                Ready::V1 { tool, .. } => {
                    let tool = tool.instantiate_async(&mut store).await?;
                    tool.playhouse_tool_tool().call_describe(&mut store).await
                }
            }
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
        let used = terms.used;
        if let Err(error) = terms.over().map_or_else(starting, |why| Err(why.told(&self.limits, terms.fuel)))
        {
            return Ran { result: Err(error), fuel: 0, heard: None, used };
        }
        let mut store = self.store(terms);
        let called = async {
            match &self.ready {
                Ready::V0(ready) => {
                    let tool = ready.instantiate_async(&mut store).await?;
                    let said = tool.playhouse_tool_tool().call_call(&mut store, arguments).await?;
                    Ok(said.map_err(|error| told_by_v0(store.data(), error)))
                }
                Ready::V1 { tool, .. } => {
                    let tool = tool.instantiate_async(&mut store).await?;
                    let said = tool.playhouse_tool_tool().call_call(&mut store, arguments).await?;
                    Ok(said.map_err(|error| told(store.data(), error)))
                }
            }
        };
        let called: wasmtime::Result<_> = called.await;
        let given = store.data().terms.fuel;
        let fuel = given.saturating_sub(store.get_fuel().expect("the engine counts fuel"));
        let result = called.map_err(|error| became(store.data(), &error)).and_then(|said| said);
        let guest = store.into_data();
        Ran { result, fuel, heard: guest.heard.digest(), used: guest.used }
    }

    /// Asks the tool whether the call with `effect_id` took effect: its result, as JSON text, if so.
    pub(crate) async fn asked(&self, terms: Terms, effect_id: &str) -> Result<Option<String>, ToolError> {
        let Ready::V1 { asked: Some(asked), .. } = &self.ready else {
            let message = "the tool cannot say what became of its calls";
            return Err(ToolError::new(ToolErrorKind::OutcomeUnknown, message));
        };
        let mut store = self.store(terms);
        let answer = async {
            let tool = asked.instantiate_async(&mut store).await?;
            tool.playhouse_tool_checkable().call_did_it_happen(&mut store, effect_id).await
        };
        let answer = answer.await.map_err(|error| became(store.data(), &error))?;
        answer.map_err(|why| ToolError::new(ToolErrorKind::OutcomeUnknown, store.data().quoted(&why)))
    }

    /// The host's side of a fresh instance, with every limit in place.
    fn store(&self, terms: Terms) -> Store<Guest> {
        let mut store = Store::new(&self.engine, Guest::new(self.limits, terms));
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
    guest.ended.clone().or(is_out_of_fuel.then_some(Ended::Fuel)).map_or_else(
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
fn told(guest: &Guest, error: v1::exports::playhouse::tool::tool::ToolError) -> ToolError {
    use v1::exports::playhouse::tool::tool::ErrorKind;
    let kind = match error.kind {
        ErrorKind::InvalidInput => ToolErrorKind::InvalidInput,
        ErrorKind::Denied => ToolErrorKind::Denied,
        ErrorKind::NotFound => ToolErrorKind::NotFound,
        ErrorKind::Conflict => ToolErrorKind::Conflict,
        ErrorKind::Unavailable => ToolErrorKind::Upstream,
        ErrorKind::Failed => ToolErrorKind::Failed,
    };
    let after = error.retry_after_ms.filter(|_| kind == ToolErrorKind::Upstream).map(u64::from);
    ToolError::new(kind, guest.quoted(&error.message)).retry_after(after)
}

/// The same in version 0.1.
fn told_by_v0(guest: &Guest, error: v0::exports::playhouse::tool::tool::ToolError) -> ToolError {
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
    ToolError::new(kind, guest.quoted(&error.message))
}
