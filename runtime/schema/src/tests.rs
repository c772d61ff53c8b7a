//! What a schema may be, and how what does not fit is told.

use serde_json::json;

use super::*;

fn told(schema: &Value, value: &Value) -> String {
    Schema::compile(schema).unwrap().arguments("t", value).unwrap_err()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({ "type": "string" }), |inner, _| json!({ "not": inner }))
}

#[test]
fn what_may_be_given_is_said_for_choices_with_titles_and_lists_of_them() {
    let schema = json!({
        "properties": {
            "hero": { "type": "string", "oneOf": [{ "const": "h-1", "title": "One" }, { "const": "h-2", "title": "Two" }] },
            "fish": { "type": "array", "items": { "anyOf": [{ "const": "f-1", "title": "Eel" }] } },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] } },
            "free": { "type": "array", "items": { "type": "string" } },
            "else": {}
        },
        "required": ["hero"]
    });
    assert_eq!(
        shape(&schema),
        "else (any, optional), fish (array of \"f-1\", optional), free (array, optional), hero (\"h-1\" or \"h-2\"), \
         tags (array of \"a\" or \"b\", optional)"
    );
}

#[test]
fn what_does_not_fit_is_told_with_the_field_what_is_expected_and_an_example() {
    let schema = json!({
        "type": "object",
        "properties": {
            "day": { "type": "string", "format": "date" },
            "unit": { "enum": ["km", "mi"] },
            "digits": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "place": { "$ref": "#/$defs/place" },
        },
        "required": ["day", "unit", "place"],
        "$defs": { "place": { "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] } },
    });
    assert_eq!(
        told(&schema, &json!({ "day": "today", "unit": "km", "place": { "x": 1 } })),
        "the arguments of `t` are not right: `day`: \"today\" is not a \"date\". It takes: day (string), \
         digits (integer or null, optional), place (object), unit (\"km\" or \"mi\"); for example \
         {\"day\":\"2026-01-31\",\"place\":{\"x\":1},\"unit\":\"km\"}"
    );
    let told = told(&schema, &json!({ "day": "2026-01-31", "unit": "km", "place": { "x": "far" } }));
    assert!(told.contains("`place/x`: \"far\" is not of type \"number\""), "{told}");
}

#[test]
fn an_example_is_given_only_if_it_fits() {
    let made_up = json!({
        "type": "object", "properties": { "code": { "type": "string", "pattern": "^[A-Z]{3}$" } }, "required": ["code"]
    });
    assert!(told(&made_up, &json!({})).ends_with("It takes: code (string)"));
    let given = json!({
        "type": "object", "required": ["code"],
        "properties": { "code": { "type": "string", "pattern": "^[A-Z]{3}$", "examples": ["ABC"] } },
    });
    assert!(told(&given, &json!({})).ends_with("for example {\"code\":\"ABC\"}"));
}

#[test]
fn an_example_of_a_description_is_taken_and_an_empty_one_is_not() {
    let described = json!({
        "type": "object", "required": ["filter", "edits", "n"],
        "properties": {
            "filter": { "type": "string", "description": "What, for example `.a[]`" },
            "edits": { "type": "array", "description": "How, for example `[1, 2]`" },
            "n": { "type": "integer", "description": "How many, for example `a few`" },
        },
    });
    let wanted = r#"for example {"edits":[1,2],"filter":".a[]","n":1}"#;
    assert!(told(&described, &json!({})).ends_with(wanted), "{}", told(&described, &json!({})));
    let wrong = json!({
        "type": "object", "required": ["code"],
        "properties": { "code": { "type": "string", "maxLength": 3, "description": "for example `too long`" } },
    });
    assert!(
        told(&wrong, &json!({})).ends_with(r#"for example {"code":"…"}"#),
        "what is said, and does not fit"
    );
    let optional = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    assert!(told(&optional, &json!({ "n": "x" })).ends_with("It takes: n (integer, optional)"));
}

#[test]
fn all_that_would_fit_is_listed_if_it_is_few() {
    let names: Vec<String> = (0..9).map(|n| format!("name_{n}")).collect();
    let schema = json!({ "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } }, "required": ["n"],
        "$defs": { "n": { "type": "string", "enum": names } } });
    let said = told(&schema, &json!({ "n": "other" }));
    assert!(
        said.contains(r#"`n`: "other" is not "name_0", "name_1", "#) && !said.contains("candidates"),
        "{said}"
    );
    assert!(told(&schema, &json!({})).contains(r#"n ("name_0", "name_1","#));
    let variants = json!({ "type": "object", "required": ["n"],
        "properties": { "n": { "oneOf": [{ "const": "a", "description": "x" }, { "const": "b" }] } } });
    assert!(told(&variants, &json!({})).contains(r#"It takes: n ("a" or "b")"#));
    let many = json!({ "type": "object", "properties": { "n": { "type": "string", "enum": vec!["x".repeat(99); 9] } } });
    assert!(told(&many, &json!({ "n": "y" })).len() < 600);
}

#[test]
fn of_several_variants_the_first_is_the_example() {
    let variant = |name: &str| json!({ "type": "object", "properties": { "kind": { "const": name } }, "required": ["kind"] });
    let schema = json!({ "oneOf": [variant("circle"), variant("square")] });
    assert!(told(&schema, &json!({})).ends_with(". For example {\"kind\":\"circle\"}"));
}

#[test]
fn hints_are_small_however_the_schema_is() {
    let names: Vec<String> = (0..500).map(|n| format!("argument_{n}")).collect();
    let fields: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({ "$ref": "#" }))).collect();
    let doubling = json!({ "type": "object", "properties": fields, "required": names });
    let told = Schema::compile(&doubling).unwrap().explain("t", "no");
    assert!(told.len() < 2_100 && !told.contains("for example"), "{} bytes", told.len());
    let endless =
        json!({ "type": "object", "properties": { "next": { "$ref": "#" } }, "required": ["next"] });
    assert!(Schema::compile(&endless).unwrap().explain("t", "no").len() < 300);
}

#[test]
fn a_schema_that_would_cost_too_much_is_refused() {
    let many = |n: usize| json!({ "anyOf": (0..n).map(|n| json!({ "pattern": format!("a{n}") })).collect::<Vec<_>>() });
    let cases = [
        (nested(DEPTH_MAX + 1), "levels deep"),
        (many(65), "65 patterns, and 64 are allowed"),
        (json!({ "pattern": "(?:\\w{500}){500}" }), "regex"),
        (json!({ "$ref": "https://example.com/schema.json" }), "example.com"),
        (json!({ "$ref": "file:///etc/hostname" }), "etc"),
        (json!({ "type": 5 }), "5"),
    ];
    for (schema, wanted) in cases {
        let problem = Schema::compile(&schema).unwrap_err();
        assert!(problem.contains(wanted), "{wanted}: {problem}");
    }
    Schema::compile(&nested(DEPTH_MAX - 1)).unwrap();
    let tight = Bounds { depth: 8, patterns: 2 };
    assert!(Schema::compile_within(&nested(9), tight).is_err());
    assert!(Schema::compile_within(&many(3), tight).is_err());
    Schema::compile_within(&many(2), tight).unwrap();
}

#[test]
fn a_check_that_would_never_end_is_refused() {
    let level = |n: usize| {
        let next = json!({ "$ref": format!("#/$defs/l{}", n + 1) });
        (format!("l{n}"), json!({ "allOf": [next, next] }))
    };
    let mut defs: serde_json::Map<String, Value> = (0..60).map(level).collect();
    defs.insert("l60".into(), json!({}));
    let schema = Schema::compile(&json!({ "$defs": defs, "$ref": "#/$defs/l0" })).unwrap();
    assert!(schema.check(&json!({})).unwrap_err().contains("too much work"));
}

#[test]
fn long_values_and_names_are_not_repeated() {
    let schema = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    let long = "x".repeat(1 << 16);
    assert!(told(&schema, &json!({ long.as_str(): long })).len() < 2_000);
}
