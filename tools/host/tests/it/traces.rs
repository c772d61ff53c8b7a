//! Where a tool crashed: in the log, and nowhere else.

use playhouse_core::id::{EffectId, TaskId};
use playhouse_core::tool::{ToolError, ToolErrorKind};
use playhouse_ports::ToolBox;
use playhouse_tools_host::{Config, Limits, LoadError, WasmToolBox};
use serde_json::json;
use tempfile::TempDir;

use crate::escape::place::{crash, listen};
use crate::escape::wat::{LOG, Wat};
use crate::support::{base, hostile, only, request, tool};

/// `$call` and what it calls. In the text of a component names are those of functions.
const NESTED: &str = "(func $inner unreachable) (func $tool::parse call $inner) (func $std::panicking::panic call $tool::parse)";

fn load(guest: &Wat) -> (TempDir, Result<WasmToolBox, LoadError>) {
    let home = TempDir::new().expect("a folder");
    let path = home.path().join("guest.wasm");
    std::fs::write(&path, guest.bytes()).expect("it is ours");
    let limits = Limits { running: 2, ..Limits::default() };
    let tools = WasmToolBox::load(Config { tools: vec![tool(path)], limits, ..base() });
    (home, tools)
}

/// What the model reads and what the log says after the crash of a call in a task of that name.
async fn crashed(tools: &WasmToolBox, name: &str, crime: &str, task: &str) -> (ToolError, Option<String>) {
    listen();
    let mut request = request(name, json!({ "crime": crime }));
    request.effect_id = EffectId::new(&TaskId::new(task).expect("a plain name"), 1, 0);
    let effect = request.effect_id.to_string();
    (tools.call(request).await.expect_err("it crashes"), crash(&effect))
}

#[tokio::test]
async fn a_crash_is_logged_with_the_functions_of_the_tool_and_told_without_them() {
    let guest = Wat { items: NESTED.into(), ..Wat::doing("call $std::panicking::panic unreachable") };
    let (_home, tools) = load(&guest);
    let (told, line) = crashed(&tools.expect("it describes itself"), "guest", "-", "trace-nested").await;
    assert_eq!((told.kind, told.message.as_str()), (ToolErrorKind::Crashed, "the tool crashed: it panicked"));
    let line = line.expect("it is logged");
    let trace = line.split("trace=\"").nth(1).expect("it says where");
    let places = trace.split(['(', ')']).collect::<Vec<_>>();
    assert_eq!([places[0], places[2]], ["inner ", " < tool::parse "], "{line}");
    assert!(places[1].starts_with("0x") && !line.contains("std::"), "{line}");
    assert!(line.contains("the tool crashed: it panicked"), "{line}");
}

#[tokio::test]
async fn endless_recursion_is_a_short_line() {
    let guest = Wat {
        items: "(func $deeper (param i32) local.get 0 call $deeper)".into(),
        ..Wat::doing("i32.const 1 call $deeper unreachable")
    };
    let (_home, tools) = load(&guest);
    let (told, line) = crashed(&tools.expect("it describes itself"), "guest", "-", "trace-deep").await;
    assert_eq!(told.kind, ToolErrorKind::Crashed);
    let line = line.expect("it is logged");
    assert!(line.contains("deeper (0x") && line.contains(" times\""), "{line}");
    assert!(line.len() < 1_000, "{} bytes", line.len());
}

#[tokio::test]
async fn a_component_without_names_is_told_by_numbers() {
    let tools = only(tool(hostile("misbehaves"))).expect("it describes itself like a good tool");
    let (_, line) = crashed(&tools, "misbehaves", "recurse", "trace-stripped").await;
    assert!(line.expect("it is logged").contains("trace=\"function "));
}

#[tokio::test]
async fn what_the_host_ended_is_no_crash() {
    let tools = only(tool(hostile("misbehaves"))).expect("it describes itself like a good tool");
    let (told, line) = crashed(&tools, "misbehaves", "allocate", "trace-ended").await;
    assert_eq!((told.kind, line), (ToolErrorKind::OutOfMemory, None));
}

#[tokio::test]
async fn whoever_loads_a_tool_that_cannot_describe_itself_is_told_where_it_crashed() {
    let guest =
        Wat { items: NESTED.into(), describe: "call $tool::parse unreachable".into(), ..Wat::default() };
    let refused = load(&guest).1.expect_err("it cannot be loaded").to_string();
    assert!(refused.contains("the tool crashed: it panicked, in inner (0x"), "{refused}");
}

#[tokio::test]
async fn what_the_engine_refuses_by_itself_is_told_without_where() {
    // A string that ends behind its memory, handed to the host.
    let guest = Wat::calling(LOG, "i32.const 0 i32.const 0 i32.const -1 call $host unreachable");
    let (_home, tools) = load(&guest);
    let (told, line) = crashed(&tools.expect("it describes itself"), "guest", "-", "trace-abi").await;
    assert_eq!(told.kind, ToolErrorKind::Crashed);
    assert!(!told.message.contains("backtrace") && !told.message.contains("0x"), "{told}");
    assert!(line.expect("it is logged").contains("trace=\""));
}
