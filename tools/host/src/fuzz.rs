//! What the fuzz targets of `fuzz/` need of the inside of this crate. No part of what it offers.

use serde_json::Value;

use crate::check::Schema;
use crate::describe::Description;

/// A description that was accepted.
#[derive(Debug)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    input: Schema,
    output: Schema,
}

/// What became of a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// As arguments.
    pub input: Result<(), String>,
    /// As output.
    pub output: Result<(), String>,
}

impl Described {
    /// Checks `value` against both schemas.
    pub fn check(&self, value: &Value) -> Checked {
        Checked { input: self.input.check(value), output: self.output.check(value) }
    }
}

/// As when a component is loaded.
///
/// # Errors
/// Why the description is refused.
pub fn describe(text: &str) -> Result<Described, String> {
    let Description { name, version, input_schema, output_schema, .. } = Description::parse(text)?;
    let (input, output) = (Schema::compile(&input_schema)?, Schema::compile(&output_schema)?);
    Ok(Described { name, version, input, output })
}

/// Whether `value` fits `schema`; `None` if that is none.
pub fn check(schema: &Value, value: &Value) -> Option<bool> {
    Schema::compile(schema).ok().map(|schema| schema.check(value).is_ok())
}
