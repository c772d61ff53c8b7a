//! What the model asks for, and what it is told.

use playhouse_tool::json;
use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;

use super::*;

const SALES: &str = "City;Item;Price\nBern;nut;1.5\nBasel;bolt;10\nBern;\"bolt; long\";9\nBasel;nut;\n";

fn ask(arguments: Value) -> Value {
    let host = Host::new().file("data/sales.csv", SALES);
    let answer = host.call::<CsvQuery>(&arguments.to_string());
    answer.map_or_else(
        |wrong| json!(wrong.message),
        |json| playhouse_tool::serde_json::from_str(&json).expect("JSON"),
    )
}

fn rows(mut arguments: Value) -> Value {
    arguments["text"] = SALES.into();
    let answer = ask(arguments);
    if answer.is_object() { answer["rows"].clone() } else { answer }
}

#[test]
fn rows_are_filtered_sorted_and_selected() {
    assert_eq!(
        rows(
            json!({"where": [{"column": "price", "is": ">=", "value": "9"}], "sort": [{"column": "Price"}], "select": ["Item", "Price"]})
        ),
        json!([["bolt; long", "9"], ["bolt", "10"]])
    );
    assert_eq!(
        rows(json!({"where": [{"column": "Item", "is": "contains", "value": "BOLT"}], "select": ["City"]})),
        json!([["Basel"], ["Bern"]])
    );
    assert_eq!(rows(json!({"where": [{"column": "City", "is": "=", "value": "bern"}, {"column": "Item", "is": "!=", "value": "nut"}]})).as_array().map(Vec::len), Some(1));
    assert_eq!(
        rows(
            json!({"sort": [{"column": "Price", "descending": true}], "select": ["Price"], "limit": 2, "offset": 1})
        ),
        json!([["10"], ["9"]])
    );
}

#[test]
fn groups_have_figures() {
    let figures = json!([{"function": "count"}, {"function": "sum", "column": "Price"}, {"function": "mean", "column": "Price"}, {"function": "max", "column": "Item"}]);
    let answer = ask(json!({"path": "data/sales.csv", "group_by": ["City"], "aggregate": figures}));
    assert_eq!(answer["columns"], json!(["City", "count", "sum(Price)", "mean(Price)", "max(Item)"]));
    assert_eq!(
        answer["rows"],
        json!([["Basel", "2", "10", "10", "nut"], ["Bern", "2", "10.5", "5.25", "nut"]])
    );
    assert_eq!(rows(json!({"aggregate": [{"function": "sum", "column": "Price"}]})), json!([["20.5"]]));
    let table = json!({"text": "a\n0.1\n0.2\n", "aggregate": [{"function": "sum", "column": "a"}]});
    assert_eq!(ask(table)["rows"], json!([["0.3"]]));
}

#[test]
fn what_does_not_count_is_said() {
    let table = "n,price\na,10,5\nb,7\nc,\"10,5\"\nd,\n";
    let figures = json!([{"function": "sum", "column": "price"}, {"function": "count", "column": "price"}]);
    let answer = ask(json!({"text": table, "aggregate": figures}));
    assert_eq!(answer["rows"], json!([["17", "3"]]));
    let notes = answer["notes"].as_array().expect("notes");
    assert!(
        notes[0]
            .as_str()
            .is_some_and(|note| note.contains("more cells than there are columns: 1, the first is row 1")),
        "{answer}"
    );
    let said = "`sum(price)` passed over cells of `price` that are no number: 1, the first is `10,5`";
    assert!(notes[1].as_str().is_some_and(|note| note.starts_with(said)), "{answer}");
    let answer = ask(json!({"text": table, "where": [{"column": "price", "is": ">", "value": "2"}]}));
    assert!(
        answer["notes"][1].as_str().is_some_and(|note| note.starts_with("`where` passed over")),
        "{answer}"
    );
    let large = json!({"text": "n\n1e21\n1", "aggregate": [{"function": "sum", "column": "n"}]});
    assert_eq!(ask(large)["notes"], json!(["figures of more than 15 digits are rounded"]));
    assert!(ask(json!({"text": "n\n1\nend"})).get("notes").is_none());
}

#[test]
fn what_is_wrong_is_named() {
    for (arguments, said) in [
        (json!({}), "either as `text` or by `path`"),
        (json!({"path": "data/none.csv"}), "`data/none.csv` does not exist"),
        (json!({"text": ""}), "the table is empty"),
        (json!({"text": "a,b\n1,\"2\n3,4\n"}), "a `\"` is never closed"),
        (json!({"text": "a,\"b\n1,2"}), "a `\"` is never closed"),
        (
            json!({"text": "a,b\n1,2", "select": ["c"]}),
            "`select` names `c`, which is no column; there are `a`, `b`",
        ),
        (json!({"text": "a", "separator": "::"}), "`separator` must be one ASCII character"),
    ] {
        let wrong = ask(arguments.clone());
        assert!(wrong.as_str().is_some_and(|text| text.contains(said)), "{arguments}: {wrong}");
    }
}

#[test]
fn a_long_table_is_paged() {
    let text = format!("n\n{}", (0..5_000).map(|n| format!("{n}\n")).collect::<String>());
    let answer = ask(json!({"text": text}));
    assert_eq!(
        (&answer["total"], &answer["more"]),
        (&json!(5_000), &json!("4900 more rows: ask again with `offset` 100"))
    );
    let wide = format!("n\n{}", format!("{}\n", "x".repeat(30_000)).repeat(9));
    assert_eq!(ask(json!({"text": wide}))["more"], "7 more rows: ask again with `offset` 2");
}

#[test]
fn garbage_is_an_error_at_worst() {
    for text in shared::garbage(500) {
        let conditions = json!([{"column": text, "is": "<", "value": text}]);
        let figures = json!([{"function": "mean", "column": text}]);
        ask(json!({"text": text, "where": conditions, "aggregate": figures}));
        ask(json!({"text": format!("{text}\n{text}\n"), "sort": [{"column": text}], "select": [text]}));
    }
}
