//! Tool `count_words`.

use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::Serialize;

/// What was counted.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Counts {
    /// How many words there are
    words: u64,
    /// The longest, the first of several; empty if there is none
    longest: String,
}

/// Counts the words of a text and finds the longest, for example 2 and `there` in `Hi there`.
#[tool(effect = "pure")]
pub fn count_words(
    /// The text; words are what stands between blanks
    text: String,
    /// Leave out words with fewer letters than this; 1 if not given
    at_least: Option<u32>,
) -> Result<Counts, Error> {
    let at_least = at_least.unwrap_or(1) as usize;
    if at_least == 0 {
        return Err(Error::invalid_input("`at_least` is 0: a word has a letter at least, so give 1 or more"));
    }
    let letters = |word: &str| word.chars().count();
    let (mut words, mut longest) = (0, "");
    for word in text.split_ascii_whitespace().filter(|word| letters(word) >= at_least) {
        words += 1;
        if letters(word) > letters(longest) {
            longest = word;
        }
    }
    Ok(Counts { words, longest: longest.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_and_the_longest_is_found() {
        let counts = count_words("Hi there, Zoë".into(), None).unwrap();
        assert_eq!(counts, Counts { words: 3, longest: "there,".into() });
    }

    #[test]
    fn short_words_can_be_left_out() {
        assert_eq!(count_words("a bb ccc".into(), Some(2)).unwrap().words, 2);
    }

    #[test]
    fn a_limit_of_zero_is_refused_with_what_to_do() {
        let error = playhouse_tool::run::<CountWords>(r#"{"text": "a", "at_least": 0}"#).unwrap_err();
        assert!(error.to_string().contains("give 1 or more"), "{error}");
    }
}
