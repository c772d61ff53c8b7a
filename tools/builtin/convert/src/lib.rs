//! Tool `convert`: a quantity in another unit.
//!
//! Exact like the calculator: the value is a fraction, every unit is a fraction of its base unit, and only the answer is
//! rounded: to at most six digits after the point, half to even. [`units`] is the table and the search in it; this file
//! is the tool around it. No imports: the answer depends on the arguments alone.

pub mod units;

use exact::{Fraction, NotANumber};
use playhouse_tool::{About, Effect, Error, Tool, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Digits after the point of an answer.
const PLACES_MAX: usize = 6;

/// The tool.
#[derive(Debug)]
pub struct Convert;

/// `{"value": "5.2", "from": "kilometers", "to": "miles"}`; the value may be a number as well.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    value: Value,
    from: String,
    to: String,
}

/// `{"result": "3.23113", "unit": "mi"}`
#[derive(Debug, Serialize)]
pub struct Output {
    result: String,
    unit: &'static str,
}

impl Tool for Convert {
    type Input = Input;
    type Output = Output;

    fn about() -> About {
        let unit = |example: &str| json!({"type": "string", "description": example, "minLength": 1, "maxLength": 64});
        About::new(
            "convert",
            env!("CARGO_PKG_VERSION"),
            "Converts a quantity to another unit of length, mass, volume, time, temperature or speed, \
             for example 5.2 kilometers to miles.",
        )
        .input(json!({
            "type": "object",
            "properties": {
                "value": {"type": ["string", "number"], "description": "How much, for example `5.2`", "maxLength": 64},
                "from": unit("The unit it is in, for example `kilometers` or `km`"),
                "to": unit("The unit wanted, for example `miles` or `mi`"),
            },
            "required": ["value", "from", "to"],
            "additionalProperties": false,
        }))
        .output(json!({
            "type": "object",
            "properties": {
                "result": {"type": "string", "description": "How much that is"},
                "unit": {"type": "string", "description": "The symbol of the unit wanted"},
            },
            "required": ["result", "unit"],
            "additionalProperties": false,
        }))
        .effect(Effect::Pure)
    }

    fn call(input: Input) -> Result<Output, Error> {
        let value = number(&input.value)?;
        let from = units::find(&input.from).map_err(Error::invalid_input)?;
        let to = units::find(&input.to).map_err(Error::invalid_input)?;
        let converted = units::convert(value, from, to).map_err(Error::invalid_input)?;
        Ok(Output { result: converted.to_places(PLACES_MAX), unit: to.symbol })
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

playhouse_tool::export!(Convert);

#[cfg(test)]
mod tests;
