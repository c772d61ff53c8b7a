//! Globs, as regular expressions: one engine is enough.

use playhouse_tool::Error;
use regex_lite::{Regex, escape};
use shared::shown;

/// `**/*.md`, for paths relative to where the search begins.
pub(crate) struct Glob(Regex);

impl Glob {
    /// `*` and `?` stay within a folder, `**` does not; `[a-z]`, `[!a-z]` and `{md,txt}` are as in a shell.
    pub(crate) fn parse(glob: &str) -> Result<Self, Error> {
        let wrong = || {
            let message = format!(
                "`glob` is `{}`, which cannot be read: write `**/*.md` or `*.{{md,txt}}`",
                shown(glob)
            );
            Error::invalid_input(message)
        };
        let expression = expression(glob).ok_or_else(wrong)?;
        Regex::new(&expression).map(Self).map_err(|_| wrong())
    }

    /// Whether it matches `file`, which is below `base`.
    pub(crate) fn matches(&self, base: &str, file: &str) -> bool {
        let relative = file.strip_prefix(base).unwrap_or(file).trim_start_matches('/');
        self.0.is_match(relative)
    }
}

/// Nothing, if a bracket is not closed.
fn expression(glob: &str) -> Option<String> {
    let mut out = String::from("^");
    let mut rest = glob;
    let mut is_open = false;
    while let Some(first) = rest.chars().next() {
        let (taken, written) = match first {
            '*' if rest.starts_with("**/") => (3, "(?:.*/)?".to_owned()),
            '*' if rest.starts_with("**") => (2, ".*".to_owned()),
            '*' => (1, "[^/]*".to_owned()),
            '?' => (1, "[^/]".to_owned()),
            '{' if !is_open => (1, "(?:".to_owned()),
            ',' if is_open => (1, "|".to_owned()),
            '}' if is_open => (1, ")".to_owned()),
            '[' => {
                let end = rest[1..].find(']').filter(|end| *end > 0)? + 1;
                let (not, class) =
                    rest[1..end].strip_prefix('!').map_or(("", &rest[1..end]), |class| ("^", class));
                (end + 1, format!("[{not}{}]", class.replace('\\', "\\\\").replace(['[', '^', '&', '~'], "")))
            }
            other => (other.len_utf8(), escape(&other.to_string())),
        };
        is_open = (is_open || first == '{') && first != '}';
        out += &written;
        rest = &rest[taken..];
    }
    (!is_open).then(|| out + "$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        for (glob, path, expected) in [
            ("*.md", "a.md", true),
            ("*.md", "b/a.md", false),
            ("**/*.md", "a.md", true),
            ("**/*.md", "b/c/a.md", true),
            ("b/**", "b/c/a.md", true),
            ("?.{md,txt}", "a.txt", true),
            ("[!a].md", "a.md", false),
            ("[a-c].md", "b.md", true),
            ("a+b.md", "a+b.md", true),
        ] {
            let found = Glob::parse(glob).expect("a glob").matches("docs", &format!("docs/{path}"));
            assert_eq!(found, expected, "{glob} {path}");
        }
        assert!(Glob::parse("[").is_err() && Glob::parse("{a").is_err());
    }
}
