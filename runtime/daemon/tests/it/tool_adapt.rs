//! `playhouse tool adapt`: a component of another toolchain becomes a tool that is inspected, called and installed like any.

use crate::harness::{Place, run, text};

fn guest(name: &str) -> String {
    format!("{}/../../tools/adapt/tests/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}

/// A line of a page, without its name.
fn line<'a>(page: &'a str, name: &str) -> &'a str {
    let found = page.lines().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no `{name}` in {page}")).trim()
}

#[test]
fn a_component_that_speaks_wasi_is_refused_with_the_command_that_helps() {
    let shown = run(&["tool", "inspect", &guest("relays")]);
    assert!(!shown.status.success());
    let page = text(&shown.stdout);
    assert!(page.contains("refused   wasi:http/outgoing-handler@0.2.4: `playhouse tool adapt`"), "{page}");
    let place = Place::new();
    let refused = run(&["tool", "install", &guest("relays"), "--folder", &place.path("tools")]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("`playhouse tool adapt`"), "{}", text(&refused.stderr));
}

#[test]
fn an_adapted_component_is_looked_at_called_and_installed_like_any_tool() {
    let place = Place::new();
    let tool = place.path("greets_tool.wasm");
    let said = ["--name", "greets", "--description", "Greets.", "--tool-version", "1.2.3"];
    let made = run(&[&["tool", "adapt", &guest("greets"), "-o", &tool], &said[..]].concat());
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stderr).contains("next: playhouse tool install"), "{}", text(&made.stderr));
    let page = text(&run(&["tool", "inspect", &tool]).stdout);
    assert_eq!((line(&page, "tool "), line(&page, "says ")), ("greets 1.2.3", "Greets."));
    assert!(line(&page, "effect ").starts_with("pure (proven"), "{page}");
    let inside = std::fs::metadata(guest("greets")).unwrap().len();
    assert!(
        line(&page, "adapted ").starts_with(&format!("from a component of {inside} bytes, sha256 ")),
        "{page}"
    );
    assert_ne!(line(&page, "adapted ").rsplit(' ').next(), Some(line(&page, "sha256 ")));

    let called = run(&["tool", "call", &tool, r#"{"path": "/a"}"#]);
    let answer = r#"{"status":201,"headers":[],"body":"Method::Get /a "}"#;
    let (got, wanted): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&called.stdout).unwrap(), serde_json::from_str(answer).unwrap());
    assert_eq!(got, wanted, "{}", text(&called.stderr));

    let installed = run(&["tool", "install", &tool, "--folder", &place.path("tools"), "--yes"]);
    assert!(installed.status.success(), "{}", text(&installed.stderr));
    assert!(text(&installed.stderr).contains(line(&page, "adapted ")), "{}", text(&installed.stderr));
}

#[test]
fn the_name_of_the_file_is_the_name_of_a_tool_that_has_none() {
    let place = Place::new();
    let (component, tool) = (place.path("Exchange Rates.wasm"), place.path("tool.wasm"));
    std::fs::copy(guest("greets"), &component).unwrap();
    let made = run(&["tool", "adapt", &component, "-o", &tool]);
    assert_eq!(line(&text(&made.stdout), "tool "), "exchange_rates 0.0.0", "{}", text(&made.stderr));
    let own = run(&["tool", "adapt", &guest("borrows"), "-o", &tool]);
    assert!(line(&text(&own.stdout), "tool ").starts_with("borrows "), "{}", text(&own.stderr));
    let named = run(&["tool", "adapt", &guest("borrows"), "-o", &tool, "--name", "lends"]);
    assert!(!named.status.success() && text(&named.stderr).contains("says itself what it is called"));
}

#[test]
fn whoever_adapts_a_component_that_imports_sockets_is_told_that_none_is_opened() {
    let place = Place::new();
    let made = run(&["tool", "adapt", &guest("dials"), "-o", &place.path("tool.wasm")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stderr).contains("none is ever opened"), "{}", text(&made.stderr));
}

#[test]
fn what_does_not_become_a_tool_leaves_no_file() {
    let place = Place::new();
    let (tool, nothing) = (place.path("tool.wasm"), place.path("nothing.wasm"));
    // A component without anything in it.
    std::fs::write(&nothing, b"\0asm\x0d\0\x01\0").unwrap();
    let refused = run(&["tool", "adapt", &nothing, "-o", &tool]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("there is nothing in it to call"), "{}", text(&refused.stderr));
    assert!(!std::path::Path::new(&tool).exists());
    std::fs::copy(guest("greets"), &tool).unwrap();
    let refused = run(&["tool", "adapt", &tool, "-o", &tool]);
    assert!(text(&refused.stderr).contains("would be overwritten"), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read(&tool).unwrap(), std::fs::read(guest("greets")).unwrap());
}
