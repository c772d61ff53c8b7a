//! `playhouse tool …`: a component is looked at and called without a daemon.

use serde_json::Value;

use crate::harness::{Place, run, text};

fn shipped(name: &str) -> String {
    format!("{}/../../tools/builtin/dist/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_component_is_shown_in_plain_words_before_anything_is_granted() {
    let shown = run(&["tool", "inspect", &shipped("calculator")]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown = text(&shown.stdout);
    for part in [
        "tool      calculator",
        "takes     expression (string)",
        "pure (proven",
        "touches   nothing",
        "sha256",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let lookup = text(&run(&["tool", "inspect", &shipped("lookup")]).stdout);
    assert!(lookup.contains("wants to  read one table that you give it (playhouse:tool/kv@"), "{lookup}");
    let json: Value =
        serde_json::from_slice(&run(&["tool", "inspect", "--json", &shipped("lookup")]).stdout).unwrap();
    assert_eq!(json["about"]["counts_as"], "idempotent");
}

#[test]
fn a_component_is_called_once_and_says_what_it_took() {
    let called = run(&["tool", "call", &shipped("calculator"), r#"{"expression": "37 * 12"}"#]);
    assert_eq!(text(&called.stdout).trim(), r#"{"result":"444"}"#, "{}", text(&called.stderr));
    assert!(text(&called.stderr).contains("units of fuel"));
    let wrong = run(&["tool", "call", &shipped("calculator"), r#"{"expresion": "1"}"#]);
    assert!(!wrong.status.success());
    assert!(text(&wrong.stderr).contains("expression"), "{}", text(&wrong.stderr));
}

#[test]
fn a_component_that_reads_a_table_is_given_one_by_name() {
    let place = Place::new();
    std::fs::write(place.path("codes.toml"), "amber-falcon = \"14\"\n").unwrap();
    let call = |more: &[&str]| {
        let lookup = shipped("lookup");
        let base = ["tool", "call", &lookup, r#"{"key": "amber-falcon"}"#];
        run(&[&base[..], more].concat())
    };
    assert_eq!(text(&call(&["--table", &place.path("codes.toml")]).stdout).trim(), r#"{"value":"14"}"#);
    let refused = call(&[]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("not granted"), "{}", text(&refused.stderr));
}

#[test]
fn what_is_no_component_is_named() {
    let place = Place::new();
    std::fs::write(place.path("note.wasm"), "hello").unwrap();
    let shown = run(&["tool", "inspect", &place.path("note.wasm")]);
    assert!(!shown.status.success());
    assert!(text(&shown.stderr).contains("`note` is not a WebAssembly component"), "{}", text(&shown.stderr));
}
