//! Components of other toolchains become tools that ask the host for what they need, and for nothing else.

use playhouse_core::digest;
use playhouse_tools_adapt::{AdaptError, Adapted, Label, adapt, origin};

/// A component that speaks WASI, from `tools/builtin/wasi/samples`.
fn guest(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("it is in the repository")
}

fn label() -> Label {
    Label { name: "a_tool".into(), version: "1.0.0".into(), description: "Answers.".into() }
}

fn adapted(name: &str) -> Adapted {
    adapt(&guest(name), Some(&label())).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Why a component in text form does not become a tool.
fn refusal(text: &str) -> String {
    let wasm = wat::parse_str(text).expect("it is well written");
    adapt(&wasm, Some(&label())).expect_err("it cannot become one").to_string()
}

/// `playhouse:tool/http@1.0.0` for `http`.
fn imports<const N: usize>(capabilities: [&str; N]) -> Vec<String> {
    capabilities.map(|name| format!("playhouse:tool/{name}@1.0.0")).to_vec()
}

#[test]
fn what_a_tool_imports_is_what_its_component_needs_and_nothing_of_wasi() {
    assert_eq!(adapted("relays").imports, imports(["http", "clock", "random", "log"]));
    assert_eq!(adapted("wanders").imports, imports(["clock", "random", "log"]));
    assert_eq!(adapted("greets").imports, imports([]), "it makes no requests and asks for no time");
    let own = adapt(&guest("borrows"), None).expect("it is a tool that makes requests");
    assert_eq!(own.imports, imports(["http"]));
}

#[test]
fn a_tool_holds_its_component_as_it_was_and_the_same_bytes_come_of_it_each_time() {
    for name in ["relays", "greets"] {
        let (component, tool) = (guest(name), adapted(name));
        let found = origin(&tool.wasm).expect("it is a component").expect("it was adapted");
        assert_eq!(
            (found.sha256.as_str(), found.bytes),
            (digest::of_bytes(&component).as_str(), component.len())
        );
        assert_eq!(found.sha256, tool.origin_sha256);
        assert_eq!(tool.wasm, adapted(name).wasm);
        assert_eq!(origin(&component).expect("it is a component"), None);
    }
}

#[test]
fn a_component_that_wants_sockets_gets_no_more_of_the_host_for_it_and_whoever_adapts_it_is_told() {
    let (dials, greets) = (adapted("dials"), adapted("greets"));
    assert_eq!(dials.imports, greets.imports);
    assert!(dials.wants_sockets && !greets.wants_sockets);
}

#[test]
fn what_nobody_gives_is_refused_by_name() {
    let handler = r#"(component $app (import "NAME" (instance))
        (instance $none) (export "wasi:http/incoming-handler@0.2.0" (instance $none)))"#;
    for (name, why) in [
        ("wasi:keyvalue/store@0.2.0-draft", "and nothing else"),
        ("wasi:http/types@0.3.0", "speaks WASI 0.2"),
        ("wasi:sockets/tls@0.2.3", "closed `sockets`"),
        ("fermyon:spin/variables@2.0.0", "no tool is given that"),
        ("wasi:http/types@0.2.0-rc-2023-12-05", "and nothing else"),
    ] {
        let refused = refusal(&handler.replace("NAME", name));
        assert!(refused.contains(&format!("`{name}`")) && refused.contains(why), "{refused}");
    }
    let function = r#"(component (import "sleep" (func)) (instance $none)
        (export "wasi:http/incoming-handler@0.2.0" (instance $none)))"#;
    assert!(refusal(function).contains("`sleep`"));
}

#[test]
fn a_component_of_another_form_than_its_name_says_is_refused_and_told_what_the_adapter_speaks() {
    let refused = refusal(
        r#"(component (import "wasi:cli/exit@0.2.7" (instance (export "leave" (func)))) (instance $none)
            (export "wasi:http/incoming-handler@0.2.7" (instance $none)))"#,
    );
    assert!(refused.contains("0.2.12") && refused.contains("leave"), "{refused}");
}

#[test]
fn what_holds_nothing_to_call_or_needs_no_adapter_is_told_so() {
    let command = refusal(r#"(component (instance $none) (export "wasi:cli/run@0.2.0" (instance $none)))"#);
    assert!(command.contains("nothing in it to call (it exports wasi:cli/run@0.2.0)"), "{command}");
    let newer = refusal(
        r#"(component (instance $none) (export "wasi:http/incoming-handler@0.3.0" (instance $none)))"#,
    );
    assert!(newer.contains("nothing in it to call"), "{newer}");
    assert!(refusal("(module)").contains("it is a core module"));
    let no = adapt(b"hello", None).expect_err("it is no WebAssembly");
    assert!(matches!(no, AdaptError::NotAComponent(_)), "{no}");
    let again = adapt(&adapted("greets").wasm, None).expect_err("once is enough");
    assert!(matches!(again, AdaptError::IsATool), "{again}");
    let unnamed = adapt(&guest("greets"), None).expect_err("who would call it");
    assert!(matches!(unnamed, AdaptError::Unnamed), "{unnamed}");
    let named = adapt(&guest("borrows"), Some(&label())).expect_err("it has a name");
    assert!(matches!(named, AdaptError::NamesItself), "{named}");
}

#[test]
fn a_component_that_exports_what_its_neighbours_want_takes_nobodys_place() {
    let wasm = wat::parse_str(
        r#"(component (import "wasi:http/types@0.2.0" (instance $types)) (instance $none)
            (export "playhouse:adapter/inside" (instance $none))
            (export "wasi:http/incoming-handler@0.2.0" (instance $none)))"#,
    );
    // It is no handler: but it is refused for that, and not for what the front was given instead.
    let refused = adapt(&wasm.expect("it is well written"), Some(&label())).expect_err("it handles nothing");
    assert!(refused.to_string().contains("handle"), "{refused}");
}

#[test]
fn no_prefix_of_a_component_and_no_flipped_byte_of_its_head_brings_the_adapter_down() {
    let wasm = guest("greets");
    for length in (0..wasm.len()).step_by(997) {
        assert!(adapt(&wasm[..length], Some(&label())).is_err(), "{length} bytes");
    }
    for at in 0..2_000 {
        let mut broken = wasm.clone();
        broken[at] ^= 0x41;
        // Whatever comes of it, it is said and does not crash.
        let _ = adapt(&broken, Some(&label()));
    }
}
