//! Headers, lengths and habits of the Rust files.

use crate::{
    expect_none,
    tree::{Source, rust, texts},
};

/// Longest file, without its test module. Most should have 100 to 250 lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function: what fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Paths of one machine. Written in two halves, since this file is read by its own rule.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

#[test]
fn every_file_opens_with_what_it_is_about() {
    let silent = rust().into_iter().filter(|source| !source.text.starts_with("//! "));
    expect_none(
        silent.map(|source| format!("{}:1: no `//!` header", source.path)).collect(),
        "begin with a line or two of `//! …`: what this is, and what it is not",
    );
}

#[test]
fn no_file_is_too_long_to_read_in_one_go() {
    let long = |source: &Source| source.code().len() > FILE_LINES_MAX;
    let offenders = rust().into_iter().filter(long);
    expect_none(
        offenders.map(|source| format!("{}:1: {} lines", source.path, source.code().len())).collect(),
        &format!("split by idea, not by size: at most {FILE_LINES_MAX} lines besides the tests"),
    );
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let offenders = rust().iter().flat_map(|source| long_functions(source, FUNCTION_LINES_MAX)).collect();
    expect_none(
        offenders,
        &format!(
            "let one function own the branches and call straight ones; at most {FUNCTION_LINES_MAX} lines"
        ),
    );
}

/// `path:line: name, n lines` of the functions with more than `most` lines. Relies on rustfmt: a function
/// ends at the first line that closes a brace at its own indentation.
fn long_functions(source: &Source, most: usize) -> Vec<String> {
    let code = source.code();
    let mut long = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let is_end = |line: &str| {
            let (blank, rest) = line.split_at_checked(indent).unwrap_or(("", ""));
            // `;` closes a declaration in a trait; a one-liner closes its brace where it opens it.
            blank.trim().is_empty() && (rest == "}" || rest.ends_with(';') && !rest.starts_with(' '))
        };
        let is_one_liner = line.ends_with('}') || line.ends_with(';');
        let body = code[at + 1..].iter().position(|(_, line)| is_end(line)).filter(|_| !is_one_liner);
        let length = body.map_or(1, |lines| lines + 2);
        if length > most {
            long.push(format!("{}:{number}: `{name}` has {length} lines", source.path));
        }
    }
    long
}

/// The name of the function that starts on this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let is_qualifier = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub(")
    };
    let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    // `pub(in crate::a)` is the one qualifier with a space; it does not occur here.
    (!name.is_empty() && before.split_whitespace().all(is_qualifier)).then_some(name)
}

#[test]
fn no_actor_waits_for_another_without_a_limit() {
    let waits = |line: &str| {
        let is_longer_name = |at: usize| line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let is_macro = line.find("call!(").is_some_and(|at| !is_longer_name(at));
        is_macro || line.contains(".call(") && line.contains(", None)")
    };
    expect_none(
        rust().iter().flat_map(|source| source.offences(waits)).collect(),
        "use `call_t!` or pass `Some(timeout)`: a peer that never answers must not stop its caller for ever",
    );
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    expect_none(
        rust().iter().flat_map(|source| source.offences(|line| line.contains(".unwrap()"))).collect(),
        "return the error, or write `expect(\"why it holds\")`",
    );
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let mut offenders = Vec::new();
    for source in texts() {
        for (at, line) in source.text.lines().enumerate() {
            if names_machine_path(line) {
                offenders.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    expect_none(offenders, "write the path relative to the repository, or take it as an argument");
}

/// Whether one of [`MACHINE_PATHS`] begins here: not within a longer path, not behind a variable.
fn names_machine_path(line: &str) -> bool {
    let begins =
        |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '}'));
    MACHINE_PATHS.iter().any(|path| line.match_indices(path).any(|(at, _)| begins(at)))
}

#[test]
fn a_path_below_a_variable_belongs_to_no_machine() {
    let [first, second, _] = MACHINE_PATHS;
    assert!(names_machine_path(&format!("cd {first}main")));
    assert!(!names_machine_path(&format!("exec $base{second}usr ${{base}}{second}usr")));
}

#[test]
fn the_length_of_a_function_is_counted_from_its_name_to_its_brace() {
    let text = "fn one() {}\n\npub(crate) async fn three(\n) {\n}\n\ntrait T {\n    fn four(\n        &self,\n    \
                );\n    fn five() {\n        if a {\n        }\n    }\n}\n";
    let source = Source { path: "a.rs".into(), text: text.into() };
    assert_eq!(
        long_functions(&source, 2),
        ["a.rs:3: `three` has 3 lines", "a.rs:8: `four` has 3 lines", "a.rs:11: `five` has 4 lines"]
    );
    assert_eq!(function_name("    // a fn in words"), None);
}
