//! Tool `calculator`: exact arithmetic on decimal numbers.
//!
//! Language models are fluent and cannot multiply. This tool takes the expression as they write it, `37 * 12` or
//! `(1.1 + 2.2) × 3`, and answers with digits that are right:
//!
//! - Every step is exact (fractions of integers, no floats): `0.1 + 0.2` is `0.3`, `1 / 3 * 3` is `1`.
//! - An answer that ends within 37 digits is printed in full. Any other (`1 / 3`) is rounded once, at the end, to 28
//!   significant digits, half to even.
//! - What does not fit into 37 digits above or below the line is an error, never a wrong digit.
//!
//! [`expression`] reads and evaluates; this file is the tool around it. No imports: the answer depends on the
//! expression alone.

pub mod expression;

use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::Serialize;

/// Digits of an answer that does not end.
const SIGNIFICANT_DIGITS: usize = 28;

/// `{"result": "444"}`: text, because JSON readers turn long numbers into floats.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The answer as a decimal number
    result: String,
}

/// Calculates exactly with decimal numbers: + - * / ^ and parentheses, for example `37 * 12`.
#[tool(effect = "pure")]
pub fn calculator(
    /// What to calculate, for example `(1.5 + 2) * 3`
    #[schemars(length(min = 1, max = expression::LENGTH_MAX))]
    expression: String,
) -> Result<Output, Error> {
    let value = expression::evaluate(&expression).map_err(|wrong| Error::invalid_input(wrong.to_string()))?;
    Ok(Output { result: value.to_decimal(SIGNIFICANT_DIGITS) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::{Tool, json};

    #[test]
    fn what_the_small_model_was_trained_on_stays_word_for_word() {
        let about = json!({
            "name": "calculator",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Calculates exactly with decimal numbers: + - * / ^ and parentheses, for example `37 * 12`.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "expression": {
                        "type": "string",
                        "description": "What to calculate, for example `(1.5 + 2) * 3`",
                        "minLength": 1,
                        "maxLength": 1_000,
                    },
                },
                "required": ["expression"],
                "additionalProperties": false,
            },
            "output_schema": {
                "type": "object",
                "properties": {"result": {"type": "string", "description": "The answer as a decimal number"}},
                "required": ["result"],
                "additionalProperties": false,
            },
            "effect": "pure",
            "wants": {},
        });
        assert_eq!(Calculator::about().to_json(), about.to_string());
    }

    fn check(expression: &str, expected: &str) {
        let arguments = json!({ "expression": expression }).to_string();
        let actual =
            playhouse_tool::run::<Calculator>(&arguments).unwrap_or_else(|wrong| format!("error: {wrong}"));
        assert_eq!(actual, json!({ "result": expected }).to_string(), "{expression}");
    }

    #[test]
    fn it_answers_in_digits_that_are_right() {
        check("37 * 12", "444");
        check("0.1 + 0.2", "0.3");
        check("1 / 3 * 3", "1");
        check("1/3", "0.3333333333333333333333333333");
        check("99999999999999999 * 99999999999999999", "9999999999999999800000000000000001");
        check("2 ^ 100", "1267650600228229401496703205376");
    }

    #[test]
    fn failures_are_values_that_the_model_can_read() {
        let wrong =
            playhouse_tool::run::<Calculator>(r#"{"expression": "1 / 0"}"#).expect_err("no such number");
        assert_eq!(wrong, Error::invalid_input("division by zero"));
        let wrong = playhouse_tool::run::<Calculator>(r#"{"expr": "1"}"#).expect_err("misspelt argument");
        assert!(wrong.message.contains("unknown field `expr`, expected `expression`"), "{wrong}");
    }
}
