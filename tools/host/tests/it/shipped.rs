//! The tools we ship do what they say, and are what the lock says.

use playhouse_core::digest;
use playhouse_core::tool::{EffectClass, Grant, ToolErrorKind};
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Config, Limits, WasmToolBox};
use serde_json::json;

use crate::support::{all_shipped, answer, base, failure, lookup, only, request, shared, shipped};

#[tokio::test]
async fn the_three_tools_answer() {
    let tools = shared();
    assert_eq!(answer(tools, "calculator", json!({"expression": "37 * 12"})).await, json!({"result": "444"}));
    assert_eq!(
        answer(tools, "convert", json!({"value": "5.2", "from": "kilometers", "to": "miles"})).await,
        json!({"result": "3.23113", "unit": "mi"})
    );
    assert_eq!(
        answer(tools, "convert", json!({"value": 5.2, "from": "km", "to": "mi"})).await,
        json!({"result": "3.23113", "unit": "mi"})
    );
    assert_eq!(answer(tools, "lookup", json!({"key": "amber-falcon"})).await, json!({"value": "14"}));
}

#[tokio::test]
async fn their_failures_are_classified_and_readable() {
    let tools = shared();
    let error = failure(tools, "lookup", json!({"key": "grey-otter"})).await;
    assert_eq!(error, (ToolErrorKind::NotFound, "no entry for `grey-otter`".to_owned()));
    let error = failure(tools, "calculator", json!({"expression": "1 / 0"})).await;
    assert_eq!(error, (ToolErrorKind::InvalidInput, "division by zero".to_owned()));
    let error = failure(tools, "abacus", json!({})).await;
    let known = "there is no tool `abacus`; there are `calculator`, `convert`, `lookup`".to_owned();
    assert_eq!(error, (ToolErrorKind::UnknownTool, known));
}

#[test]
fn effects_follow_from_imports() {
    let tools = shared();
    let specs: Vec<_> = tools.specs().iter().map(|spec| (spec.name.clone(), spec.effect)).collect();
    let expected = [
        ("calculator".to_owned(), EffectClass::Pure),
        ("convert".to_owned(), EffectClass::Pure),
        ("lookup".to_owned(), EffectClass::Idempotent),
    ];
    assert_eq!(specs, expected);
}

#[tokio::test]
async fn a_table_is_read_only_by_a_call_that_was_granted_it() {
    let tools = only(lookup()).expect("it has a table");
    let granted = |table: Option<&str>| Grant { table: table.map(str::to_owned), ..Grant::default() };
    assert_eq!(tools.permits("lookup", &granted(Some("codes"))), Ok(()));
    for (table, message) in [
        (None, "tool `lookup` reads a table and was granted none: grant one of `codes`"),
        (Some("salaries"), "tool `lookup` has no table `salaries`: grant one of `codes`"),
    ] {
        let mut asked = request("lookup", json!({"key": "amber-falcon"}));
        asked.grant = granted(table);
        let refused = tools.permits("lookup", &asked.grant).expect_err("not granted");
        assert_eq!((refused.kind, refused.message.as_str()), (ToolErrorKind::Denied, message));
        assert_eq!(tools.call(asked).await, Err(refused));
    }
}

#[test]
fn digests_do_not_change_from_load_to_load() {
    let digests = |config: Config| {
        let tools = WasmToolBox::load(config).expect("they load");
        tools.specs().iter().map(|spec| spec.digest.clone()).collect::<Vec<_>>()
    };
    assert_eq!(digests(all_shipped()), digests(all_shipped()));
}

#[tokio::test]
async fn calls_into_the_host_are_counted() {
    let limits = Limits { host_calls: 0, ..Limits::default() };
    let tools = WasmToolBox::load(Config { tools: vec![lookup()], limits, ..base() }).expect("it loads");
    let error = failure(&tools, "lookup", json!({"key": "amber-falcon"})).await;
    let message = "the tool called the host more than 0 times in one call".to_owned();
    assert_eq!(error, (ToolErrorKind::Denied, message));
}

#[tokio::test]
async fn a_call_has_a_receipt_that_the_same_call_matches_to_the_last_unit_of_fuel() {
    let called = |expression: &'static str| {
        shared().metered(request("calculator", json!({ "expression": expression })), nobody())
    };
    let (first, again, other) = (called("37 * 12").await, called("37 * 12").await, called("37 * 13").await);
    let receipt = first.receipt.expect("it ran");
    assert_eq!(first.result.expect("a product"), json!({ "result": "444" }));
    assert_eq!(again.receipt.as_ref(), Some(&receipt));
    assert!(receipt.fuel > 100, "{receipt:?}");
    assert_eq!(receipt.input, digest::of_bytes(br#"{"expression":"37 * 12"}"#));
    assert_eq!(receipt.output, Some(digest::of_bytes(br#"{"result":"444"}"#)));
    let component = std::fs::read(shipped("calculator")).expect("it is shipped");
    assert_eq!(receipt.component, digest::of_bytes(&component));
    let other = other.receipt.expect("it ran");
    assert!(
        other.input != receipt.input
            && other.output != receipt.output
            && other.component == receipt.component
    );
}

#[tokio::test]
async fn a_call_that_was_refused_has_no_receipt_and_one_that_failed_has_one_without_an_output() {
    let refused = shared().metered(request("calculator", json!({ "expresion": "1" })), nobody()).await;
    assert!(refused.result.is_err() && refused.receipt.is_none(), "{refused:?}");
    let failed = shared().metered(request("calculator", json!({ "expression": "1 / 0" })), nobody()).await;
    let receipt = failed.receipt.expect("it ran");
    assert!(failed.result.is_err() && receipt.output.is_none() && receipt.fuel > 0, "{receipt:?}");
}
