//! What several tools need: answers that are bounded, and garbage to test tools with.

/// Bytes of the longest text that a tool answers with. The host refuses answers of more than 256 KiB, and a model has
/// little use for more than this at once.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// `text` up to `bytes` bytes, not cut within a character.
#[must_use]
pub fn clip(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The start of `text` for an error message, without line breaks.
#[must_use]
pub fn shown(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let start: String = text.chars().take(CHARACTERS).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARACTERS).is_some() { format!("{start}…") } else { start }
}

/// Texts that nobody means: pieces of syntax, extremes and odd letters in any order. The same each time.
pub fn garbage(count: usize) -> impl Iterator<Item = String> {
    const PIECES: [&str; 40] = [
        "",
        " ",
        "\n",
        "\r\n",
        "\0",
        "a",
        "Z",
        "0",
        "-1",
        "9223372036854775808",
        "1e999",
        "NaN",
        "é",
        "🦀",
        "\u{202e}",
        "\u{fffd}",
        "\"",
        "'",
        "\\",
        "/",
        "..",
        "%",
        "%zz",
        "{",
        "}",
        "{{",
        "}}",
        "[",
        "]",
        "(",
        ")",
        "<",
        "</",
        ">",
        "<script>",
        "&amp;",
        "*",
        "+?",
        ",",
        "2026-02-30T25:61:61Z",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    (0..count).map(move |_| (0..next() % 12).map(|_| PIECES[next() % PIECES.len()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!((clip("héllo", 2), clip("hé", 9)), ("h", "hé"));
        assert_eq!(shown("a\nb"), "a\\nb");
        assert!(shown(&"x".repeat(100)).chars().count() == 61);
    }

    #[test]
    fn garbage_is_the_same_each_time_and_not_all_alike() {
        let all: std::collections::BTreeSet<_> = garbage(200).collect();
        assert!(all.len() > 150 && garbage(200).eq(garbage(200)));
    }
}
