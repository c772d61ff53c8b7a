//! Ways out of a folder that is granted: names, links, things that are no files, and folders that are swapped for links.

use playhouse_core::tool::ToolErrorKind::InvalidInput;
use serde_json::{Value, json};

use super::{Case, Expect};

pub(crate) fn cases() -> Vec<Case> {
    [reads(), changes(), fills(), races()].into_iter().flatten().collect()
}

/// Every outcome is an error of the interface.
fn all_refused(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["err"].is_string()))
}

/// Each way of looking at `path`.
fn looks(path: &str) -> Value {
    json!([["read", path], ["stat", path], ["entries", path]])
}

fn reads() -> Vec<Case> {
    [
        ("up, by two dots", "docs/../outside/canary.txt"),
        ("up, by two dots in the middle", "docs/a/../../outside/canary.txt"),
        ("an absolute path", "/etc/passwd"),
        ("an absolute path behind the folder's name", "docs//etc/passwd"),
        ("a folder that is not granted", "outside/canary.txt"),
        ("no folder at all", ""),
        ("backslashes of another system", "docs\\..\\outside\\canary.txt"),
        ("two dots, percent-encoded", "docs/%2e%2e/outside/canary.txt"),
        ("two dots in full width", "docs/\u{ff0e}\u{ff0e}/outside/canary.txt"),
        ("a nought in the name", "docs/a.txt\u{0}/../../outside/canary.txt"),
        ("the home of the user", "docs/~/canary.txt"),
        ("a link to a file outside", "docs/file"),
        ("a link to a folder outside", "docs/dir/canary.txt"),
        ("a link with an absolute path", "docs/absolute/canary.txt"),
        ("a link to the folder above", "docs/up/outside/canary.txt"),
        ("a link to the root", "docs/root/etc/passwd"),
        ("a magic link of /proc", "docs/magic/etc/passwd"),
        ("a link to a link", "docs/chained"),
        ("a link in circles", "docs/round"),
        ("a link to a device without end", "docs/endless"),
        ("a link to a file of the system", "docs/passwd"),
        ("a pipe that nobody writes into", "docs/pipe"),
    ]
    .into_iter()
    .map(|(name, path)| Case::steps("path", name, looks(path), Expect::Answers(all_refused)))
    .collect()
}

fn changes() -> Vec<Case> {
    let refused = |name, steps| Case::steps("path", name, steps, Expect::Answers(all_refused));
    vec![
        refused(
            "writing and removing by two dots",
            json!([["write", "out/../outside/canary.txt", "x"], ["remove", "out/../outside/canary.txt"]]),
        ),
        refused(
            "writing and removing beneath a link",
            json!([
                ["write", "out/dir/new.txt", "x"],
                ["remove", "out/dir/canary.txt"],
                ["write", "out/absolute/x", "x"],
                ["write", "out/up/outside/x", "x"],
                ["write", "out/magic/tmp/x", "x"]
            ]),
        ),
        refused(
            "writing where only reading is granted",
            json!([
                ["write", "docs/a.txt", "x"],
                ["remove", "docs/a.txt"],
                ["remove", "docs"],
                ["remove", "out"]
            ]),
        ),
        refused("writing into a pipe", json!([["write", "out/pipe", "x"]])),
        refused(
            "names that the host keeps for itself",
            json!([["write", "out/.playhouse-1-1", "x"], ["read", "out/.playhouse-1-1"]]),
        ),
        refused(
            "a name of two thousand letters",
            json!([["write", format!("out/{}", "x".repeat(2_000)), "x"]]),
        ),
        Case::steps(
            "path",
            "a write onto a link, which replaces the link",
            json!([["write", "out/file", "x"]]),
            Expect::Answers(|value| value[0].is_object()),
        ),
        Case::arguments(
            "path",
            "a path as long as arguments may be",
            json!({ "do": [["read", format!("docs/{}", "../".repeat(30_000))]] }),
            Expect::Tells(InvalidInput, "more than 65536"),
        ),
    ]
}

/// What each of many attempts came to is what may be: the file inside, or an error.
fn never_outside(value: &Value) -> bool {
    let fits = |one: &Value| {
        one["err"].is_string() || one["ok"] == "inside" || one["ok"].is_null() || one["ok"].is_array()
    };
    value[0]["seen"].as_array().is_some_and(|seen| seen.iter().all(fits))
}

fn races() -> Vec<Case> {
    let case = |name, step: Value| Case::race("path race", name, &step, Expect::Answers(never_outside));
    vec![
        case("reading in a folder that is swapped for a link", json!(["read", "out/flip/canary.txt"])),
        case("listing a folder that is swapped for a link", json!(["entries", "out/flip"])),
        case(
            "looking at a file in a folder that is swapped for a link",
            json!(["stat", "out/flip/canary.txt"]),
        ),
        case("removing in a folder that is swapped for a link", json!(["remove", "out/flip/canary.txt"])),
    ]
}

fn fills() -> Vec<Case> {
    let deep: String = "out/a/".to_owned() + &"b/".repeat(400) + "c";
    vec![
        Case::steps(
            "path",
            "more bytes than the folder may hold",
            json!([["write", "out/big", "x", null, 70_000]]),
            Expect::Answers(|value| value[0]["err"].as_str().is_some_and(|text| text.contains("limit"))),
        ),
        Case::steps(
            "path",
            "a file below four hundred folders",
            json!([["write", deep, ""], ["entries", "out/a"]]),
            Expect::Answers(|value| value[0].is_object() && value[1].is_object()),
        ),
        Case::steps(
            "path",
            "twenty empty files",
            json!((0..20).map(|n| json!(["write", format!("out/many/{n}"), ""])).collect::<Vec<_>>()),
            Expect::Answers(|value| value.as_array().is_some_and(|all| all.len() == 20)),
        ),
    ]
}
