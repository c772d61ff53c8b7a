//! What is refused before it runs.

use std::fs;
use std::path::PathBuf;

use playhouse_core::tool::ToolErrorKind;
use playhouse_tools_host::{Config, Limits, LoadError, ToolConfig, WasmToolBox, inspect, inspect_bytes};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{all_shipped, answer, base, failure, hostile, lock, only, shipped, tool};

/// Loads `bytes` as a tool called `guest` and returns why it was refused.
fn refusal(bytes: &[u8]) -> String {
    let folder = TempDir::new().expect("a folder for one file");
    let path = folder.path().join("guest.wasm");
    fs::write(&path, bytes).expect("the file is ours");
    only(tool(path)).expect_err("it is no tool").to_string()
}

fn refusal_of_text(text: &str) -> String {
    refusal(&wat::parse_str(text).expect("valid text"))
}

#[test]
fn what_is_not_a_component_is_refused() {
    assert!(refusal(b"").contains("is not a WebAssembly component"));
    assert!(refusal(b"#!/bin/sh\nrm -rf /").contains("does not begin like one"));
    assert!(
        refusal(b"\0asm\x0d\0\x01\0 and then nonsense").contains("`guest` is not a WebAssembly component")
    );
    assert!(refusal_of_text("(module)").contains("it is a core module; make a component of it"));
}

#[test]
fn a_component_without_the_interface_is_no_tool() {
    let refusal = refusal_of_text("(component)");
    assert!(refusal.starts_with("`guest` is a component but not a tool:"), "{refusal}");
    assert!(refusal.contains("playhouse:tool/tool@1.0.0"), "{refusal}");
}

#[test]
fn wasi_is_refused_by_name_with_a_remedy() {
    let refusal = refusal_of_text(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#);
    let expected = "`guest` imports `wasi:cli/environment@0.2.0`, which this host does not offer: `playhouse \
                    tool adapt` makes a tool of a component that speaks WASI; or build it without (Rust: target \
                    wasm32-unknown-unknown) and use the interfaces of `tools/wit/v1`";
    assert_eq!(refusal, expected);
}

#[test]
fn another_version_of_the_contract_is_an_unknown_import() {
    let refusal = refusal_of_text(r#"(component (import "playhouse:tool/kv@0.9.0" (instance)))"#);
    assert!(
        refusal.contains("imports `playhouse:tool/kv@0.9.0`, which this host does not offer"),
        "{refusal}"
    );
    assert!(refusal.contains("built against another version"), "{refusal}");
}

#[test]
fn an_import_that_was_not_granted_is_refused() {
    let refusal = only(tool(shipped("lookup"))).expect_err("it has no table").to_string();
    let expected = "`lookup` imports `playhouse:tool/kv@1.0.0`, which it is not granted: \
                    give it a table in the configuration, or remove the tool";
    assert_eq!(refusal, expected);
}

#[test]
fn what_is_not_granted_is_refused_before_anything_is_compiled() {
    // Its function breaks the rules, which only a compiler sees.
    let broken = "(core module (func (result i32)))";
    let asks = format!(r#"(component (import "playhouse:tool/http@1.0.0" (instance)) {broken})"#);
    let refused = refusal_of_text(&asks);
    assert!(refused.contains("`playhouse:tool/http@1.0.0`, which it is not granted"), "{refused}");
    assert!(refusal_of_text(&format!("(component {broken})")).contains("is not a WebAssembly component"));
}

#[test]
fn a_component_of_a_newer_wasi_is_looked_at_and_its_author_told() {
    let text = r#"(component (import "wasi:http/handler@0.3.0" (instance (export "handle" (func async)))))"#;
    let wasm = wat::parse_str(text).expect("valid text");
    let found = inspect_bytes("guest", &wasm, None).expect("it is a component");
    assert_eq!(found.about, None, "it cannot be asked");
    let import = &found.imports[0];
    assert_eq!((import.name.as_str(), import.lets), ("wasi:http/handler@0.3.0", None));
    assert!(import.remedy.is_some_and(|remedy| remedy.contains("speaks WASI 0.2")), "{import:?}");
}

#[test]
fn what_was_looked_at_is_compiled_for_whoever_loads_it() {
    let folder = TempDir::new().expect("a folder");
    let cache = folder.path().join("compiled");
    let files = || fs::read_dir(&cache).expect("it is there").count();
    inspect(&shipped("calculator"), Some(&cache)).expect("it is a tool");
    let looked_at = files();
    let config = Config { tools: vec![tool(shipped("calculator"))], cache: Some(cache.clone()), ..base() };
    WasmToolBox::load(config).expect("it is a tool");
    assert_eq!((looked_at, files()), (2, 2), "the key, and one compiled component");
}

#[test]
fn a_granted_interface_of_the_wrong_shape_is_refused() {
    let text = r#"(component (import "playhouse:tool/kv@0.1.0" (instance (export "steal" (func)))))"#;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("guest.wasm");
    fs::write(&path, wat::parse_str(text).expect("valid text")).expect("the file is ours");
    let refused = only(ToolConfig { component: path, ..crate::support::lookup() });
    assert!(matches!(refused, Err(LoadError::NotATool { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_largest_limits_that_can_be_set_can_be_kept_and_larger_ones_are_named() {
    let limits =
        Limits { memory_bytes: 1 << 30, table_elements: 100_000, running: 1_024, ..Limits::default() };
    let load = |limits| WasmToolBox::load(Config { limits, ..all_shipped() });
    let tools = load(limits).expect("these can be kept");
    assert_eq!(answer(&tools, "calculator", json!({ "expression": "6*7" })).await["result"], "42");
    let refused = load(Limits { memory_bytes: (1 << 30) + 1, ..limits }).expect_err("that is too much");
    assert_eq!(
        refused.to_string(),
        "the limits of tools cannot be kept: `memory_bytes` is 1073741825; it can be 65536 to 1073741824"
    );
}

#[test]
fn a_start_function_never_runs_before_the_checks() {
    // It would never end; the missing interface is noticed first.
    let endless =
        "(component (core module $m (func $f (loop br 0)) (start $f)) (core instance (instantiate $m)))";
    assert!(refusal_of_text(endless).contains("not a tool"));
}

#[test]
fn introducing_itself_has_a_deadline() {
    let refused = only(tool(hostile("endless_describe"))).expect_err("it never ends").to_string();
    assert_eq!(
        refused,
        "`endless_describe` does not describe itself properly: the tool did not finish in time"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = only(tool(PathBuf::from("/nowhere/tool.wasm"))).expect_err("there is no such file");
    assert_eq!(error.to_string(), "cannot use `/nowhere/tool.wasm`");
}

#[test]
fn two_tools_of_one_name_are_refused() {
    let tools = vec![tool(shipped("convert")), tool(shipped("convert"))];
    let error = WasmToolBox::load(Config { tools, ..base() }).expect_err("which one is meant?");
    assert!(matches!(error, LoadError::Duplicate(name) if name == "convert"));
}

#[test]
fn what_the_lock_does_not_list_is_refused() {
    let config = Config { tools: vec![tool(hostile("misbehaves"))], lock: Some(lock()), ..base() };
    let error = WasmToolBox::load(config).expect_err("never locked").to_string();
    assert!(error.starts_with("`misbehaves` is not what the lock file says: its sha256"), "{error}");
    assert!(error.contains("is not listed"), "{error}");
}

#[test]
fn each_line_of_the_lock_is_checked() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("tools.lock");
    let good = fs::read_to_string(lock()).expect("the lock is there");
    let first = |key: &str| {
        let line = good.lines().find(|line| line.starts_with(key)).expect("the key is there");
        line.to_owned()
    };
    for (key, complaint) in [
        ("sha256", "the lock says"),
        ("describe_sha256", "the sha256 of its description is"),
        ("version", "it calls itself calculator 0.2.0, the lock says calculator 9"),
    ] {
        let changed = good.replacen(&first(key), &format!("{key} = \"9\""), 1);
        fs::write(&path, changed).expect("the file is ours");
        let config = Config { lock: Some(path.clone()), ..all_shipped() };
        let error = WasmToolBox::load(config).expect_err("the lock differs").to_string();
        assert!(error.starts_with("`calculator` is not what the lock file says"), "{error}");
        assert!(error.contains(complaint), "{error}");
    }
    fs::write(&path, "tool = 7").expect("the file is ours");
    let error = WasmToolBox::load(Config { lock: Some(path), ..all_shipped() }).expect_err("nonsense");
    assert!(matches!(error, LoadError::BadLock { .. }), "{error}");
}

#[tokio::test]
async fn components_of_contract_0_1_run_as_before() {
    let codes = std::collections::BTreeMap::from([("amber-falcon".to_owned(), "14".to_owned())]);
    let tables = [("codes".to_owned(), codes)].into();
    let lookup = ToolConfig { tables, ..tool(hostile("v0/lookup")) };
    let tools = WasmToolBox::load(Config { tools: vec![tool(hostile("v0/calculator")), lookup], ..base() });
    let tools = tools.expect("this host knows their contract");
    assert_eq!(answer(&tools, "calculator", json!({"expression": "6*7"})).await["result"], "42");
    assert_eq!(answer(&tools, "lookup", json!({"key": "amber-falcon"})).await, json!({"value": "14"}));
    let (kind, _) = failure(&tools, "lookup", json!({"key": "grey-otter"})).await;
    assert_eq!(kind, ToolErrorKind::NotFound);
}
