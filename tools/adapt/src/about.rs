//! What a tool says about itself that does not know it is one.

use serde_json::{Value, json};

use crate::error::AdaptError;

/// Bytes that the front keeps for it.
const ABOUT_BYTES: usize = 8 << 10;
/// How they begin there.
const MARK: &[u8] = b"playhouse-adapter:about:";
/// Characters of a description: it is part of every prompt.
const DESCRIPTION_MAX: usize = 1_000;

/// How a component that answers requests is presented to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// 1 to 64 of `a-z`, `0-9`, `_` and `-`.
    pub name: String,
    /// Of the component, for people.
    pub version: String,
    /// For the model: when to use it, and an example of a path.
    pub description: String,
}

impl Label {
    fn check(&self) -> Result<(), AdaptError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(is_plain) {
            let message =
                "the name of a tool is 1 to 64 of a to z, 0 to 9, _ and -, for example \"exchange_rates\"";
            return Err(AdaptError::Label(message.to_owned()));
        }
        if self.description.chars().count() > DESCRIPTION_MAX {
            let message = format!(
                "the description is longer than {DESCRIPTION_MAX} characters, and part of every prompt"
            );
            return Err(AdaptError::Label(message));
        }
        Ok(())
    }
}

/// The front, with `label` in it.
pub(crate) fn labelled(front: &[u8], label: &Label, makes_requests: bool) -> Result<Vec<u8>, AdaptError> {
    label.check()?;
    let text = describe(label, makes_requests).to_string();
    if text.len() > ABOUT_BYTES {
        return Err(AdaptError::Label(format!(
            "what the tool says about itself has {} bytes; {ABOUT_BYTES} fit",
            text.len()
        )));
    }
    let at = front
        .windows(MARK.len())
        .position(|window| window == MARK)
        .expect("the front was built with its mark");
    let mut labelled = front.to_vec();
    let place = &mut labelled[at..at + ABOUT_BYTES];
    place.fill(b' ');
    place[..text.len()].copy_from_slice(text.as_bytes());
    Ok(labelled)
}

/// In the form of the contract. What it does to the world, the host derives from its grants.
fn describe(label: &Label, makes_requests: bool) -> Value {
    let header = json!({
        "type": "object", "additionalProperties": false, "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    });
    let mut wants = json!({});
    if makes_requests {
        wants["http"] = json!("the component makes requests of its own (wasi:http)");
    }
    json!({
        "name": label.name,
        "version": label.version,
        "description": label.description,
        "effect": "idempotent",
        "wants": wants,
        "input_schema": {
            "type": "object", "additionalProperties": false, "required": ["path"],
            "properties": {
                "method": {"type": "string", "description": "Method of the request; GET if missing", "default": "GET", "maxLength": 16, "pattern": "^[A-Z-]+$"},
                "path": {"type": "string", "description": "Path and query, for example /search?q=tea", "pattern": "^/"},
                "headers": {"type": "array", "items": header, "description": "Headers of the request"},
                "body": {"type": "string", "description": "Body of the request"},
            },
        },
        "output_schema": {
            "type": "object", "required": ["status", "headers"],
            "properties": {
                "status": {"type": "integer"},
                "headers": {"type": "array", "items": header},
                "body": {"type": "string"},
                "body_base64": {"type": "string", "description": "The body, where it is no text"},
                "problems": {"type": "array", "items": {"type": "string"}, "description": "Requests that were refused or failed"},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::FRONT;

    fn label(name: &str, description: &str) -> Label {
        Label { name: name.to_owned(), version: "1".to_owned(), description: description.to_owned() }
    }

    #[test]
    fn the_longest_description_fits_into_the_front_and_nothing_else_of_it_changes() {
        let made = labelled(FRONT, &label("a", &"\u{1}".repeat(DESCRIPTION_MAX)), true).expect("it fits");
        let same = made.iter().zip(FRONT).filter(|(made, front)| made == front).count();
        assert_eq!(made.len(), FRONT.len());
        assert!(FRONT.len() - same <= ABOUT_BYTES);
        assert!(!made.windows(MARK.len()).any(|window| window == MARK));
    }

    #[test]
    fn a_name_that_no_tool_has_is_refused_with_an_example() {
        for name in ["", "Rates", "a b", &"a".repeat(65)] {
            let refused = labelled(FRONT, &label(name, ""), false).expect_err("no tool is called that");
            assert!(refused.to_string().contains("exchange_rates"), "{refused}");
        }
        assert!(labelled(FRONT, &label("a", &"x".repeat(1_001)), false).is_err());
    }
}
