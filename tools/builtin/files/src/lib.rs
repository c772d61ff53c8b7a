//! Tool `files`: list, read and search in the folders that are granted to it. It changes nothing.
//!
//! ```text
//!   list    what is in a folder, or what matches a glob below it
//!   read    lines from..to of one file, with the version that `files_edit` wants back
//!   search  lines that match a regular expression, with the lines around them
//! ```
//!
//! Every answer is bounded, says when it was cut, and how to go on.

mod glob;
mod read;
mod search;
mod walk;

use playhouse_tool::{Error, files as disk, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum Action {
    List,
    Read,
    Search,
}

/// What to do, and where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What to do
    pub(crate) action: Action,
    /// The file or folder, for example `docs/a.txt`; to list, empty for the names of the granted folders
    #[serde(default)]
    pub(crate) path: String,
    /// To list or search: only paths that match this glob, for example `**/*.md`
    pub(crate) glob: Option<String>,
    /// To search: a regular expression for one line, for example `fn \w+`; `(?i)` in front ignores case
    pub(crate) pattern: Option<String>,
    /// To search: lines to show before and after each match; none if not given
    #[schemars(range(max = 20))]
    pub(crate) context: Option<u32>,
    /// To read: the first line wanted, from 1
    #[schemars(range(min = 1))]
    pub(crate) from: Option<u64>,
    /// To read: the last line wanted
    pub(crate) to: Option<u64>,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Output {
    /// Paths; folders end in `/`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paths: Option<Vec<String>>,
    /// The text that was read, or the lines that match as `path:line: text`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Lines of the whole file
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<u64>,
    /// Version of the file, for `files_edit`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// If something was left out: what, and how to get it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more: Option<String>,
}

/// Lists, reads and searches files in the granted folders, for example read `docs/a.txt` or search `docs` for `TODO`.
#[tool(effect = "idempotent", wants(files = "lists, reads and searches files"))]
pub fn files(input: Input) -> Result<Output, Error> {
    let path = input.path.trim_matches('/').to_owned();
    match input.action {
        Action::List if path.is_empty() && input.glob.is_none() => {
            let roots = disk::roots().into_iter().map(|root| format!("{root}/"));
            Ok(Output { paths: Some(roots.collect()), ..Output::default() })
        }
        Action::List => walk::list(&path, input.glob.as_deref()),
        Action::Read => read::read(&path, input.from, input.to),
        Action::Search => search::search(&path, &input),
    }
}

#[cfg(test)]
mod tests;
