//! Readers for what providers send in place of what the specification says.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` reads as the type's default: several servers write `"choices": null` or `"tool_calls": null`.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Text, or any other JSON as its text: some servers send a call's arguments as an object, and an
/// error's `code` as a number.
pub(crate) fn text_or_json<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// Like [`text_or_json`], with nothing for nothing.
pub(crate) fn text_or_empty<'de, D>(deserializer: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(text_or_json(deserializer)?.unwrap_or_default())
}
