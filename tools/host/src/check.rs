//! JSON against its schema, with complaints that a model can act on.

use jsonschema::{PatternOptions, Validator};
use playhouse_core::schema_cost::SchemaCost;
use serde_json::{Value, json};

/// Complaints in one message: the model corrects these and learns of the rest next time.
const COMPLAINTS_MAX: usize = 3;
/// Characters of one complaint. It may quote the value, which may be long.
const COMPLAINT_CHARS_MAX: usize = 240;
/// Nesting of arguments and results; text deeper than this does not parse either.
const DEPTH_MAX: usize = 64;
/// Regular expressions in one schema, and bytes of each once it is compiled: 16 MiB at most in all.
const PATTERNS_MAX: usize = 64;
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    cost: SchemaCost,
    /// `expression (string), digits (integer, optional)`: what the model should have written.
    shape: String,
    /// Arguments that would do, as JSON text.
    example: String,
}

impl Schema {
    /// Compiles a schema from a tool. Patterns run in linear time and in bounded memory, references stay inside the
    /// document, and what a check may cost is counted before it is made: a schema can neither hang the host nor reach
    /// out of it.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        if !shallow(schema, DEPTH_MAX) {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
        let count = patterns(schema);
        if count > PATTERNS_MAX {
            return Err(format!("it has {count} patterns, and {PATTERNS_MAX} are allowed"));
        }
        let cost = SchemaCost::of(schema)?;
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().with_pattern_options(patterns).should_validate_formats(true);
        let validator = options.build(schema).map_err(|error| clipped(&error.to_string()))?;
        Ok(Self { validator, cost, shape: shape(schema), example: clipped(&example(schema, 0).to_string()) })
    }

    /// Whether `value` fits; the error lists what does not and what would.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        if !shallow(value, DEPTH_MAX) {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
        if !self.cost.allows(value) {
            return Err("checking it against the tool's schema is too much work: make it smaller".to_owned());
        }
        // Complaints are collected before the first one is seen, and may be as many as there are items.
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut complaints = Vec::new();
        for error in self.validator.iter_errors(value).take(COMPLAINTS_MAX) {
            let place = error.instance_path().as_str().trim_start_matches('/').to_owned();
            let complaint = clipped(&error.to_string());
            complaints.push(if place.is_empty() { complaint } else { format!("`{place}`: {complaint}") });
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
    }

    /// The names and types of the properties, for error messages. May be empty.
    pub(crate) fn shape(&self) -> &str {
        &self.shape
    }

    /// Arguments that would do, for error messages.
    pub(crate) fn example(&self) -> &str {
        &self.example
    }
}

/// Levels of an example; what is deeper is left empty.
const EXAMPLE_DEPTH_MAX: usize = 4;

/// A value that fits `schema` as far as types go: its own example, default or first choice where it has one; of an
/// object, what is required.
fn example(schema: &Value, depth: usize) -> Value {
    let own = ["/examples/0", "/default", "/const", "/enum/0"];
    if let Some(own) = own.iter().find_map(|place| schema.pointer(place)) {
        return own.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") if depth < EXAMPLE_DEPTH_MAX => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|name| (name.to_owned(), example(&schema["properties"][name], depth + 1))).collect()
        }
        Some("array") if depth < EXAMPLE_DEPTH_MAX => json!([example(&schema["items"], depth + 1)]),
        Some("object") => json!({}),
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        _ => json!("…"),
    }
}

/// `expression (string), digits (integer, optional)`; empty if the schema names no properties.
pub(crate) fn shape(schema: &Value) -> String {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return String::new() };
    let required = schema.get("required").and_then(Value::as_array);
    let one = |(name, property): (&String, &Value)| {
        let kind = match property.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
            }
            _ => "any".to_owned(),
        };
        let needed = required.is_some_and(|required| required.iter().any(|other| other == name.as_str()));
        format!("{name} ({kind}{})", if needed { "" } else { ", optional" })
    };
    properties.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Whether `value` is nested at most `levels` deep. Goes no deeper than that itself.
fn shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| shallow(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| shallow(field, levels - 1)),
        _ => true,
    }
}

/// How many regular expressions a schema has at most. Called only for what is shallow.
fn patterns(schema: &Value) -> usize {
    let one = |(key, value): (&String, &Value)| {
        let here = match (key.as_str(), value) {
            ("pattern", Value::String(_)) => 1,
            ("patternProperties", Value::Object(named)) => named.len(),
            _ => 0,
        };
        here + patterns(value)
    };
    match schema {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(fields) => fields.iter().map(one).sum(),
        _ => 0,
    }
}

/// The beginning of `text`, marked if something is missing.
pub(crate) fn clipped(text: &str) -> String {
    match text.char_indices().nth(COMPLAINT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
