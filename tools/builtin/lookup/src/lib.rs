//! Tool `lookup`: the value stored under a key.
//!
//! The smallest tool with a permission. It reads through one capability, `playhouse:tool/kv`, and that import is all it
//! has: a host that does not grant a table refuses the component before it runs.

use playhouse_tool::{About, Effect, Error, Tool, json};
use serde::{Deserialize, Serialize};

/// Characters of the longest key.
const KEY_LENGTH_MAX: usize = 256;

/// The tool.
#[derive(Debug)]
pub struct Lookup;

/// `{"key": "amber-falcon"}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    key: String,
}

/// `{"value": "14"}`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    value: String,
}

impl Tool for Lookup {
    type Input = Input;
    type Output = Output;

    fn about() -> About {
        About::new(
            "lookup",
            env!("CARGO_PKG_VERSION"),
            "Looks up the value stored under a key, for example `amber-falcon`.",
        )
        .input(json!({
            "type": "object",
            "properties": {
                "key": {
                    "type": "string",
                    "description": "The exact key",
                    "minLength": 1,
                    "maxLength": KEY_LENGTH_MAX,
                },
            },
            "required": ["key"],
            "additionalProperties": false,
        }))
        .output(json!({
            "type": "object",
            "properties": {"value": {"type": "string"}},
            "required": ["value"],
            "additionalProperties": false,
        }))
        .effect(Effect::Idempotent)
        .wants("kv", "read")
    }

    fn call(input: Input) -> Result<Output, Error> {
        answer(&input.key, playhouse_tool::kv::get(&input.key))
    }
}

/// The answer to the model, given what the table holds.
fn answer(key: &str, found: Option<String>) -> Result<Output, Error> {
    found.map(|value| Output { value }).ok_or_else(|| Error::not_found(format!("no entry for `{key}`")))
}

playhouse_tool::export!(Lookup);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_gives_its_value() {
        assert_eq!(answer("amber-falcon", Some("14".into())), Ok(Output { value: "14".into() }));
    }

    #[test]
    fn a_key_that_is_not_there_is_not_found() {
        assert_eq!(answer("grey-otter", None), Err(Error::not_found("no entry for `grey-otter`")));
    }

    #[test]
    fn it_says_what_it_wants() {
        let about = Lookup::about().to_json();
        assert!(about.contains(r#""wants":{"kv":"read"}"#), "{about}");
        assert!(about.contains(r#""effect":"idempotent""#), "{about}");
    }
}
