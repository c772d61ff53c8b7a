//! The papers that belong to a release.

use std::fs;

use crate::{expect_none, tree::root};

#[test]
fn a_newcomer_finds_what_this_is_and_what_changed() {
    let wanted = ["README.md", "CHANGELOG.md", "LICENSE", "deny.toml"];
    let has_text =
        |name: &str| fs::read_to_string(root().join(name)).is_ok_and(|text| !text.trim().is_empty());
    let missing = wanted.into_iter().filter(|name| !has_text(name));
    expect_none(missing.map(|name| format!("{name}:1: missing or empty")).collect(), "write it at the root");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let entries = fs::read_dir(root().join("docs/decisions")).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "README.md");
    names.sort();
    let number = |name: &str| name.split_once('-').and_then(|(number, _)| number.parse().ok());
    let is_off = |(at, name): &(usize, &String)| number(name) != Some(at + 1) || !name.ends_with(".md");
    let offenders = names.iter().enumerate().filter(is_off);
    expect_none(
        offenders.map(|(at, name)| format!("docs/decisions/{name}:1: should be number {}", at + 1)).collect(),
        "name each `0001-what-was-decided.md`, counting on from the last; a decision that is undone stays and \
         says which one undid it",
    );
}
