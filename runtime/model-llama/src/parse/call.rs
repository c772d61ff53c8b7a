//! Reads the inside of one call, forgivingly.

use playhouse_core::message::Arguments;
use serde_json::{Map, Value};

/// Name, arguments and their raw text; `None` when no name can be found.
pub(super) fn read(body: &str, closed: bool) -> Option<(String, Arguments, String)> {
    let body = body.trim();
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(call)) => well_formed(call),
        Ok(_) => None,
        Err(error) => {
            let name = string_after(body, "\"name\"")?;
            let raw = after_key(body, "\"arguments\"").unwrap_or(body).trim().to_owned();
            let error = match closed {
                true => error.to_string(),
                false => "the reply ended inside this call".to_owned(),
            };
            Some((name, Arguments::Malformed { raw: raw.clone(), error }, raw))
        }
    }
}

fn well_formed(mut call: Map<String, Value>) -> Option<(String, Arguments, String)> {
    let Some(Value::String(name)) = call.remove("name") else { return None };
    let arguments = match call.remove("arguments").or_else(|| call.remove("parameters")) {
        // Some models learned to write the arguments as a string of JSON.
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(value) => Arguments::Json(value),
            Err(error) => Arguments::Malformed { error: error.to_string(), raw: text },
        },
        Some(value) => Arguments::Json(value),
        // `{"name": "now"}` is a call of a tool without parameters.
        None => Arguments::Json(Value::Object(Map::new())),
    };
    let raw = match &arguments {
        Arguments::Json(value) => value.to_string(),
        Arguments::Malformed { raw, .. } => raw.clone(),
    };
    Some((name, arguments, raw))
}

/// What follows `key` and its colon.
fn after_key<'a>(body: &'a str, key: &str) -> Option<&'a str> {
    body.split_once(key)?.1.trim_start().strip_prefix(':')
}

/// The string that is the value of `key`, if it is complete and not empty.
fn string_after(body: &str, key: &str) -> Option<String> {
    let value = after_key(body, key)?.trim_start();
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
    values.next()?.ok().filter(|name| !name.is_empty())
}
