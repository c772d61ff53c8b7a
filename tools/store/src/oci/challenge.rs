//! `WWW-Authenticate`: how a registry wants to be convinced.

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token, to be had from a realm.
    Bearer { realm: String, service: Option<String> },
}

/// Letters of the longest challenge that is read.
const CHALLENGE_BYTES_MAX: usize = 4096;

impl Challenge {
    /// Reads a header. `None`: it asks for something else, or is none.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        if header.len() > CHALLENGE_BYTES_MAX {
            return None;
        }
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let find = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Self::Bearer { realm: find("realm")?, service: find("service") })
    }
}

/// `name="value", name=value`; a backslash in quotes makes the next letter itself.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_owned();
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = if after.starts_with('"') {
            letters.next();
            loop {
                match letters.next() {
                    Some((_, '\\')) => value.extend(letters.next().map(|(_, letter)| letter)),
                    Some((at, '"')) => break at + 1,
                    Some((_, letter)) => value.push(letter),
                    None => break after.len(),
                }
            }
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value = after[..end].trim().to_owned();
            end
        };
        found.push((name, value));
        rest = &after[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
        };
        for (header, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull\"",
                bearer("https://auth.example/token", Some("registry.example")),
            ),
            ("bearer  service=s , realm=https://r", bearer("https://r", Some("s"))),
            (r#"Bearer realm="a\"b,c=d""#, bearer("a\"b,c=d", None)),
            ("Bearer realm=\"open", bearer("open", None)),
            ("Bearer service=\"s\"", None),
            ("Digest realm=\"x\"", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(header), expected, "{header}");
        }
        assert_eq!(Challenge::parse(&format!("Bearer realm=\"{}\"", "x".repeat(CHALLENGE_BYTES_MAX))), None);
    }
}
