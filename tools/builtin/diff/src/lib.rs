//! Tool `diff`: what changed between two texts, as a unified diff that `patch` reads.
//!
//! No imports: the answer depends on the arguments alone.

use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{ANSWER_BYTES_MAX, clip};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change, if nothing else is said.
const CONTEXT: u32 = 3;
/// The most of them.
const CONTEXT_MAX: u32 = 100;

/// `{"diff": "--- before\n…", "added": 1, "removed": 0, "cut": false}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The unified diff; empty if the texts are the same
    diff: String,
    /// Lines that are only in `after`
    added: usize,
    /// Lines that are only in `before`
    removed: usize,
    /// Whether the diff was longer and cut off: compare parts of the texts
    cut: bool,
}

/// Compares two texts line by line and shows the difference as a unified diff, for example before `a\nb` and after `a\nc`.
#[tool(effect = "pure")]
pub fn diff(
    /// The text as it was
    before: String,
    /// The text as it is now
    after: String,
    /// How many unchanged lines to show around a change; 3 if not given
    #[schemars(range(max = CONTEXT_MAX))]
    context: Option<u32>,
) -> Result<Output, Error> {
    let context = context.unwrap_or(CONTEXT);
    if context > CONTEXT_MAX {
        return Err(Error::invalid_input(format!(
            "`context` is {context}: give 0 to {CONTEXT_MAX}, for example 3"
        )));
    }
    let compared = TextDiff::from_lines(&before, &after);
    let count = |tag| compared.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let text = compared.unified_diff().context_radius(context as usize).header("before", "after").to_string();
    let text = if added + removed == 0 { String::new() } else { text };
    let cut = text.len() > ANSWER_BYTES_MAX;
    Ok(Output { diff: clip(&text, ANSWER_BYTES_MAX).to_owned(), added, removed, cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_lines_around_them() {
        let found = diff("a\nb\nc\nd\n".into(), "a\nb\nx\nd\n".into(), Some(1)).expect("two texts");
        assert_eq!(found.diff, "--- before\n+++ after\n@@ -2,3 +2,3 @@\n b\n-c\n+x\n d\n");
        assert_eq!((found.added, found.removed, found.cut), (1, 1, false));
    }

    #[test]
    fn equal_texts_have_no_difference() {
        let found = diff("a\n".into(), "a\n".into(), None).expect("two texts");
        assert_eq!((found.diff.as_str(), found.added, found.removed), ("", 0, 0));
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let found = diff(String::new(), "line\n".repeat(20_000), None).expect("two texts");
        assert!(found.cut && found.diff.len() <= ANSWER_BYTES_MAX && found.added == 20_000);
        assert!(diff("a".into(), "b".into(), Some(101)).is_err());
    }

    #[test]
    fn garbage_is_compared_as_well() {
        for (before, after) in shared::garbage(300).zip(shared::garbage(301).skip(1)) {
            let same = before == after;
            let found = diff(before, after, None).expect("any two texts");
            assert_eq!(found.diff.is_empty(), same);
        }
    }
}
