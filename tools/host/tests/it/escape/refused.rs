//! What must never be run: components that are none or want what nobody grants, and descriptions that are traps.

use playhouse_core::tool::ToolErrorKind::{BadOutput, InvalidInput};
use serde_json::{Value, json};

use super::wat::Wat;
use super::{Case, Expect};

pub(crate) fn cases() -> Vec<Case> {
    [components(), proposals(), descriptions(), schemas(), costly()].into_iter().flatten().collect()
}

fn text(class: &'static str, name: &'static str, text: &str, expect: Expect) -> Case {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    Case::binary(class, name, bytes, expect)
}

fn components() -> Vec<Case> {
    let class = "component";
    let importing = |name: &'static str, import: &str, part| {
        let shape = format!("(component (import \"{import}\" (instance)))");
        text(class, name, &shape, Expect::Refused(part))
    };
    let imports: String =
        (0..5_000).map(|n| format!("(import \"playhouse:tool/extra{n}@1.0.0\" (instance))")).collect();
    let functions: String = (0..2_000).map(|n| format!("(import \"f{n}\" (func))")).collect();
    let instances = "(core instance (instantiate $e))".repeat(900);
    let whole = Wat::default().bytes();
    let mut flipped = whole.clone();
    for at in (64..flipped.len()).step_by(97) {
        flipped[at] ^= 0x20;
    }
    vec![
        Case::binary(
            class,
            "half a component",
            whole[..whole.len() / 2].to_vec(),
            Expect::Refused("not a WebAssembly"),
        ),
        Case::binary(class, "a component with flipped bits", flipped, Expect::Refused("not a WebAssembly")),
        Case::binary(
            class,
            "a section that claims four gigabytes",
            [&whole[..8], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat(),
            Expect::Refused("not a WebAssembly"),
        ),
        text(
            class,
            "five thousand imports",
            &format!("(component {imports})"),
            Expect::Refused("does not offer"),
        ),
        text(
            class,
            "two thousand functions as imports",
            &format!("(component {functions})"),
            Expect::Refused("does not offer"),
        ),
        text(
            class,
            "nine hundred instances inside",
            &format!("(component (core module $e) {instances})"),
            Expect::Refused("`guest` is"),
        ),
        importing("the environment by WASI", "wasi:cli/environment@0.2.0", "does not offer"),
        importing("sockets by WASI", "wasi:sockets/tcp@0.2.0", "does not offer"),
        importing("an interface of a later version", "playhouse:tool/kv@1.9.0", "another version"),
        importing(
            "an interface of contract 0.1 that never was",
            "playhouse:tool/http@0.1.0",
            "another version",
        ),
        importing("the interface `model`", "playhouse:tool/model@1.0.0", "not granted"),
        importing("an interface with an empty shape", "playhouse:tool/secrets@1.0.0", "not a tool"),
        text(
            class,
            "an interface of another shape",
            r#"(component (import "playhouse:tool/secrets@1.0.0"
                (instance (export "reveal" (func (param "name" string) (result string))))))"#,
            Expect::Refused("not a tool"),
        ),
    ]
}

fn proposals() -> Vec<Case> {
    let core = |name, items: &str| {
        let all = format!("(component (core module {items}))");
        text("proposal", name, &all, Expect::Refused("not a WebAssembly component"))
    };
    vec![
        core("shared memory", "(memory 1 1 shared)"),
        core("memory of 64 bits", "(memory i64 1)"),
        core("two memories in one module", "(memory 1) (memory 1)"),
        core("structures of a collector", "(type (struct (field i32)))"),
        core("exceptions", "(tag (param i32)) (func (throw 0 (i32.const 1)))"),
        core("relaxed SIMD", "(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))"),
        text(
            "proposal",
            "streams between components",
            "(component (type $s (stream u8)) (core func (canon stream.new $s)))",
            Expect::Refused("not a WebAssembly component"),
        ),
    ]
}

fn described(name: &str, version: &str, input: Value, output: Value) -> Wat {
    let about = json!({
        "name": name, "version": version, "description": "A guest.", "input_schema": input, "output_schema": output,
    });
    Wat::described(about.to_string())
}

fn descriptions() -> Vec<Case> {
    let class = "description";
    let refused = |name, guest: Wat, part| Case::component(class, name, &guest, Expect::Refused(part));
    let plain = || json!({ "type": "object" });
    vec![
        refused("no JSON", Wat::described("I am a tool"), "does not describe itself properly"),
        refused("JSON without end", Wat::described("[".repeat(20_000)), "invalid type"),
        refused("a name that leads elsewhere", described("../../etc/x", "1", plain(), json!({})), "the name"),
        refused("the name of a neighbour", described("calculator", "1", plain(), json!({})), "two tools"),
        refused(
            "a name that paints the terminal",
            described("a\u{1b}[2K", "1", plain(), json!({})),
            "the name",
        ),
        refused(
            "a version that paints the terminal",
            described("guest", "1\u{1b}[2K\u{1b}[1Ano imports", plain(), json!({})),
            "the version",
        ),
        refused(
            "arguments that are no object",
            described("guest", "1", json!(true), json!({})),
            "input_schema",
        ),
        refused(
            "wishes that nobody knows",
            Wat::described(
                r#"{"name":"guest","version":"1","description":"","input_schema":{"type":"object"},"wants":{"root":"yes"}}"#,
            ),
            "does not offer",
        ),
        Case::component(
            class,
            "calling itself pure with imports",
            &Wat {
                hosts: vec![super::wat::LOG],
                description: super::wat::DESCRIPTION.replace("idempotent", "pure"),
                ..Wat::default()
            },
            Expect::Answers(|value| *value == json!({ "ok": 1 })),
        ),
    ]
}

fn schemas() -> Vec<Case> {
    let class = "schema";
    let refused = |name, input: Value, part| {
        Case::component(class, name, &described("guest", "1", input, json!({})), Expect::Refused(part))
    };
    let with = |more: Value| {
        let mut schema = json!({ "type": "object" });
        schema
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        schema
    };
    let patterns: Vec<Value> =
        (0..1_500).map(|n| json!({ "pattern": format!("\\w{{{}}}", 100 + n % 400) })).collect();
    let nested = (0..120).fold(json!({ "type": "string" }), |inner, _| json!({ "not": inner }));
    vec![
        refused(
            "a reference to another server",
            with(json!({ "$ref": "https://example.com/s.json" })),
            "stays inside",
        ),
        refused("a reference to a file", with(json!({ "$ref": "file:///etc/passwd" })), "stays inside"),
        refused("patterns that fill the memory", with(json!({ "anyOf": patterns })), "patterns"),
        refused(
            "a pattern that is large once compiled",
            with(json!({ "pattern": "(?:\\w{500}){500}" })),
            "regex",
        ),
        refused("a schema nested too deep", with(nested), "levels deep"),
        Case::component(
            class,
            "a reference to itself",
            &described("guest", "1", with(json!({ "allOf": [{ "$ref": "#" }] })), json!({ "$ref": "#" })),
            Expect::Tells(InvalidInput, "too much work"),
        ),
    ]
}

/// Schemas that are small and take for ever: the host checks arguments and output, and nothing of the guest runs then.
fn costly() -> Vec<Case> {
    let class = "schema";
    let doubling = |levels: usize| -> Value {
        let level = |n: usize| {
            let next = json!({ "$ref": format!("#/$defs/l{}", n + 1) });
            (format!("l{n}"), json!({ "allOf": [next, next] }))
        };
        let mut defs: serde_json::Map<String, Value> = (0..levels).map(level).collect();
        defs.insert(format!("l{levels}"), json!({ "type": "object" }));
        json!({ "type": "object", "$defs": defs, "$ref": "#/$defs/l0" })
    };
    let downwards = json!({
        "$defs": { "s": { "allOf": [
            { "items": { "$ref": "#/$defs/s" } }, { "items": { "$ref": "#/$defs/s" } }
        ]}},
        "$ref": "#/$defs/s",
    });
    let many: Vec<Value> = (0..2_000).map(|n| json!({ "not": { "const": n } })).collect();
    let long = format!("[{}]", vec!["-1"; 60_000].join(","));
    let saying = |schema: Value, said: &str| {
        let guest = described("guest", "1", json!({ "type": "object" }), schema);
        let data = format!("(data (i32.const 140000) \"{}\")", said.replace('"', "\\22"));
        Wat {
            memory: "8".into(),
            memory_items: data,
            call: format!(
                "(i32.store (i32.const 68) (i32.const 140000)) (i32.store (i32.const 72) (i32.const {})) i32.const 64",
                said.len()
            ),
            ..guest
        }
    };
    let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
    vec![
        Case::component(
            class,
            "references that double sixty times, for arguments",
            &described("guest", "1", doubling(60), json!({})),
            Expect::Tells(InvalidInput, "too much work"),
        ),
        Case::component(
            class,
            "references that double sixty times, for output",
            &saying(doubling(60), "{}"),
            Expect::Tells(BadOutput, "too much work"),
        ),
        Case::component(
            class,
            "references that double with each level of the output",
            &saying(downwards, &deep),
            Expect::Tells(BadOutput, "too much work"),
        ),
        Case::component(
            class,
            "two thousand conditions for sixty thousand numbers",
            &saying(json!({ "items": { "allOf": many } }), &long),
            Expect::Tells(BadOutput, "too much work"),
        ),
    ]
}
