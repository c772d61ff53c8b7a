//! JSON Schemas of Rust types, and complaints that a model can act on.

use playhouse_schema::Schema;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

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

/// Compiles the schema of a tool's arguments, which must be that of an object.
pub(crate) fn arguments(schema: &Value) -> Result<Schema, String> {
    let object = |schema: &Value| schema["type"] == "object";
    // An enum with tagged variants is an object in each of them.
    let variants = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    if !object(schema) && !variants.is_some_and(|variants| variants.iter().all(object)) {
        return Err("its input must be a struct with named fields: a model names its arguments".into());
    }
    Schema::compile(schema).map_err(|problem| format!("its input schema: {problem}"))
}
