//! What is put right, and what is left alone.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Mend, REPAIRS_MAX, fit, read};

fn schema() -> Value {
    json!({ "type": "object", "properties": {
        "digits": { "type": "integer" },
        "share": { "type": "number" },
        "exact": { "type": "boolean" },
        "name": { "type": "string" },
        "names": { "type": "array", "items": { "type": "string" } },
        "numbers": { "type": "array", "items": { "type": "number" } },
        "either": { "type": ["string", "number"] },
        "pair": { "type": "array", "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } },
        "elsewhere": { "type": "integer", "$ref": "#/properties/name" },
        "inner": { "type": "object", "properties": { "a/b": { "type": "integer" } } },
    } })
}

/// What `arguments` become, and the repairs as `place what`.
fn fitted(arguments: Value) -> (Value, Vec<String>) {
    let (value, repairs) = fit(&schema(), &arguments);
    (value, repairs.into_iter().map(|repair| format!("{} {:?}", repair.at, repair.mend)).collect())
}

#[test]
fn common_mistakes_are_put_right_and_named() {
    for (wrong, right, repair) in [
        (json!({ "digits": "3" }), json!({ "digits": 3 }), "/digits TextToNumber"),
        (json!({ "share": " 0.5 " }), json!({ "share": 0.5 }), "/share TextToNumber"),
        (json!({ "exact": "true" }), json!({ "exact": true }), "/exact TextToBoolean"),
        (json!({ "exact": "False" }), json!({ "exact": false }), "/exact TextToBoolean"),
        (json!({ "name": 7 }), json!({ "name": "7" }), "/name ToText"),
        (json!({ "names": "Ada" }), json!({ "names": ["Ada"] }), "/names ToList"),
        (json!({ "names": r#"["Ada","Bo"]"# }), json!({ "names": ["Ada", "Bo"] }), "/names TextToJson"),
        (json!({ "names": ["Ada", 7] }), json!({ "names": ["Ada", "7"] }), "/names/1 ToText"),
        (json!({ "inner": r#"{"a/b":1}"# }), json!({ "inner": { "a/b": 1 } }), "/inner TextToJson"),
        (json!({ "inner": { "a/b": "1" } }), json!({ "inner": { "a/b": 1 } }), "/inner/a~1b TextToNumber"),
    ] {
        assert_eq!(fitted(wrong), (right, vec![repair.to_owned()]));
    }
}

#[test]
fn what_fits_or_cannot_be_read_in_one_way_is_left_alone() {
    for kept in [
        json!({ "either": "3" }),
        json!({ "digits": 3.0 }),
        json!({ "digits": "three" }),
        json!({ "digits": "3.5" }),
        json!({ "digits": null }),
        json!({ "exact": 1 }),
        json!({ "numbers": "many" }),
        json!({ "names": null }),
        json!({ "names": "['Ada', 'Bo']" }),
        json!({ "names": "Ada, Bo" }),
        json!({ "name": 1.5 }),
        json!({ "name": 12345678901234567890123.0 }),
        json!({ "digits": "123456789012345678901" }),
        json!({ "digits": "1e3" }),
        json!({ "share": "123456789012345678901" }),
        json!({ "pair": ["7", 3] }),
        json!({ "elsewhere": "3" }),
        json!({ "unknown": "3" }),
        json!("not an object"),
        json!(null),
    ] {
        assert_eq!(fitted(kept.clone()), (kept, Vec::new()));
    }
}

#[test]
fn a_call_that_needs_too_many_repairs_is_left_as_it_is() {
    let names = |count: usize| json!({ "names": vec![7; count] });
    assert_eq!(fitted(names(REPAIRS_MAX)).1.len(), REPAIRS_MAX);
    assert_eq!(fitted(names(REPAIRS_MAX + 1)), (names(REPAIRS_MAX + 1), Vec::new()));
}

#[test]
fn text_that_is_nearly_json_is_read() {
    let told = |raw| {
        read(raw).map(|(value, repairs)| (value, repairs.iter().map(|one| one.mend).collect::<Vec<_>>()))
    };
    assert_eq!(told(r#"{"a": [1, 2,], }"#), Some((json!({ "a": [1, 2] }), vec![Mend::TrailingCommas])));
    assert_eq!(told("```json\n{\"a\": 1}\n```"), Some((json!({ "a": 1 }), vec![Mend::Unfenced])));
    assert_eq!(told(r#"{"a": [1,]}}"#), Some((json!({ "a": [1] }), vec![Mend::TrailingCommas])));
    assert_eq!(told(r#"{"a": 1}}"#), Some((json!({ "a": 1 }), vec![Mend::Unframed])));
    assert_eq!(told(r#"{"a": 1}"#), Some((json!({ "a": 1 }), vec![Mend::Unframed])));
    let both = vec![Mend::Unfenced, Mend::TrailingCommas];
    assert_eq!(told("```\n{\"a\": \",]\",}\n```"), Some((json!({ "a": ",]" }), both)));
    for raw in ["{\"a\": 1", "{\"a\": 1} {\"b\": 2}", "{'a': 1}", "{a: 1,}", "", ",", "{\"a\": \"x,}"] {
        assert_eq!(told(raw), None, "{raw}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9\",\\[\\]{}:. ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let fields =
            prop::collection::btree_map("(digits|share|exact|name|names|inner|a/b)", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_put_right_needs_nothing_more_and_says_so(arguments in any_json()) {
        let (value, repairs) = fit(&schema(), &arguments);
        prop_assert_eq!(repairs.is_empty(), value == arguments);
        let (again, more) = fit(&schema(), &value);
        prop_assert!(!repairs.is_empty() && more.is_empty() && again == value || repairs.is_empty());
    }

    #[test]
    fn whatever_is_read_was_json_but_for_what_is_named(raw in "[\\[\\]{},:\"\\\\ 0-9a-z`]{0,40}") {
        if let Some((value, repairs)) = read(&raw) {
            prop_assert!(!repairs.is_empty());
            let brackets = |text: &str| text.chars().filter(|c| !matches!(c, ',' | ']' | '}' | '`') && !c.is_whitespace()).count();
            prop_assert!(brackets(&value.to_string()) <= brackets(&raw) + 4, "nothing is invented: {value}");
        }
    }
}
