//! Tool `search`: searches the web through the provider that the operator configured.
//!
//! The table granted to this tool says which:
//!
//! | key | value |
//! |---|---|
//! | `provider` | `searxng`, `brave` or `tavily`: the shape of its answers |
//! | `endpoint` | the address of its search, such as `https://search.example.com/search` |
//! | `secret` | name of the granted secret to send along, if it needs one |

mod provider;

use playhouse_tool::{Error, kv, tool};
use schemars::JsonSchema;
use serde::Serialize;

use provider::Provider;

/// Results of one search.
const RESULTS_MAX: u32 = 20;
/// Results if nothing is said.
const RESULTS: u32 = 5;
/// Bytes of the title and of the snippet of a result.
const TITLE_BYTES_MAX: usize = 300;
const SNIPPET_BYTES_MAX: usize = 1_000;

/// One page that was found.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Found {
    title: String,
    url: String,
    snippet: String,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The best first
    results: Vec<Found>,
}

/// Searches the web and lists pages with title, address and snippet, for example query `rust 1.95 release date`.
#[tool(
    effect = "idempotent",
    wants(
        http = "asks the search provider",
        kv = "knows which provider: keys `provider`, `endpoint`, `secret`"
    )
)]
pub fn search(
    /// What to look for, in a few words
    #[schemars(length(min = 1, max = 400))]
    query: String,
    /// How many results; 5 if not given
    #[schemars(range(min = 1, max = RESULTS_MAX))]
    count: Option<u32>,
) -> Result<Output, Error> {
    let query = query.trim();
    if query.is_empty() {
        return Err(Error::invalid_input(
            "`query` is blank: say what to look for, for example `rust 1.95 release date`",
        ));
    }
    let count = count.unwrap_or(RESULTS).clamp(1, RESULTS_MAX);
    let provider = Provider::named(&setting("provider")?)?;
    let request = provider.request(&setting("endpoint")?, query, count)?;
    let request = match kv::get("secret")? {
        Some(name) => request.secret(&name),
        None => request,
    };
    let answer = request.header("accept", "application/json").send()?.ok()?.json()?;
    let mut results = provider.results(&answer)?;
    results.truncate(count as usize);
    for found in &mut results {
        found.title.truncate(found.title.floor_char_boundary(TITLE_BYTES_MAX));
        found.snippet.truncate(found.snippet.floor_char_boundary(SNIPPET_BYTES_MAX));
    }
    Ok(Output { results })
}

/// A setting that must be there.
fn setting(key: &str) -> Result<String, Error> {
    kv::get(key)?.ok_or_else(|| {
        Error::failed(format!(
            "web search is not configured: the operator has to put `{key}` into the table of this tool"
        ))
    })
}

#[cfg(test)]
mod tests;
