//! What would be right: the shape of what a schema describes, and an example of it.

use serde_json::{Map, Value, json};

use crate::clipped_at;

/// Levels of an example, references included; what is deeper is left empty.
const LEVELS_MAX: usize = 6;
/// Values in an example. References let a small schema ask for endless ones.
const VALUES_MAX: usize = 100;
/// Characters of an example as text; a longer one is left out.
const EXAMPLE_CHARS_MAX: usize = 480;
/// Characters of a shape. A tool may have many arguments, and the model has read them all before.
const SHAPE_CHARS_MAX: usize = 2_000;
/// Kinds of one argument that are listed.
const KINDS_MAX: usize = 4;
/// Values of an argument that are listed, where it is one of some.
const CHOICES_MAX: usize = 16;
/// Characters in which they are.
const CHOICES_CHARS_MAX: usize = 240;
/// What a description says before an example.
const BEFORE_EXAMPLE: &str = "for example `";

/// `expression (string), unit ("km" or "mi"), digits (integer, optional)`; empty if the schema names no properties.
pub fn shape(schema: &Value) -> String {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return String::new() };
    let required = schema.get("required").and_then(Value::as_array);
    let one = |(name, property): (&String, &Value)| {
        let kind = kind(schema, property);
        let needed = required.is_some_and(|required| required.iter().any(|other| other == name.as_str()));
        format!("{name} ({kind}{})", if needed { "" } else { ", optional" })
    };
    // Each of them is longer than its name, so these are more than are shown.
    let shown: Vec<_> = properties.iter().take(SHAPE_CHARS_MAX).map(one).collect();
    clipped_at(&shown.join(", "), SHAPE_CHARS_MAX)
}

/// `integer`, `string or null`, `"km", "m" or "mi"`, `array of "a" or "b"`: what may be given for `property`, a part of the
/// schema `root`; `any` if it does not say.
pub fn kind(root: &Value, property: &Value) -> String {
    if let Some(listed) = listed(root, property) {
        return listed;
    }
    let kinds = kinds(root, property, 0).join(" or ");
    match listed(root, &property["items"]) {
        Some(listed) if kinds == "array" => format!("array of {listed}"),
        _ if kinds.is_empty() => "any".to_owned(),
        _ => kinds,
    }
}

/// The values that `property` may have, if it names them and they are few.
fn listed(root: &Value, property: &Value) -> Option<String> {
    let property = referred(root, property).unwrap_or(property);
    let values = property.get("enum").and_then(Value::as_array).map(|values| values.iter().collect());
    let named = || choices(property)?.iter().map(|one| one.get("const")).collect::<Option<Vec<_>>>();
    any_of(&values.or_else(named)?)
}

/// `"km", "m" or "mi"`, if they are few.
pub(crate) fn any_of(values: &[&Value]) -> Option<String> {
    let (last, others) = values.split_last().filter(|(_, others)| others.len() < CHOICES_MAX)?;
    let others: Vec<_> = others.iter().map(ToString::to_string).collect();
    let text = if others.is_empty() { last.to_string() } else { format!("{} or {last}", others.join(", ")) };
    (text.chars().count() <= CHOICES_CHARS_MAX).then_some(text)
}

/// The types that `property` may have, by name; none if it does not say.
fn kinds<'a>(root: &'a Value, property: &'a Value, depth: usize) -> Vec<&'a str> {
    let mut found: Vec<&str> = match &property["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ if depth >= 2 => Vec::new(),
        _ => match (referred(root, property), choices(property)) {
            (Some(target), _) => kinds(root, target, depth + 1),
            (None, Some(several)) => {
                several.iter().take(KINDS_MAX).flat_map(|one| kinds(root, one, depth + 1)).collect()
            }
            (None, None) => Vec::new(),
        },
    };
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|kind| seen.insert(*kind));
    found.truncate(KINDS_MAX);
    found
}

/// Where `#/…` leads.
fn referred<'a>(root: &'a Value, part: &Value) -> Option<&'a Value> {
    root.pointer(part.get("$ref")?.as_str()?.strip_prefix('#')?)
}

fn choices(part: &Value) -> Option<&Vec<Value>> {
    ["anyOf", "oneOf"].iter().find_map(|key| part.get(*key)?.as_array())
}

/// A value that fits `schema` as far as types go: its own example, default or first choice where it has one, or what its
/// description gives as one if `described`; of an object, what is required. `None` if it would be large.
pub(crate) fn example(schema: &Value, described: bool) -> Option<Value> {
    Maker { root: schema, left: VALUES_MAX, described }.value(schema, 0)
}

/// `example` as text, if that is no longer than people read.
pub(crate) fn short(example: &Value) -> Option<String> {
    let text = example.to_string();
    (text.chars().count() <= EXAMPLE_CHARS_MAX).then_some(text)
}

struct Maker<'a> {
    root: &'a Value,
    /// Values that may still be made.
    left: usize,
    /// Whether descriptions are searched for examples.
    described: bool,
}

impl<'a> Maker<'a> {
    fn value(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let own = ["/examples/0", "/default", "/const", "/enum/0"];
        if let Some(own) = own.iter().find_map(|place| schema.pointer(place)) {
            return Some(own.clone());
        }
        if let Some(said) = self.described.then(|| said(schema)).flatten() {
            return Some(said);
        }
        let is_deep = depth >= LEVELS_MAX;
        let other = referred(self.root, schema).or_else(|| choices(schema)?.first());
        if let Some(other) = other.filter(|_| schema.get("properties").is_none() && !is_deep) {
            return self.value(other, depth + 1);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().and_then(Value::as_str),
            kind => kind.as_str(),
        };
        Some(match kind {
            Some("object") if !is_deep => {
                let mut fields = Map::new();
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    fields.insert(name.to_owned(), self.value(&schema["properties"][name], depth + 1)?);
                }
                Value::Object(fields)
            }
            Some("array") if !is_deep => json!([self.value(&schema["items"], depth + 1)?]),
            Some("object") => json!({}),
            Some("array") => json!([]),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            _ => json!(text(schema)),
        })
    }
}

/// What the description of text, a number or a list gives as an example: "…, for example `km`".
fn said(schema: &Value) -> Option<Value> {
    let (_, after) = schema["description"].as_str()?.split_once(BEFORE_EXAMPLE)?;
    let (example, _) = after.split_once('`')?;
    match &schema["type"] {
        Value::String(kind) if kind == "object" => None,
        Value::String(kind) if kind != "string" => serde_json::from_str(example).ok(),
        _ => Some(json!(example)),
    }
}

/// Text of the format that is asked for.
fn text(schema: &Value) -> &'static str {
    match schema["format"].as_str() {
        Some("date") => "2026-01-31",
        Some("time") => "12:00:00Z",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("email") => "someone@example.com",
        Some("uri") => "https://example.com/",
        _ => "…",
    }
}
