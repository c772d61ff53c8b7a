//! `#[tool]` and the capabilities, as an author uses them.

use playhouse_tool::testing::Host;
use playhouse_tool::{Checkable, Error, Kind, Tool, json, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds
/// numbers.
///
/// For example 2 and 3.
#[tool(effect = "pure", version = "9.8.7")]
fn add(
    /// The first
    a: i64,
    /// The second
    b: Option<i64>,
) -> Result<i64, Error> {
    a.checked_add(b.unwrap_or(1)).ok_or_else(|| Error::invalid_input("the sum is too large"))
}

#[test]
fn plain_parameters_become_a_closed_schema() {
    let about: serde_json::Value = serde_json::from_str(&Add::about().to_json()).unwrap();
    let expected = json!({
        "name": "add",
        "version": "9.8.7",
        "description": "Adds numbers.\n\nFor example 2 and 3.",
        "input_schema": {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "The first"},
                "b": {"type": ["integer", "null"], "description": "The second"},
            },
            "required": ["a"],
            "additionalProperties": false,
        },
        "output_schema": {"type": "integer"},
        "effect": "pure",
        "wants": {},
    });
    assert_eq!(about, expected);
    assert_eq!(Add::about().to_json(), Add::about().to_json());
}

#[test]
fn arguments_are_read_and_what_does_not_fit_is_named() {
    let run = playhouse_tool::run::<Add>;
    assert_eq!(run(r#"{"a": 2, "b": 3}"#).as_deref(), Ok("5"));
    assert_eq!(run(r#"{"a": 2}"#).as_deref(), Ok("3"));
    // An integer to JSON Schema.
    assert_eq!(run(r#"{"a": 2.0, "b": -300.0}"#).as_deref(), Ok("-298"));
    assert!(run(r#"{"a": 2.5}"#).unwrap_err().message.contains("floating point `2.5`, expected i64"));
    for (arguments, named) in [
        (r#"{"a": 1, "c": 2}"#, "unknown field `c`, expected `a` or `b`"),
        (r#"{"b": 1}"#, "missing field `a`"),
        (r#"{"a": "one"}"#, "invalid type: string \"one\", expected i64"),
    ] {
        let wrong = run(arguments).unwrap_err();
        assert_eq!(wrong.kind, Kind::InvalidInput);
        assert!(wrong.message.contains(named), "{wrong}");
    }
}

/// Says it again.
#[tool(effect = "pure")]
fn repeated(
    /// The text
    text: String,
    /// How often
    times: u32,
) -> String {
    text.repeat(times as usize)
}

#[test]
fn a_whole_number_with_a_fraction_of_zero_is_an_integer_and_texts_stay_as_they_are() {
    let run = playhouse_tool::run::<Repeated>;
    let quoted = r#"{"text": "1.0 \"2.0\" \\", "times": 2.0}"#;
    assert_eq!(run(quoted).as_deref(), Ok(r#""1.0 \"2.0\" \\1.0 \"2.0\" \\""#));
    for other in ["2.01", "2.0e0", "-2.0"] {
        let wrong = run(&format!(r#"{{"text": "a", "times": {other}}}"#)).unwrap_err();
        assert!(wrong.message.contains("expected u32"), "{wrong}");
    }
}

/// Where to.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Way {
    Up,
    Down,
}

#[derive(Deserialize, JsonSchema)]
struct Steps {
    /// Where to go
    way: Way,
    #[serde(default)]
    nested: Vec<Nested>,
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    #[schemars(range(min = 1))]
    steps: u32,
}

#[derive(Serialize, JsonSchema)]
struct Floor {
    floor: i64,
}

/// Takes the lift.
#[tool(name = "lift-2")]
fn lift(Steps { way, nested }: Steps) -> Floor {
    let steps: i64 = nested.iter().map(|nested| i64::from(nested.steps)).sum();
    Floor { floor: if matches!(way, Way::Up) { steps } else { -steps } }
}

#[test]
fn a_type_of_ones_own_is_read_whole_and_undeclared_is_once() {
    let about: serde_json::Value = serde_json::from_str(&Lift::about().to_json()).unwrap();
    assert_eq!((&about["name"], &about["effect"]), (&json!("lift-2"), &json!("once")));
    let expected = json!({
        "type": "object",
        "properties": {
            "way": {"type": "string", "enum": ["up", "down"], "description": "Where to go"},
            "nested": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"steps": {"type": "integer", "minimum": 1}},
                    "required": ["steps"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["way"],
        "additionalProperties": false,
    });
    assert_eq!(about["input_schema"], expected);
    let answer = playhouse_tool::run::<Lift>(r#"{"way": "down", "nested": [{"steps": 3}]}"#);
    assert_eq!(answer.as_deref(), Ok(r#"{"floor":-3}"#));
}

/// Pays once.
#[tool(effect = "checkable", did_it_happen = paid, wants(kv = "knows what was paid", kv_write = "notes it"))]
fn pay(
    /// How many cents
    cents: u32,
) -> Result<String, Error> {
    let receipt = format!("paid {cents}");
    playhouse_tool::kv::put(&playhouse_tool::context::effect_id(), &receipt)?;
    Ok(receipt)
}

fn paid(effect_id: &str) -> Result<Option<String>, Error> {
    playhouse_tool::kv::get(effect_id)
}

#[test]
fn a_checkable_tool_knows_what_it_did() {
    let host = Host::new().effect_id("7/1").kv([("x", "y")]);
    assert_eq!(host.run(|| Pay::did_it_happen("7/1")), Ok(None));
    assert_eq!(host.call::<Pay>(r#"{"cents": 5}"#).as_deref(), Ok(r#""paid 5""#));
    assert_eq!(host.run(|| playhouse_tool::did_it_happen::<Pay>("7/1")), Ok(Some(r#""paid 5""#.to_owned())));
    let about = Pay::about().to_json();
    assert!(about.contains(r#""wants":{"kv":"knows what was paid","kv-write":"notes it"}"#), "{about}");
}

#[test]
fn mistakes_of_authors_are_shown_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
