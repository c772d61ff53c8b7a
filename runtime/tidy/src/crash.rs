//! A crash point stands around every call that a crash could tear, and every point is used.

use crate::{
    expect_none,
    tree::{Source, rust},
};

/// Where such calls are looked for.
const WATCHED: [&str; 2] = ["runtime/actors/src/", "runtime/journal-sled/src/"];
/// The primitives themselves: whoever calls them stands at the point.
const PRIMITIVES: &str = "runtime/journal-sled/src/disk.rs";
/// What a crash could tear: bytes and names on their way to a disk, an append, a dispatch.
const TORN: [&str; 11] = [
    ".sync_data(",
    ".sync_all(",
    ".sync_file(",
    ".sync_dir(",
    ".rename(",
    "file.sync(",
    "file.write_all(",
    "journal.append(",
    ".cast_model(",
    ".cast_tools(",
    "reply.send(answer",
];
/// Says why a call needs none. On the same line, or on one of its own above.
const EXEMPTION: &str = "// crash: ";
/// Lines above a call in which its point may stand: rustfmt breaks long calls.
const ABOVE: usize = 2;

/// `path:line: …` of each call without a point around it.
fn bare(source: &Source) -> Vec<String> {
    let code = source.code();
    let mut bare = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        if is_comment || line.contains("fn ") || !TORN.iter().any(|torn| line.contains(torn)) {
            continue;
        }
        let near = &code[at.saturating_sub(ABOVE)..=at];
        let covered = |(_, line): &(usize, &str)| {
            line.contains("around(Point::")
                || line.contains("around_async(Point::")
                || line.contains(EXEMPTION)
        };
        if !near.iter().any(covered) {
            bare.push(format!("{}:{number}: {}", source.path, line.trim()));
        }
    }
    bare
}

fn watched() -> impl Iterator<Item = Source> {
    let is_watched = |source: &Source| {
        WATCHED.iter().any(|folder| source.path.starts_with(folder)) && source.path != PRIMITIVES
    };
    rust().into_iter().filter(is_watched)
}

/// The variants of the enum `Point`, read from where they are listed.
fn points(text: &str) -> Vec<&str> {
    let list = text.split_once("\npoints! {").and_then(|(_, rest)| rest.split_once("\n}"));
    let lines = list.map_or("", |(list, _)| list).lines();
    lines.filter_map(|line| Some(line.trim().split_once(" = \"")?.0)).collect()
}

#[test]
fn every_call_that_a_crash_could_tear_stands_at_a_crash_point() {
    expect_none(
        watched().flat_map(|source| bare(&source)).collect(),
        "put `crash::around(Point::…, || …)` around it, or `// crash: why it needs none` above it",
    );
}

#[test]
fn every_crash_point_is_used() {
    let sources = rust();
    let list = sources.iter().find(|source| source.path == "runtime/ports/src/crash.rs");
    let points = points(&list.expect("the list of points is there").text);
    assert!(points.len() > 10, "the list of points is read: {points:?}");
    let used = |point: &str| {
        let name = format!("Point::{point},");
        watched().any(|source| source.code().iter().any(|(_, line)| line.contains(&name)))
    };
    let unused = points.iter().filter(|point| !used(point));
    expect_none(
        unused.map(|point| format!("Point::{point}")).collect(),
        "use it where it belongs, or remove it",
    );
}

#[test]
fn a_call_without_a_point_is_found_and_a_reason_counts() {
    let text = "fn f() {\n    a.sync_dir(b)?;\n}\n\n\nfn g() {\n    around(Point::DirSync, || a.sync_dir(b))?;\n}\n\n\n\
                fn h() {\n    // crash: nobody waits for it\n    a.cast_tools(abort);\n}\n\n\nfn i() {\n    \
                around(Point::FileSync, || {\n        disk.sync_file(path)\n    })\n}\n\n// a.rename(b)\n";
    let source = Source { path: "a.rs".into(), text: text.into() };
    assert_eq!(bare(&source), ["a.rs:2: a.sync_dir(b)?;"]);
    assert_eq!(points("x\npoints! {\n    /// A.\n    One = \"one\",\n}\n"), ["One"]);
}
