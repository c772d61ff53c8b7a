//! What the model asks for, and what it is told.

use playhouse_tool::json;
use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;

use super::*;

fn host() -> Host {
    Host::new()
        .file("docs/a.md", "one\ntwo\nthree\nfour\n")
        .file("docs/b/c.md", "TWO\n")
        .file("docs/b/d.txt", "two")
        .file("docs/picture", [0xff, 0xd8])
        .folder("out")
}

fn ask(arguments: Value) -> Value {
    let answer = host().call::<Files>(&arguments.to_string());
    answer.map_or_else(
        |wrong| json!(wrong.message),
        |json| playhouse_tool::serde_json::from_str(&json).expect("JSON"),
    )
}

#[test]
fn folders_are_listed_and_globs_go_below() {
    assert_eq!(ask(json!({"action": "list"}))["paths"], json!(["docs/", "out/"]));
    assert_eq!(
        ask(json!({"action": "list", "path": "docs"}))["paths"],
        json!(["docs/a.md", "docs/b/", "docs/picture"])
    );
    let glob = |glob: &str| ask(json!({"action": "list", "path": "docs", "glob": glob}))["paths"].clone();
    assert_eq!(glob("**/*.md"), json!(["docs/a.md", "docs/b/c.md"]));
    assert_eq!(glob("*.md"), json!(["docs/a.md"]));
    assert_eq!(ask(json!({"action": "list", "glob": "**/d.*"}))["paths"], json!(["docs/b/d.txt"]));
}

#[test]
fn lines_are_read_with_the_version_of_the_file() {
    let whole = ask(json!({"action": "read", "path": "docs/a.md"}));
    assert_eq!(
        (&whole["text"], &whole["lines"], &whole["more"]),
        (&json!("one\ntwo\nthree\nfour\n"), &json!(4), &Value::Null)
    );
    assert!(whole["version"].as_str().is_some_and(|version| !version.is_empty()));
    let part = ask(json!({"action": "read", "path": "docs/a.md", "from": 2, "to": 3}));
    assert_eq!(part["text"], "two\nthree\n");
    assert_eq!(part["more"], "1 more lines: read again with `from` 4");
}

#[test]
fn what_is_searched_is_shown_with_lines_around() {
    let found = ask(json!({"action": "search", "path": "docs", "pattern": "(?i)^two$"}));
    assert_eq!(found["text"], "docs/a.md:2: two\ndocs/b/c.md:1: TWO\ndocs/b/d.txt:1: two\n");
    assert_eq!(found["more"], "1 files were passed over: not text, or too large");
    let found = ask(json!({"action": "search", "path": "docs/a.md", "pattern": "t", "context": 1}));
    assert_eq!(found["text"], "docs/a.md-1- one\ndocs/a.md:2: two\ndocs/a.md:3: three\ndocs/a.md-4- four\n");
    let found = ask(json!({"action": "search", "path": "docs", "pattern": "two", "glob": "**/*.txt"}));
    assert_eq!(found["text"], "docs/b/d.txt:1: two\n");
}

#[test]
fn what_is_wrong_is_named() {
    for (arguments, said) in [
        (json!({"action": "read", "path": "docs/none"}), "`docs/none` does not exist"),
        (
            json!({"action": "read", "path": "docs/../x"}),
            "`docs/../x` is not in a folder that is granted for this; granted: `docs/`, `out/`",
        ),
        (json!({"action": "read"}), "`path` is missing: give the file to read, for example `docs/a.txt`"),
        (
            json!({"action": "list", "path": "docs/a.md"}),
            "`docs/a.md` is a file: read it, or list its folder",
        ),
        (json!({"action": "read", "path": "docs"}), "`docs` is a folder: list it, and read a file in it"),
        (
            json!({"action": "read", "path": "docs/a.md", "from": 9}),
            "`from` is 9, but `docs/a.md` has 4 lines",
        ),
        (
            json!({"action": "read", "path": "docs/a.md", "from": 3, "to": 1}),
            "`to` is before `from`: give the last line wanted, for example `12`",
        ),
        (
            json!({"action": "search", "path": "docs"}),
            "`pattern` is missing: give a regular expression, for example `fn \\w+`",
        ),
    ] {
        assert_eq!(ask(arguments.clone()), json!(said), "{arguments}");
    }
    let wrong = ask(json!({"action": "search", "path": "docs", "pattern": "("}));
    assert!(
        wrong.as_str().is_some_and(|text| text.contains("`pattern` is no regular expression")),
        "{wrong}"
    );
    let wrong = ask(json!({"action": "list", "path": "docs", "glob": "["}));
    assert!(wrong.as_str().is_some_and(|text| text.contains("write `**/*.md`")), "{wrong}");
}

#[test]
fn long_answers_are_cut_and_say_how_to_go_on() {
    let host = Host::new().file("d/long", "0123456789\n".repeat(10_000)).file("d/wide", "x".repeat(100_000));
    let read = |path: &str, from: u64| {
        let input = Input {
            action: Action::Read,
            path: path.into(),
            glob: None,
            pattern: None,
            context: None,
            from: Some(from),
            to: None,
        };
        host.run(|| files(input)).expect("it is there")
    };
    let first = read("d/long", 1);
    assert_eq!(first.more.as_deref(), Some("4043 more lines: read again with `from` 5958"));
    assert!(read("d/long", 5_958).more.is_none());
    assert_eq!(
        read("d/wide", 1).more.as_deref(),
        Some("line 1 has 100000 bytes and was cut; go on with `from` 2")
    );
    let found =
        host.call::<Files>(r#"{"action": "search", "path": "d/long", "pattern": "5"}"#).expect("found");
    assert!(found.contains("cut after 200 matches") && found.len() < 70_000);
}

#[test]
fn garbage_is_an_error_at_worst() {
    for text in shared::garbage(300) {
        for action in ["list", "read", "search"] {
            ask(json!({"action": action, "path": text, "glob": text, "pattern": text}));
            ask(json!({"action": action, "path": format!("docs/{text}"), "pattern": text}));
        }
    }
}
