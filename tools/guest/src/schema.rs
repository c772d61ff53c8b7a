//! JSON Schema of Rust types, without what only costs tokens: every byte of it goes into prompts.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of the arguments of type `T`, closed: no field that `T` does not have. Fields with a default are optional.
#[must_use]
pub fn of_input<T: JsonSchema>() -> Value {
    of::<T>(settings().for_deserialize().into_generator())
}

/// The schema of results of type `T`, closed as well.
#[must_use]
pub fn of_output<T: JsonSchema>() -> Value {
    of::<T>(settings().for_serialize().into_generator())
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

fn of<T: JsonSchema>(generator: SchemaGenerator) -> Value {
    let mut schema = generator.into_root_schema_for::<T>();
    // The tool has a description of its own; that of the type is for readers of the code.
    schema.remove("description");
    Tidy { closes: true }.transform(&mut schema);
    schema.to_value()
}

/// Takes out titles and machine formats, joins wrapped lines, closes objects.
struct Tidy {
    /// Not in the parts of an `allOf`: each would refuse what the others allow.
    closes: bool,
}

/// Formats that say how many bits a number has in Rust, which no model needs to know.
const MACHINE_FORMATS: [&str; 14] = [
    "int8", "int16", "int32", "int64", "int128", "int", "uint8", "uint16", "uint32", "uint64", "uint128",
    "uint", "float", "double",
];

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        let is_part = schema.get("allOf").is_some() || schema.get("$ref").is_some();
        let closes = self.closes && !is_part;
        transform_subschemas(&mut Self { closes }, schema);
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("title");
        if object.get("format").and_then(Value::as_str).is_some_and(|name| MACHINE_FORMATS.contains(&name)) {
            object.remove("format");
        }
        if let Some(Value::String(text)) = object.get_mut("description") {
            *text = unwrap_lines(text);
        }
        if closes && object.contains_key("properties") && !object.contains_key("unevaluatedProperties") {
            object.entry("additionalProperties").or_insert(Value::Bool(false));
        }
    }
}

/// A paragraph of a doc comment on one line; paragraphs stay apart.
pub(crate) fn unwrap_lines(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|lines| lines.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
