//! A stranger's words, before they are shown to anybody: nothing that people cannot see, and not more than a bound.

use crate::bounds::{WORDS_CHARS_MAX, clipped};

/// Stands where a character was that people cannot see.
const MARK: char = '\u{FFFD}';

/// Whether a model reads what a person who looks at it does not see: controls, direction changes, tag characters.
pub(crate) fn has_hidden_text(text: &str) -> bool {
    text.chars().any(is_hidden)
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | '\r' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E0000}'..='\u{E007F}' => true,
        c => c.is_control(),
    }
}

/// The same text with a mark in the place of every character that people cannot see.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { MARK } else { c }).collect()
}

/// The same on one line, with an end: for a terminal, a log, or a list.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    // What is cut off is not looked at: a stranger's text may be long.
    let text = clipped(text, chars_max);
    visible(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What went wrong, without the types of the SDK's transports, which say nothing to an operator.
pub(crate) fn problem(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let told = text
        .split_once("Transport [")
        .and_then(|(before, rest)| Some((before, rest.split_once("] error: ")?.1)));
    match told {
        // "Send message error ": the words behind it say so, too.
        Some((before, why)) if before.len() < 40 => clipped(why, WORDS_CHARS_MAX),
        _ => clipped(&text, WORDS_CHARS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_the_sdk_are_not_shown() {
        let said = "Send message error Transport [a::Guard<b::Worker<c>>] error: Unexpected content type, when send x";
        assert_eq!(problem(&said), "Unexpected content type, when send x");
        assert_eq!(problem(&"it is closed"), "it is closed");
    }

    #[test]
    fn what_is_shown_has_no_control_of_a_terminal_and_one_line() {
        let evil = "a\u{1b}[2Jb\r\n  c\u{E0041}\u{202E}";
        assert!(has_hidden_text(evil));
        assert_eq!(visible(evil), "a\u{FFFD}[2Jb\r\n  c\u{FFFD}\u{FFFD}");
        assert_eq!(line(evil, 100), "a\u{FFFD}[2Jb c\u{FFFD}\u{FFFD}");
        assert_eq!(line("x".repeat(9).as_str(), 3), "xxx…");
        assert!(!has_hidden_text("good\tand\nplain ü"));
    }
}
