//! A stranger's words, before they are shown to anybody: nothing that people cannot see, and not more than a bound.

use crate::bounds::clipped;

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

#[cfg(test)]
mod tests {
    use super::*;

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
