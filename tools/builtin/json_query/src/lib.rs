//! Tool `json_query`: queries and transforms JSON in the language of jq.
//!
//! The interpreter is jaq. No imports: no files, no environment, no time; the answer depends on the arguments alone.

mod run;

use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of the longest filter.
const FILTER_MAX: usize = 4_000;

/// JSON, and what is wanted of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The filter in the language of jq, for example `.items[] | select(.price > 10) | .name`
    #[schemars(length(min = 1, max = FILTER_MAX))]
    filter: String,
    /// The JSON, as it is or as text
    json: Value,
}

/// Everything that the filter gave.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Its results in order
    results: Vec<Value>,
    /// If there were more: how to get them
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<String>,
}

/// Queries and transforms JSON with a jq filter, for example filter `.items[].name` on json `{"items": [{"name": "nut"}]}`.
#[tool(effect = "pure")]
pub fn json_query(input: Input) -> Result<Output, Error> {
    let json = match input.json {
        Value::String(text) => parsed(text)?,
        json => json,
    };
    let (results, more) = run::filter(&input.filter, json)?;
    Ok(Output { results, more })
}

/// Text that is meant as JSON is read; text that is not, is a JSON string.
fn parsed(text: String) -> Result<Value, Error> {
    match serde_json::from_str(&text) {
        Ok(json) => Ok(json),
        Err(wrong) if text.trim_start().starts_with(['{', '[']) => Err(Error::invalid_input(format!(
            "`json` is text that is no JSON: {wrong}; expected something like `{{\"a\": 1}}`"
        ))),
        Err(_) => Ok(Value::String(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::json;

    fn check(filter: &str, json: Value, expected: &str) {
        let arguments = json!({"filter": filter, "json": json}).to_string();
        let answer = playhouse_tool::run::<JsonQuery>(&arguments).unwrap_or_else(|wrong| wrong.to_string());
        assert!(answer.contains(expected), "{filter}: {answer}");
    }

    #[test]
    fn filters_pick_and_build() {
        let shop = json!({"items": [{"n": "nut", "p": 2}, {"n": "bolt", "p": 12}]});
        check(".items[] | select(.p > 10) | .n", shop.clone(), r#"{"results":["bolt"]}"#);
        check("[.items[].p] | add", shop.clone(), r#"{"results":[14]}"#);
        check(".items | map({(.n): .p}) | add", shop.clone(), r#"{"results":[{"bolt":12,"nut":2}]}"#);
        check(".items | group_by(.p > 5) | map(length)", shop, r#"{"results":[[1,1]]}"#);
        check(".a", json!(r#"{"a": [1, 2.50]}"#), r#"{"results":[[1,2.50]]}"#);
        check(". * 2", json!(3_000_000_000_u64), r#"{"results":[6000000000]}"#);
        check("ascii_upcase", json!("just text"), r#"{"results":["JUST TEXT"]}"#);
        check("test(\"^a.c$\")", json!("abc"), r#"{"results":[true]}"#);
    }

    #[test]
    fn what_is_wrong_is_said_for_the_model() {
        check(".a[", json!({}), "`filter` cannot be read");
        check("nosuch(.a)", json!({}), "`filter` uses `nosuch`, which there is not");
        check(".a.b", json!({"a": 1}), "`keys` or `type`");
        assert_eq!(
            run::filter("error(\"boo\")", json!(1)).map_err(|wrong| wrong.message),
            Err("the filter failed: \"boo\"".into())
        );
        for absent in ["now", "env", "env.PATH", "halt", "halt_error", "\"x\" | halt_error(1)"] {
            check(absent, json!({}), "no clock and no environment");
        }
        check(".", json!("{\"a\": }"), "`json` is text that is no JSON");
    }

    #[test]
    fn many_results_and_endless_filters_end() {
        check("range(100000)", json!(null), r#""more":"cut after"#);
        check("repeat(1)", json!(null), r#""more":"cut after"#);
    }

    #[test]
    fn garbage_is_an_error_at_worst() {
        for text in shared::garbage(300) {
            for filter in [format!(".{text}"), format!(".a | {text}"), text.clone()] {
                let arguments = json!({"filter": filter, "json": {"a": text}}).to_string();
                let _answer = playhouse_tool::run::<JsonQuery>(&arguments);
            }
        }
    }
}
