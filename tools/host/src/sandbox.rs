//! One call in an instance of its own, here or in a worker process, and what became of it.

use std::sync::Arc;

use playhouse_core::tool::{ToolError, ToolErrorKind};
use playhouse_schema::clipped;
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Trap};

use crate::guest::{Ended, Guest, Terms, Used};
use crate::imports::Import;
use crate::isolate::{Code, Pool};
use crate::limits::Limits;
use crate::ready::{self, HANDED_OVER_MAX, Job, Ready, Said};
use crate::trace::trace;

/// How the engine begins to say that a guest handed over more than [`HANDED_OVER_MAX`].
const HANDED_OVER_TOO_MUCH: &str = "too much data is being copied between the host and the guest";

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
    /// Where it crashed, if it did: for the log.
    pub(crate) trace: Option<String>,
}

/// A tool, and where it runs.
#[derive(Clone)]
pub(crate) struct Sandbox {
    limits: Limits,
    can_be_asked: bool,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// In this process.
    Here { engine: Engine, ready: Arc<Ready<Guest>> },
    /// In one of these.
    Away { pool: Arc<Pool>, code: Code },
}

impl Sandbox {
    /// A tool that runs in this process. Checks that the component exports one.
    pub(crate) fn new(engine: &Engine, limits: Limits, ready: InstancePre<Guest>) -> wasmtime::Result<Self> {
        let ready = Arc::new(Ready::new(ready)?);
        let can_be_asked = ready.can_be_asked();
        Ok(Self { limits, can_be_asked, place: Place::Here { engine: engine.clone(), ready } })
    }

    /// The same for one that runs in the processes of `pool`. Nothing is instantiated here.
    pub(crate) fn away(
        pool: &Arc<Pool>,
        limits: Limits,
        imports: &[Import],
        ready: InstancePre<Guest>,
    ) -> wasmtime::Result<Self> {
        let code = Code::new(ready.component(), imports);
        let can_be_asked = Ready::new(ready)?.can_be_asked();
        Ok(Self { limits, can_be_asked, place: Place::Away { pool: Arc::clone(pool), code } })
    }

    /// Whether the tool can be asked what became of a call.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.can_be_asked
    }

    /// Lets the tool introduce itself. Blocks.
    pub(crate) fn introduction(&self, terms: Terms) -> Result<String, ToolError> {
        match &self.place {
            Place::Here { .. } => ready::at_once(self.describe(terms)),
            Place::Away { pool, .. } => {
                let this = self.clone();
                pool.blocking(async move { this.describe(terms).await })
            }
        }
    }

    async fn describe(&self, terms: Terms) -> Result<String, ToolError> {
        let (said, _, guest) = self.run(Guest::new(self.limits, terms), Job::Describe).await;
        // Whoever loads the tool reads this, and no model.
        let said = said.map_err(|error| match &guest.trace {
            None => error,
            Some(trace) => ToolError { message: format!("{}, in {trace}", error.message), ..error },
        });
        Ok(text(&guest, said?)?.unwrap_or_default())
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
            return Ran { result: Err(error), fuel: 0, heard: None, used, trace: None };
        }
        let (said, fuel, guest) = self.run(Guest::new(self.limits, terms), Job::Call(arguments)).await;
        let result = said.and_then(|said| text(&guest, said)).map(Option::unwrap_or_default);
        Ran { result, fuel, heard: guest.heard.digest(), used: guest.used, trace: guest.trace }
    }

    /// Asks the tool whether the call with `effect_id` took effect: its result, as JSON text, if so.
    pub(crate) async fn asked(&self, terms: Terms, effect_id: &str) -> Result<Option<String>, ToolError> {
        let (said, _, guest) = self.run(Guest::new(self.limits, terms), Job::Asked(effect_id)).await;
        text(&guest, said?)
    }

    /// What the tool said, the fuel it took, and the host's side of it afterwards.
    async fn run(&self, guest: Guest, job: Job<'_>) -> (Result<Said, ToolError>, u64, Guest) {
        let fuel = guest.terms.fuel;
        match &self.place {
            Place::Here { engine, ready } => {
                let mut store = ready::store(engine, guest, fuel);
                let said = ready.run(&mut store, job).await;
                let said = said.map_err(|error| became(store.data_mut(), &error));
                let fuel = fuel.saturating_sub(store.get_fuel().expect("the engine counts fuel"));
                (said, fuel, store.into_data())
            }
            Place::Away { pool, code } => {
                let mut guest = guest;
                let (said, fuel) = pool.run(code, &mut guest, job).await;
                (said, fuel, guest)
            }
        }
    }
}

/// What a tool said, as text; its own error is clipped, because it goes into a prompt.
fn text(guest: &Guest, said: Said) -> Result<Option<String>, ToolError> {
    match said {
        Said::Text(text) => Ok(Some(text)),
        Said::Nothing => Ok(None),
        Said::Error { kind, message, retry_after_ms } => {
            Err(ToolError::new(kind, guest.quoted(&message)).retry_after(retry_after_ms.map(u64::from)))
        }
    }
}

/// What became of a call that the engine ended. Where it crashed, if it did, stays with the guest.
pub(crate) fn became(guest: &mut Guest, error: &wasmtime::Error) -> ToolError {
    let is_out_of_fuel = error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel);
    if let Some(why) = guest.ended.clone().or(is_out_of_fuel.then_some(Ended::Fuel)) {
        return why.told(&guest.limits, guest.terms.fuel);
    }
    guest.trace = trace(error);
    crashed(&cause(error))
}

/// A crash, in words that fit a message.
pub(crate) fn crashed(words: &str) -> ToolError {
    ToolError::new(ToolErrorKind::Crashed, format!("the tool crashed: {words}"))
}

/// Those words.
pub(crate) fn cause(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
        // The stack of a guest lies in its memory: deep recursion runs off the end of one or the other.
        Some(trap @ (Trap::StackOverflow | Trap::MemoryOutOfBounds)) => {
            format!("{trap} (endless recursion?)")
        }
        Some(trap) => trap.to_string(),
        // Without what stands around it, which is the trace.
        None => match error.root_cause().to_string() {
            // The engine has no type for it.
            words if words.starts_with(HANDED_OVER_TOO_MUCH) => {
                format!("it handed over more than {HANDED_OVER_MAX} bytes at once")
            }
            words => clipped(&words),
        },
    }
}
