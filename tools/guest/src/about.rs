//! How a tool introduces itself: the JSON that `describe` returns.
//!
//! What is said here is a claim. The host derives what it can (no imports: `pure`), caps the rest by what the operator
//! granted, and pins the SHA-256 of the text, so that a tool cannot change its story after it was accepted.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::schema;

/// What happens to the world when the tool is called, and so what the runtime may do after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing: the result depends on the arguments alone. May be repeated and cached.
    Pure,
    /// Doing it twice is the same as doing it once. May be repeated.
    Idempotent,
    /// It can be asked later whether it happened: see [`Checkable`](crate::Checkable).
    Checkable,
    /// It must not happen twice. Never repeated; what an undeclared tool is taken for.
    Once,
}

/// Name, description, schemas, effect and wishes of a tool.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    name: String,
    version: String,
    description: String,
    input_schema: Value,
    output_schema: Value,
    effect: Effect,
    wants: Map<String, Value>,
}

impl About {
    /// A tool that takes any object, returns anything, wants nothing, and declares no effect (so: [`Effect::Once`]).
    ///
    /// `name` is 1 to 64 of `a-z`, `0-9`, `_` and `-`. `description` is read by the model: say when to use the tool and
    /// give one example.
    #[must_use]
    pub fn new(name: &str, version: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            input_schema: json!({"type": "object"}),
            output_schema: json!({}),
            effect: Effect::Once,
            wants: Map::new(),
        }
    }

    /// The JSON Schema of the arguments. Its root must be an object.
    #[must_use]
    pub fn input(mut self, schema: Value) -> Self {
        self.input_schema = schema;
        self
    }

    /// The JSON Schema of the result.
    #[must_use]
    pub fn output(mut self, schema: Value) -> Self {
        self.output_schema = schema;
        self
    }

    /// Both schemas, from the types: descriptions are their doc comments, objects take no other fields than theirs.
    #[must_use]
    pub fn types<Input: JsonSchema, Output: JsonSchema>(self) -> Self {
        self.input(schema::of_input::<Input>()).output(schema::of_output::<Output>())
    }

    /// What calling the tool does to the world.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// A capability the tool cannot work without, and what for: `("http", "reads api.example.com")`. For the people who
    /// decide about grants.
    #[must_use]
    pub fn wants(mut self, interface: &str, why: &str) -> Self {
        self.wants.insert(interface.to_owned(), why.into());
        self
    }

    /// The JSON text that `describe` returns: the same bytes each time and on every machine, keys in order.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut about = serde_json::to_value(self).expect("strings, maps and JSON values always print");
        // Whether maps keep an order of their own depends on a feature that any other crate may switch on.
        about.sort_all_objects();
        about.to_string()
    }
}
