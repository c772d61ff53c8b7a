//! JSON Schemas of Rust types, and complaints that a model can act on.

use jsonschema::{PatternOptions, Validator};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// Complaints in one message: the model corrects these and learns of the rest next time.
const COMPLAINTS_MAX: usize = 3;
/// Characters of a quoted value.
const QUOTE_CHARS_MAX: usize = 240;

/// The schema of `T` as a model should read it, and the doc comment of `T`.
pub(crate) fn of<T: JsonSchema>() -> (Value, Option<String>) {
    // Inlined: small models and some providers do not follow references.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    let description = schema.remove("description");
    (schema.to_value(), description.and_then(|text| text.as_str().map(str::to_owned)))
}

/// A compiled schema of arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    validator: Validator,
    /// `a (integer), b (integer, optional)`.
    shape: String,
}

impl Arguments {
    /// Compiles `schema`, which must be that of an object.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let object = |schema: &Value| schema["type"] == "object";
        // An enum with tagged variants is an object in each of them.
        let variants = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
        if !object(schema) && !variants.is_some_and(|variants| variants.iter().all(object)) {
            return Err("its input must be a struct with named fields: a model names its arguments".into());
        }
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let validator = options.build(schema).map_err(|error| error.to_string())?;
        Ok(Self { validator, shape: shape(schema) })
    }

    /// Whether `value` fits; the error says what does not, and what would.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let complaint = |error: jsonschema::ValidationError<'_>| {
            let place = error.instance_path().as_str().trim_start_matches('/').to_owned();
            let complaint = clipped(&error.to_string());
            if place.is_empty() { complaint } else { format!("`{place}`: {complaint}") }
        };
        let complaints: Vec<_> =
            self.validator.iter_errors(value).take(COMPLAINTS_MAX).map(complaint).collect();
        match complaints.is_empty() {
            true => Ok(()),
            false => Err(self.explain(&complaints.join("; "))),
        }
    }

    /// `problem`, and what the arguments should be.
    pub(crate) fn explain(&self, problem: &str) -> String {
        match self.shape.is_empty() {
            true => format!("the arguments do not fit: {problem}"),
            false => format!("the arguments do not fit: {problem}. Expected: {}", self.shape),
        }
    }
}

/// The names and types of the properties; empty when there are none.
fn shape(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let required = schema["required"].as_array();
    let one = |(name, property): (&String, &Value)| {
        let kind = match &property["type"] {
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            _ => "any".to_owned(),
        };
        let is_required =
            required.is_some_and(|required| required.iter().any(|other| other == name.as_str()));
        format!("{name} ({kind}{})", if is_required { "" } else { ", optional" })
    };
    properties.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The beginning of `text`, marked if something is missing.
pub(crate) fn clipped(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
