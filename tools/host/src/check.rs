//! JSON against its schema, with complaints that a model can act on.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Complaints in one message: the model corrects these and learns of the rest next time.
const COMPLAINTS_MAX: usize = 3;
/// Characters of one complaint. It may quote the value, which may be long.
const COMPLAINT_CHARS_MAX: usize = 240;
/// Nesting of arguments and results; text deeper than this does not parse either.
const DEPTH_MAX: usize = 64;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// `expression (string), digits (integer, optional)`: what the model should have written.
    shape: String,
}

impl Schema {
    /// Compiles a schema from a tool. Patterns run in linear time and references stay inside the document, so that a
    /// schema can neither hang the host nor reach out of it.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let validator = options.build(schema).map_err(|error| clipped(&error.to_string()))?;
        Ok(Self { validator, shape: shape(schema) })
    }

    /// Whether `value` fits; the error lists what does not and what would.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        if !shallow(value, DEPTH_MAX) {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
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
}

fn shape(schema: &Value) -> String {
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

/// The beginning of `text`, marked if something is missing.
pub(crate) fn clipped(text: &str) -> String {
    match text.char_indices().nth(COMPLAINT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
