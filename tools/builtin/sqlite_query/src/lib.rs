//! Tool `sqlite_query`: one `SELECT` on a granted SQLite database, which it only reads.
//!
//! ```text
//!   file ──read whole──▶ memory ──SQLite: read-only, authorizer, limits──▶ rows ──bounded──▶ answer
//! ```
//!
//! SQLite itself is compiled into the component. Around it there are no files, no network and no time, so what a hostile
//! database or query could gain is an error, or the end of this one instance.

mod database;
mod rows;

use playhouse_tool::{Error, files, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rows of one answer.
const LIMIT_MAX: u32 = 1_000;
/// Rows of an answer if nothing is said.
const LIMIT: u32 = 100;
/// Bytes of the longest query.
const QUERY_BYTES_MAX: usize = 16 << 10;
/// Parameters of one query.
const PARAMETERS_MAX: usize = 100;
/// Bytes of the largest database: it lies in memory, and the instance has 64 MiB for that and for the work.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// A database, and what is asked of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The database, for example `data/shop.db`
    file: String,
    /// One SELECT; `SELECT sql FROM sqlite_schema` shows the tables
    #[schemars(length(min = 1, max = QUERY_BYTES_MAX))]
    query: String,
    /// Values for each `?` of the query in order: text, numbers, booleans or null
    #[serde(default)]
    #[schemars(length(max = PARAMETERS_MAX))]
    parameters: Vec<Value>,
    /// How many rows; 100 if not given
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<u32>,
}

/// The rows that were asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    columns: Vec<String>,
    /// Cells as JSON has them; bytes are `{"hex": "…"}`
    rows: Vec<Vec<Value>>,
    /// If something is left out: how to get it
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<String>,
    /// What else to know about the answer
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Asks a SQLite database by a SELECT, for example query `SELECT name FROM parts WHERE stock < ?` with parameters `[5]`.
#[tool(effect = "idempotent", wants(files = "reads databases"))]
pub fn sqlite_query(input: Input) -> Result<Output, Error> {
    check(&input)?;
    let database = database::open(&input.file)?;
    let mut output = rows::answer(&database, &input)?;
    output.note = unfinished(&input.file);
    Ok(output)
}

fn check(input: &Input) -> Result<(), Error> {
    if input.query.len() > QUERY_BYTES_MAX {
        let message = format!("`query` has more than {QUERY_BYTES_MAX} bytes: ask in parts");
        return Err(Error::invalid_input(message));
    }
    if input.parameters.len() > PARAMETERS_MAX {
        return Err(Error::invalid_input(format!("`parameters` has more than {PARAMETERS_MAX} values")));
    }
    if input.limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
        return Err(Error::invalid_input(format!("`limit` is from 1 to {LIMIT_MAX}")));
    }
    Ok(())
}

/// A program that has the database open keeps its last changes beside it.
fn unfinished(file: &str) -> Option<String> {
    let beside = |kind: &str| files::stat(&format!("{file}{kind}")).is_ok_and(|info| info.size > 0);
    ["-wal", "-journal"].into_iter().find(|kind| beside(kind)).map(|kind| {
        format!(
            "a program is changing the database: what is still in `{file}{kind}` is not part of this answer"
        )
    })
}

#[cfg(test)]
mod tests;
