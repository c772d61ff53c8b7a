//! What a model gets wrong: every mistake comes back as `invalid-input` with words that help.

use playhouse_core::tool::ToolErrorKind;
use serde_json::{Value, json};

use crate::support::{failure, shared};

async fn complaint(tool: &str, arguments: Value) -> String {
    let (kind, message) = failure(shared(), tool, arguments).await;
    assert_eq!(kind, ToolErrorKind::InvalidInput, "{message}");
    assert!(message.len() < 2_000, "a complaint is short: {} bytes", message.len());
    message
}

#[tokio::test]
async fn a_missing_argument_is_named_with_what_would_be_right() {
    let expected = "the arguments of `calculator` are not right: \"expression\" is a required property. \
                    It takes: expression (string); for example {\"expression\":\"(1.5 + 2) * 3\"}";
    assert_eq!(complaint("calculator", json!({})).await, expected);
}

#[tokio::test]
async fn several_mistakes_are_told_at_once() {
    let message = complaint("convert", json!({"value": true, "from": 7, "unit": "km"})).await;
    for part in
        ["`value`: true is not of types", "`from`: 7 is not of type \"string\"", "It takes: from (string)"]
    {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    for arguments in [json!(null), json!("37 * 12"), json!(["37 * 12"]), json!(444)] {
        let message = complaint("calculator", arguments).await;
        assert!(message.contains("is not of type \"object\""), "{message}");
    }
}

#[tokio::test]
async fn huge_arguments_are_refused_and_not_repeated() {
    let huge = "9".repeat(1 << 20);
    complaint("calculator", json!({ "expression": huge })).await;
    complaint("lookup", json!({ "key": huge })).await;
    complaint("lookup", json!({ huge.as_str(): 1 })).await;
}

#[tokio::test]
async fn deep_arguments_are_refused() {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let message = complaint("calculator", json!({ "expression": deep })).await;
    assert!(message.contains("nested more than 64 levels deep"), "{message}");
    let nested = format!("{}1{}", "(".repeat(400), ")".repeat(400));
    let message = complaint("calculator", json!({ "expression": nested })).await;
    assert_eq!(message, "more than 50 levels of nesting: calculate it in parts");
}

#[tokio::test]
async fn odd_characters_reach_the_tool_unharmed() {
    let message = complaint("calculator", json!({"expression": "1\u{0}2"})).await;
    assert_eq!(message, "syntax error at character 2: expected an operator (+ - * / ^), found `\\0`");
    let error = failure(shared(), "lookup", json!({"key": "a\u{0}b \u{202e}🦊"})).await;
    assert_eq!(error, (ToolErrorKind::NotFound, "no entry for `a\u{0}b \u{202e}🦊`".to_owned()));
}
