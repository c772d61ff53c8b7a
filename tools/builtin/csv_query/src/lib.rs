//! Tool `csv_query`: selects, filters, groups and sorts a table, given as text or as a granted file.
//!
//! ```text
//!   table ──where──▶ rows ──group_by, aggregate──▶ rows ──sort──▶ ──offset, limit──▶ ──select──▶ answer
//! ```

mod query;
mod table;

use playhouse_tool::{Error, files, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows of one answer.
pub(crate) const LIMIT_MAX: u32 = 1_000;
/// Rows of an answer if nothing is said.
pub(crate) const LIMIT: u32 = 100;

/// How a cell is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum Is {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "contains")]
    Contains,
}

/// One condition on a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub(crate) column: String,
    pub(crate) is: Is,
    /// Compared as a number where both are numbers, otherwise as text without regard to case
    pub(crate) value: String,
}

/// What is made of the rows of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum Sum {
    Count,
    Sum,
    Mean,
    Min,
    Max,
}

/// One figure of a group; its column is called `sum(price)`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    pub(crate) function: Sum,
    /// Not needed to count
    #[serde(default)]
    pub(crate) column: String,
}

/// One column to sort by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub(crate) column: String,
    #[serde(default)]
    pub(crate) descending: bool,
}

/// A table, and what is asked of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// The table as CSV with a line of column names
    pub(crate) text: Option<String>,
    /// Or the file it is in, for example `data/sales.csv`
    pub(crate) path: Option<String>,
    /// What separates cells, for example `;`; found out if not given
    #[schemars(length(min = 1, max = 1))]
    pub(crate) separator: Option<String>,
    /// Columns wanted; all if not given
    pub(crate) select: Vec<String>,
    /// Conditions, all of which must hold
    #[serde(rename = "where")]
    pub(crate) conditions: Vec<Condition>,
    /// Columns whose equal values make a group
    pub(crate) group_by: Vec<String>,
    /// Figures of each group, for example `[{"function": "sum", "column": "price"}]`
    pub(crate) aggregate: Vec<Aggregate>,
    /// Columns to sort by, the first first
    pub(crate) sort: Vec<Order>,
    /// How many rows; 100 if not given
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    pub(crate) limit: Option<u32>,
    /// How many rows to pass over
    pub(crate) offset: u32,
}

/// The rows that were asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// Rows there are in all
    pub(crate) total: usize,
    /// What was passed over, if anything
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// If rows are left out: how to get them
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more: Option<String>,
}

/// Selects, filters, sorts and sums up a CSV table, for example text `city,n\nBern,2`, where `[{"column": "n", "is": ">", "value": "1"}]`.
#[tool(effect = "idempotent", wants(files = "reads tables that are given by path"))]
pub fn csv_query(input: Input) -> Result<Output, Error> {
    let text = match (&input.text, &input.path) {
        (Some(text), None) => text.clone(),
        (None, Some(path)) => files::read_to_string(path)?,
        _ => {
            return Err(Error::invalid_input(
                "give the table either as `text` or by `path`, for example `data/sales.csv`",
            ));
        }
    };
    let table = table::read(&text, input.separator.as_deref())?;
    query::answer(table, &input)
}

#[cfg(test)]
mod tests;
