//! Tool `lookup`: the value stored under a key.
//!
//! The smallest tool with a permission. It reads through one capability, `playhouse:tool/kv`, and that import is all it
//! has: a host that does not grant a table refuses the component before it runs.

use playhouse_tool::{Error, kv, tool};
use schemars::JsonSchema;
use serde::Serialize;

/// Characters of the longest key.
const KEY_LENGTH_MAX: usize = 256;

/// `{"value": "14"}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    value: String,
}

/// Looks up the value stored under a key, for example `amber-falcon`.
#[tool(effect = "idempotent", wants(kv = "reads the table in which keys are looked up"))]
pub fn lookup(
    /// The exact key
    #[schemars(length(min = 1, max = KEY_LENGTH_MAX))]
    key: String,
) -> Result<Output, Error> {
    let value = kv::get(&key)?.ok_or_else(|| Error::not_found(format!("no entry for `{key}`")))?;
    Ok(Output { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::testing::Host;
    use playhouse_tool::{Kind, Tool, json};

    fn parts() -> Host {
        Host::new().kv([("amber-falcon", "14")])
    }

    #[test]
    fn a_key_that_is_there_gives_its_value() {
        let answer = parts().call::<Lookup>(r#"{"key": "amber-falcon"}"#);
        assert_eq!(answer.as_deref(), Ok(r#"{"value":"14"}"#));
    }

    #[test]
    fn a_key_that_is_not_there_is_not_found() {
        let answer = parts().call::<Lookup>(r#"{"key": "grey-otter"}"#);
        assert_eq!(answer, Err(Error::not_found("no entry for `grey-otter`")));
    }

    #[test]
    fn without_a_table_nothing_is_available() {
        let wrong = Host::new().call::<Lookup>(r#"{"key": "amber-falcon"}"#).expect_err("no table");
        assert_eq!(wrong.kind, Kind::Unavailable);
    }

    #[test]
    fn what_the_small_model_was_trained_on_stays_word_for_word() {
        let about = json!({
            "name": "lookup",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Looks up the value stored under a key, for example `amber-falcon`.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "key": {"type": "string", "description": "The exact key", "minLength": 1, "maxLength": 256},
                },
                "required": ["key"],
                "additionalProperties": false,
            },
            "output_schema": {
                "type": "object",
                "properties": {"value": {"type": "string"}},
                "required": ["value"],
                "additionalProperties": false,
            },
            "effect": "idempotent",
            "wants": {"kv": "reads the table in which keys are looked up"},
        });
        assert_eq!(Lookup::about().to_json(), about.to_string());
    }
}
