//! Searching files line by line.

use playhouse_tool::{Error, files as disk};
use regex_lite::{Regex, RegexBuilder};
use shared::{ANSWER_BYTES_MAX, clip};

use crate::glob::Glob;
use crate::walk::below;
use crate::{Input, Output};

/// Matches of one search.
const MATCHES_MAX: usize = 200;
/// Bytes of a line that are shown.
const LINE_BYTES_MAX: usize = 400;
/// Bytes of a compiled expression; the most of an instance's memory that one may take.
const EXPRESSION_BYTES_MAX: usize = 1 << 20;
/// Lines around a match, at most.
const CONTEXT_MAX: u32 = 20;

/// Lines below `path` that match, as `path:line: text`; lines around them as `path-line- text`.
pub(crate) fn search(path: &str, input: &Input) -> Result<Output, Error> {
    let pattern = input.pattern.as_deref().unwrap_or_default();
    if pattern.is_empty() {
        return Err(Error::invalid_input(
            "`pattern` is missing: give a regular expression, for example `fn \\w+`",
        ));
    }
    let expression =
        RegexBuilder::new(pattern).size_limit(EXPRESSION_BYTES_MAX).build().map_err(|wrong| {
            Error::invalid_input(format!(
                "`pattern` is no regular expression: {wrong}; write `\\(` for a bracket itself"
            ))
        })?;
    let only = input.glob.as_deref().map(Glob::parse).transpose()?;
    let walk = below(path)?;
    let mut found = Found { text: String::new(), matches: 0, is_full: false };
    let context = input.context.unwrap_or(0).min(CONTEXT_MAX) as usize;
    let mut skipped = 0;
    for file in walk.files.iter().filter(|file| only.as_ref().is_none_or(|only| only.matches(path, file))) {
        match disk::read_to_string(file) {
            Ok(text) => found.lines(file, &text, &expression, context),
            // Pictures and programs are there too, and nobody searches them.
            Err(_) if *file != path => skipped += 1,
            Err(wrong) => return Err(wrong),
        }
        if found.is_full {
            break;
        }
    }
    let full = found
        .is_full
        .then(|| format!("cut after {} matches: search in a folder below, or narrower", found.matches));
    let skipped = (skipped > 0).then(|| format!("{skipped} files were passed over: not text, or too large"));
    let more: Vec<_> = [full, walk.more, skipped].into_iter().flatten().collect();
    let more = (!more.is_empty()).then(|| more.join("; "));
    Ok(Output { text: Some(found.text), more, ..Output::default() })
}

/// What was found so far.
struct Found {
    text: String,
    matches: usize,
    is_full: bool,
}

impl Found {
    fn lines(&mut self, file: &str, text: &str, expression: &Regex, context: usize) {
        let lines: Vec<&str> = text.lines().collect();
        // The first line that was not shown yet.
        let mut next = 0;
        for (at, line) in lines.iter().enumerate() {
            if !expression.is_match(line) {
                continue;
            }
            if self.matches == MATCHES_MAX {
                self.is_full = true;
                return;
            }
            self.matches += 1;
            let (first, last) = (at.saturating_sub(context).max(next), (at + context).min(lines.len() - 1));
            for (number, line) in lines.iter().enumerate().take(last + 1).skip(first) {
                let mark = if expression.is_match(line) { ':' } else { '-' };
                let shown = clip(line, LINE_BYTES_MAX);
                let row = format!("{file}{mark}{}{mark} {shown}\n", number + 1);
                if self.text.len() + row.len() > ANSWER_BYTES_MAX {
                    self.is_full = true;
                    return;
                }
                self.text += &row;
            }
            next = last + 1;
        }
    }
}
