//! Capability `tools`: calling another tool that is granted to this one. Its time, fuel and requests count as this call's
//! own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::tools;
use crate::{Error, Kind, Result};

/// Calls the tool `name`: `arguments` print as its input, the result is read from its output.
///
/// # Errors
/// What that tool answered, in its kind; [`Failed`](Kind::Failed), if its result is not what is wanted here.
pub fn call<R: DeserializeOwned>(name: &str, arguments: &impl Serialize) -> Result<R> {
    let arguments = serde_json::to_string(arguments)
        .map_err(|wrong| Error::failed(format!("the arguments for `{name}` are not JSON: {wrong}")))?;
    let output = tools::call(name, &arguments).map_err(|error| {
        let message = format!("tool `{name}`: {}", error.message);
        Error { kind: kind(&error.kind), message, retry_after_ms: error.retry_after_ms }
    })?;
    serde_json::from_str(&output)
        .map_err(|wrong| Error::failed(format!("tool `{name}` answered something unexpected: {wrong}")))
}

/// The kind of failure by its name in the contract, or as the host names its own.
fn kind(name: &str) -> Kind {
    match name {
        "invalid-input" => Kind::InvalidInput,
        "denied" => Kind::Denied,
        "not-found" | "unknown-tool" => Kind::NotFound,
        "conflict" => Kind::Conflict,
        "unavailable" | "rate-limited" | "timeout" | "upstream" => Kind::Unavailable,
        _ => Kind::Failed,
    }
}
