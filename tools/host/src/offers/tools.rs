//! `tools`: a tool that calls another one.
//!
//! The other tool runs inside this call: it ends with it, computes from its fuel, and takes a slot of its own, if one is
//! free. It never waits for one: calls that hold a slot while they wait for another would wait for each other.

use std::sync::Arc;

use playhouse_core::grant::Capability;
use playhouse_core::id::EffectId;
use playhouse_core::tool::{Reach, ToolError, ToolErrorKind, ToolRequest};
use serde_json::Value;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::bindings::v1::playhouse::tool::tools::Error;
use crate::given::Given;
use crate::guest::{Guest, Terms};
use crate::powers::listed;

/// Whoever has another tool called.
pub(crate) trait CallsTools {
    /// Calls the tool `name`, which may compute as much as `fuel`: its answer, and what is left of that.
    fn call_tool(
        &mut self,
        name: String,
        arguments: String,
        fuel: u64,
    ) -> impl Future<Output = (wasmtime::Result<Answered>, u64)> + Send;
}

/// What the guest is told of such a call.
pub(crate) type Answered = Result<String, Error>;

/// Adds the interface by hand: its function needs the store, since the fuel of both calls is one.
pub(crate) fn add_to_linker<T: CallsTools + Send + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("playhouse:tool/tools@1.0.0")?;
    interface.func_wrap_async(
        "call",
        |mut store: StoreContextMut<'_, T>, (name, arguments): (String, String)| {
            Box::new(async move {
                let fuel = store.get_fuel()?;
                let (answer, left) = store.data_mut().call_tool(name, arguments, fuel).await;
                store.set_fuel(left)?;
                Ok((answer?,))
            })
        },
    )
}

impl CallsTools for Guest {
    async fn call_tool(
        &mut self,
        name: String,
        arguments: String,
        fuel: u64,
    ) -> (wasmtime::Result<Answered>, u64) {
        let given = match self.reach(arguments.len()) {
            Ok(given) => given,
            Err(ended) => return (Err(ended), fuel),
        };
        let request = match self.subcall(&given, name, &arguments, fuel) {
            Ok(request) => request,
            Err(error) => return (Ok(self.hear(Err(told(error)))), fuel),
        };
        let terms = Terms { used: self.used, ..self.terms.clone() };
        let shelf = Arc::clone(&given.shelf);
        let (result, burnt, used) = shelf.nested(request, &given.caller, terms, given.depth + 1).await;
        given.reached(used.reached.since(self.used.reached));
        self.used = used;
        let answer = result.map(|output| output.to_string()).map_err(told);
        let answer = self.tick().map(|()| self.bring(answer));
        (answer, fuel.saturating_sub(burnt))
    }
}

impl Guest {
    /// The call that a guest asks for, if it may.
    fn subcall(
        &mut self,
        given: &Arc<Given>,
        name: String,
        arguments: &str,
        fuel: u64,
    ) -> Result<ToolRequest, ToolError> {
        let denied = |message| ToolError::new(ToolErrorKind::Denied, message);
        if let Some(why) = given.withheld(Capability::Tools) {
            return Err(denied(why));
        }
        if !given.tools.contains(&name) {
            let known = listed(&given.tools);
            return Err(denied(format!(
                "the tool `{name}` is not granted to this one; granted are: {known}"
            )));
        }
        if given.depth + 1 >= self.limits.depth {
            let most = self.limits.depth;
            return Err(denied(format!("at most {most} tools may wait for each other")));
        }
        let grant = match &given.request.others {
            None => given.request.grant.clone(),
            Some(others) => others.get(&name).cloned().ok_or_else(|| {
                denied(format!(
                    "no other tool may call `{name}` for this agent: the agent does not have it, or a person must agree to \
                     its calls"
                ))
            })?,
        };
        let arguments: Value = serde_json::from_str(arguments).map_err(|error| {
            ToolError::new(ToolErrorKind::InvalidInput, format!("the arguments are not JSON: {error}"))
        })?;
        self.used.subcalls += 1;
        // Its own, and the same when this call is repeated.
        let effect_id = EffectId(format!("{}-{}", given.request.effect_id, self.used.subcalls));
        let timeout_ms = u64::try_from(self.left().as_millis()).unwrap_or(u64::MAX);
        let caller = ToolRequest::clone(&given.request);
        let (fuel, reached) = (Some(fuel), Reach::default());
        Ok(ToolRequest { effect_id, tool: name, arguments, grant, timeout_ms, fuel, reached, ..caller })
    }
}

fn told(error: ToolError) -> Error {
    let ToolError { kind, message, retry_after_ms } = error;
    let kind = serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let retry_after_ms = retry_after_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
    Error { kind: kind.unwrap_or_default(), message, retry_after_ms }
}
