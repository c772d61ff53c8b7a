//! Tool `convert`: a quantity in another unit.
//!
//! Exact like the calculator: the value is a fraction, every unit is a fraction of its base unit, and only the answer is
//! rounded: to at most six digits after the point (six significant ones below 0.001), half to even. [`units`] is the table and the search in it; this file
//! is the tool around it. No imports: the answer depends on the arguments alone.

pub mod units;

use exact::{Fraction, NotANumber};
use playhouse_tool::{Error, tool};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Digits after the point of an answer; significant digits of a small one.
const PLACES_MAX: usize = 6;
/// Characters of the longest value and of the longest name of a unit.
const LENGTH_MAX: usize = 64;

/// `{"result": "3.23113", "unit": "mi"}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How much that is
    result: String,
    /// The symbol of the unit wanted
    unit: &'static str,
}

/// Converts a quantity to another unit of length, mass, volume, time, temperature or speed, for example 5.2 kilometers to
/// miles.
#[tool(effect = "pure")]
pub fn convert(
    /// How much, for example `5.2`
    value: Quantity,
    /// The unit it is in, for example `kilometers` or `km`
    #[schemars(length(min = 1, max = LENGTH_MAX))]
    from: String,
    /// The unit wanted, for example `miles` or `mi`
    #[schemars(length(min = 1, max = LENGTH_MAX))]
    to: String,
) -> Result<Output, Error> {
    let value = number(&value.0)?;
    let from = units::find(&from).map_err(Error::invalid_input)?;
    let to = units::find(&to).map_err(Error::invalid_input)?;
    let converted = units::convert(value, from, to).map_err(Error::invalid_input)?;
    Ok(Output { result: converted.to_places_or_digits(PLACES_MAX), unit: to.symbol })
}

/// How much: `"5.2"` or `5.2`, as the model likes.
#[derive(Debug, Deserialize)]
pub struct Quantity(Value);

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "maxLength": LENGTH_MAX})
    }
}

/// The value, whether the model wrote `"5.2"` or `5.2`.
fn number(value: &Value) -> Result<Fraction, Error> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Error::invalid_input("`value` must be a number, such as 5.2 or \"5.2\"")),
    };
    Fraction::parse(&text).map_err(|wrong| match wrong {
        NotANumber::Malformed => {
            Error::invalid_input(format!("`{text}` is not a number: give digits only, such as 5.2"))
        }
        NotANumber::TooLong => Error::invalid_input("the value has more than 37 digits"),
    })
}

#[cfg(test)]
mod tests;
