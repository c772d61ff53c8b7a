//! Tool `template`: fills in a template in the language of Jinja (`{{ name }}`, `{% for x in list %}`, filters).
//!
//! Strict: a value that is missing is an error, not a gap in a letter. No files, no includes, no code: the answer depends
//! on the arguments alone.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value};
use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use shared::{ANSWER_BYTES_MAX, clip};

/// Instructions of a template: far more than a letter takes, and over in a fraction of a second.
const FUEL: u64 = 200_000;

/// `{"text": "Dear Ada", "cut": false}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The template with its values
    text: String,
    /// Whether the text was longer and cut off
    cut: bool,
}

/// Fills in a Jinja template with values, for example template `Dear {{ name }}` and values `{"name": "Ada"}`.
#[tool(effect = "pure")]
pub fn template(
    /// The template: `{{ value }}`, `{% if %}`, `{% for x in list %}`, filters as in Jinja
    #[schemars(length(min = 1))]
    template: String,
    /// The values by name
    values: Map<String, Json>,
) -> Result<Output, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let values = object(&values);
    let text = environment.render_str(&template, values).map_err(|wrong| explain(&wrong))?;
    let cut = text.len() > ANSWER_BYTES_MAX;
    Ok(Output { text: clip(&text, ANSWER_BYTES_MAX).to_owned(), cut })
}

/// JSON as the template sees it. By hand, because numbers of any size are no numbers to other crates.
fn plain(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(()),
        Json::Bool(yes) => Value::from(*yes),
        Json::Number(number) => number.as_i64().map_or_else(
            || {
                number
                    .as_f64()
                    .filter(|_| number.to_string().len() < 17)
                    .map_or_else(|| Value::from(number.to_string()), Value::from)
            },
            Value::from,
        ),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(fields) => object(fields),
    }
}

fn object(fields: &Map<String, Json>) -> Value {
    fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<BTreeMap<_, _>>().into()
}

/// What is wrong, where, and what to do.
fn explain(wrong: &minijinja::Error) -> Error {
    use minijinja::ErrorKind as Kind;
    let line = wrong.line().map_or(String::new(), |line| format!(" in line {line} of `template`"));
    let detail = wrong.detail().map_or_else(|| wrong.kind().to_string(), str::to_owned);
    let advice = match wrong.kind() {
        Kind::UndefinedError => ": give it in `values`, or write `{{ name | default(\"…\") }}`",
        Kind::OutOfFuel => ": make fewer rounds",
        Kind::UnknownFilter => ": use filters such as `upper`, `join(\", \")`, `length`, `default`",
        Kind::SyntaxError if detail.contains("include") || detail.contains("extends") => {
            ": there are no other templates here; write it out"
        }
        _ => "",
    };
    Error::invalid_input(format!("{detail}{line}{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::json;

    fn check(template: &str, values: Json, expected: &str) {
        let arguments = json!({"template": template, "values": values}).to_string();
        let answer = playhouse_tool::run::<Template>(&arguments).unwrap_or_else(|wrong| wrong.to_string());
        assert!(answer.contains(expected), "{template}: {answer}");
    }

    #[test]
    fn values_are_filled_in() {
        check("Dear {{ name }},", json!({"name": "Ada"}), r#"{"text":"Dear Ada,","cut":false}"#);
        check(
            "{% for p in parts %}{{ p.n }}x {{ p.what|upper }};{% endfor %}",
            json!({"parts": [{"n": 2, "what": "nut"}]}),
            "2x NUT;",
        );
        check("{{ a + 1 }} {{ b }} {{ c }}", json!({"a": 1, "b": 2.5, "c": null}), "2 2.5 None");
        check(
            "{{ n }}",
            serde_json::from_str(r#"{"n": 123456789012345678901234567890}"#).expect("JSON"),
            "123456789012345678901234567890",
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_advice() {
        check("a\n{{ nme }}", json!({"name": "Ada"}), "in line 2 of `template`: give it in `values`");
        check("{{ name", json!({}), "in line 1 of `template`");
        check(
            "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}",
            json!({}),
            "make fewer rounds",
        );
        check("{% include 'other' %}", json!({}), "no other templates");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        check("{{ 'x' * 1 }}{% for i in range(9000) %}0123456789{% endfor %}", json!({}), r#""cut":true"#);
    }

    #[test]
    fn garbage_is_an_error_at_worst() {
        for text in shared::garbage(500) {
            let arguments =
                json!({"template": format!("{{{{{text}}}}}{{% {text}"), "values": {"a": text}}).to_string();
            let _answer = playhouse_tool::run::<Template>(&arguments);
        }
    }
}
