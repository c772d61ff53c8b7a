//! What every `Cargo.toml` of the workspace says.

use std::fs;

use crate::{
    expect_none,
    metadata::{Member, compiled, members},
    tree::root,
};

fn manifest(member: &Member) -> String {
    fs::read_to_string(root().join(&member.manifest)).expect("cargo just read it")
}

#[test]
fn every_crate_says_what_it_is() {
    let silent = members().into_iter().filter(|member| member.description.trim().is_empty());
    expect_none(
        silent.map(|member| format!("{}:1: no description", member.manifest)).collect(),
        "add `description = \"…\"`: the one line that the folder listing cannot say",
    );
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let lax = members().into_iter().filter(|member| !manifest(member).contains("[lints]\nworkspace = true"));
    expect_none(
        lax.map(|member| format!("{}:1: lints of its own, or none", member.manifest)).collect(),
        "end the manifest with `[lints]` and `workspace = true`; allow single places by `expect(…, reason = …)`",
    );
}

#[test]
fn versions_of_dependencies_are_chosen_once_for_the_whole_workspace() {
    let mut offenders = Vec::new();
    for member in members() {
        let mut section = String::new();
        for (at, line) in manifest(&member).lines().map(str::trim).enumerate() {
            if line.starts_with('[') {
                line.clone_into(&mut section);
            }
            let is_entry =
                section.ends_with("dependencies]") && line.contains('=') && !line.starts_with(['#', '[']);
            // `[dependencies.tokio]` spreads an entry over lines, where this test cannot follow it.
            let is_table = line.starts_with('[') && line.contains("dependencies.");
            let is_shared = line.replace(' ', "").contains("workspace=true") || line.contains("path =");
            if is_table || is_entry && !is_shared {
                offenders.push(format!("{}:{}: {line}", member.manifest, at + 1));
            }
        }
    }
    expect_none(
        offenders,
        "write `name.workspace = true` (or `name = { workspace = true, … }`) on one line, and put the version \
         into `[workspace.dependencies]` of the root",
    );
}

#[test]
fn tests_compile_nothing_of_the_program_a_second_time() {
    let [program, tests] = [false, true].map(compiled);
    let twice = program.difference(&tests);
    expect_none(
        twice.map(|what| format!("Cargo.toml:1: {what}: tests want more features of it")).collect(),
        "everything above such a crate is compiled and linked twice: put the features that tests want into \
         `[workspace.dependencies]`, too",
    );
}
