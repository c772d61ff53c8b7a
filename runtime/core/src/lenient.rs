//! Arguments as the model meant them: the mistakes that models make most, put right where the schema leaves no doubt.
//!
//! What is put right is listed in [`Mend`], each time it is journaled beside the call, and a call that would need more
//! than [`REPAIRS_MAX`] of them is left as it is: its model has misunderstood something, and should be told. Nothing
//! is invented: a missing argument stays missing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Repairs that one call may need.
pub const REPAIRS_MAX: usize = 8;
/// Nesting that is looked at; deeper arguments are refused anyway.
const DEPTH_MAX: usize = 64;

/// Something in the arguments of a call that was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub at: String,
    /// What.
    pub mend: Mend,
}

/// What is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
    /// The arguments stood in a fenced block of Markdown.
    Unfenced,
    /// The arguments were whole, and what stood around them was not.
    Unframed,
    /// Commas before a closing bracket were dropped.
    TrailingCommas,
    /// `"3"` was read as `3`.
    TextToNumber,
    /// `"true"` was read as `true`.
    TextToBoolean,
    /// `3` was read as `"3"`.
    ToText,
    /// JSON inside a string was read as JSON.
    TextToJson,
    /// A single value was read as a list of one.
    ToList,
}

/// Reads text that is not quite JSON; `None` if it is not that either. There is at least one repair.
pub fn read(raw: &str) -> Option<(Value, Vec<Repair>)> {
    let mut repairs = Vec::new();
    let mut mend = |mend| repairs.push(Repair { at: String::new(), mend });
    let mut text = raw.trim();
    if let Some(inner) = fenced(text) {
        text = inner;
        mend(Mend::Unfenced);
    }
    let value = match first(text) {
        Some(value) => value,
        None => {
            let value = first(&without_trailing_commas(text)?)?;
            mend(Mend::TrailingCommas);
            value
        }
    };
    if repairs.is_empty() {
        repairs.push(Repair { at: String::new(), mend: Mend::Unframed });
    }
    Some((value, repairs))
}

/// The JSON at the beginning of `text`, if nothing but closing brackets stands behind it.
fn first(text: &str) -> Option<Value> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    let behind = text[values.byte_offset()..].chars();
    behind.into_iter().all(|c| c.is_ascii_whitespace() || matches!(c, ']' | '}')).then_some(value)
}

/// `arguments` with what does not fit `schema` put right where there is one way to do it, and what was done. With
/// more than [`REPAIRS_MAX`] repairs, the arguments as they were.
pub fn fit(schema: &Value, arguments: &Value) -> (Value, Vec<Repair>) {
    let mut fitting = Fitting { repairs: Vec::new() };
    let mut value = arguments.clone();
    fitting.walk(schema, &mut value, &mut String::new(), 0);
    match fitting.repairs.len() {
        0..=REPAIRS_MAX => (value, fitting.repairs),
        _ => (arguments.clone(), Vec::new()),
    }
}

struct Fitting {
    repairs: Vec<Repair>,
}

impl Fitting {
    fn walk(&mut self, schema: &Value, value: &mut Value, at: &mut String, depth: usize) {
        // What a reference leads to is not followed, so nothing is known about what it allows.
        if depth > DEPTH_MAX || self.repairs.len() > REPAIRS_MAX || schema.get("$ref").is_some() {
            return;
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
            let Some((mended, mend)) = mended(schema, &types, value) else { return };
            *value = mended;
            self.repairs.push(Repair { at: at.clone(), mend });
        }
        let length = at.len();
        match value {
            Value::Object(fields) => {
                let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
                for (name, field) in fields {
                    let Some(property) = properties.get(name) else { continue };
                    at.push('/');
                    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    self.walk(property, field, at, depth + 1);
                    at.truncate(length);
                }
            }
            Value::Array(items) => {
                let items_schema = schema.get("items").filter(|items| items.is_object());
                let Some(schema) = items_schema.filter(|_| schema.get("prefixItems").is_none()) else {
                    return;
                };
                for (n, item) in items.iter_mut().enumerate() {
                    at.push_str(&format!("/{n}"));
                    self.walk(schema, item, at, depth + 1);
                    at.truncate(length);
                }
            }
            _ => {}
        }
    }
}

/// The types that a schema names; none if it does not say.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => {
            kind == "number"
                || kind == "integer" && (number.is_i64() || number.is_u64() || is_whole(number.as_f64()))
        }
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

/// JSON Schema takes 3.0 for an integer.
fn is_whole(number: Option<f64>) -> bool {
    number.is_some_and(|number| number.fract() == 0.0)
}

/// `value` as one of `types`, if there is one way to read it so.
fn mended(schema: &Value, types: &[&str], value: &Value) -> Option<(Value, Mend)> {
    let fits = |value: &Value| types.iter().any(|kind| is(kind, value));
    if let Value::String(text) = value {
        let read = match text.trim() {
            "True" | "TRUE" => Value::Bool(true),
            "False" | "FALSE" => Value::Bool(false),
            text => serde_json::from_str(text).unwrap_or(Value::Null),
        };
        let mend = match &read {
            Value::Bool(_) => Some(Mend::TextToBoolean),
            Value::Number(number) => is_exact(number, text, types).then_some(Mend::TextToNumber),
            Value::Array(_) | Value::Object(_) => Some(Mend::TextToJson),
            Value::Null | Value::String(_) => None,
        };
        if let Some(mend) = mend.filter(|_| fits(&read)) {
            return Some((read, mend));
        }
    }
    let has_one_spelling = match value {
        Value::Number(number) => number.is_i64() || number.is_u64(),
        value => value.is_boolean(),
    };
    if types.contains(&"string") && has_one_spelling {
        return Some((Value::String(value.to_string()), Mend::ToText));
    }
    let items = schema.get("items").map(self::types).unwrap_or_default();
    let is_one = !value.is_null() && !value.as_str().is_some_and(looks_like_several);
    (types.contains(&"array") && is_one && (items.is_empty() || items.iter().any(|kind| is(kind, value))))
        .then(|| (Value::Array(vec![value.clone()]), Mend::ToList))
}

/// Whether `number` is what `text` says, to the last digit, in a way that a reader of one of `types` expects.
fn is_exact(number: &serde_json::Number, text: &str, types: &[&str]) -> bool {
    let is_whole = number.is_i64() || number.is_u64();
    is_whole || types.contains(&"number") && text.contains(['.', 'e', 'E'])
}

/// Whether `text` may be a list that was written in some other way.
fn looks_like_several(text: &str) -> bool {
    text.contains([',', ';', '\n']) || text.trim_start().starts_with(['[', '{', '(', '"', '\''])
}

/// What a fenced block holds.
fn fenced(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("```")?.strip_suffix("```")?;
    let inner = inner.strip_prefix("json").unwrap_or(inner);
    Some(inner.trim())
}

/// `text` without the commas that stand right before a closing bracket; `None` if there are none.
fn without_trailing_commas(text: &str) -> Option<String> {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => in_string = !in_string,
            ']' | '}' if !in_string => {
                let kept = out.trim_end();
                if let Some(kept) = kept.strip_suffix(',') {
                    out.truncate(kept.len());
                }
            }
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
        out.push(c);
    }
    (out.len() < text.len()).then_some(out)
}

#[cfg(test)]
mod tests;
