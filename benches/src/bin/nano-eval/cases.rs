//! The cases as they lie in the files: one JSON object a line.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// One conversation and what must come of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Unique in all files.
    pub(crate) id: String,
    /// What it exercises.
    pub(crate) kind: String,
    /// What `lookup` finds.
    pub(crate) table: BTreeMap<String, String>,
    /// In order.
    pub(crate) turns: Vec<Turn>,
}

/// One input and what must come of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    /// What is said.
    pub(crate) user: String,
    /// The calls that must be made, and no others.
    pub(crate) calls: Vec<Call>,
    /// What the answer must hold, each of it.
    pub(crate) answer: Vec<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The tool.
    pub(crate) name: String,
    /// Compared as JSON: order and spaces between keys do not matter, everything inside a string does.
    pub(crate) arguments: Value,
}

/// All cases of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Case>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read the cases `{}`", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let cases = lines.map(|(n, line)| {
        serde_json::from_str(line).with_context(|| format!("{}:{}: not a case", path.display(), n + 1))
    });
    let cases: Vec<Case> = cases.collect::<Result<_>>()?;
    ensure!(!cases.is_empty(), "there are no cases in `{}`", path.display());
    Ok(cases)
}

/// At most `limit` of them, evenly spread: files are sorted by kind.
pub(crate) fn spread(cases: Vec<Case>, limit: Option<usize>) -> Vec<Case> {
    let Some(limit) = limit.filter(|limit| *limit < cases.len()) else { return cases };
    (0..limit).map(|n| cases[n * cases.len() / limit].clone()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn case(text: &str) -> Case {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_part_is_spread_over_the_whole() {
        let line = |n: usize| format!(r#"{{"id": "{n}", "kind": "k", "table": {{}}, "turns": []}}"#);
        let cases: Vec<_> = (0..10).map(|n| case(&line(n))).collect();
        let ids = |limit| spread(cases.clone(), limit).into_iter().map(|case| case.id).collect::<Vec<_>>();
        assert_eq!(ids(Some(3)), ["0", "3", "6"]);
        assert_eq!((ids(Some(99)).len(), ids(None).len()), (10, 10));
    }
}
