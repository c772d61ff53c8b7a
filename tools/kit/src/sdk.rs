//! The crate `playhouse-tool` inside this one. A project in Rust that stands in no checkout gets a copy of its own: it
//! builds with nothing but the crate registry, with the kit that this program knows, also when this program is replaced.
//!
//! ```text
//!   PROJECT/playhouse-tool/Cargo.toml      a workspace of the kit alone, with the versions of its dependencies
//!                         /guest           the crate, and its macros
//!                         /wit/v1          the contract
//! ```

use toml::{Table, Value};

/// The folder of a project that holds the copy.
pub(crate) const FOLDER: &str = "playhouse-tool";
/// The crate in there.
pub(crate) const CRATE: &str = "playhouse-tool/guest";
/// The two crates of the kit, as paths in its folder.
const CRATES: [&str; 2] = ["guest", "guest/macros"];

/// The workspace in which the kit is kept here, with that of the tools we ship.
const WORKSPACE: &str = include_str!("../../builtin/Cargo.toml");

macro_rules! files {
    ($($path:literal),* $(,)?) => { [$(($path, include_str!(concat!("../../", $path)))),*] };
}

/// By their paths in `tools`, and in the copy.
const FILES: [(&str, &str); 29] = files![
    "guest/Cargo.toml",
    "guest/macros/Cargo.toml",
    "guest/macros/src/function.rs",
    "guest/macros/src/lib.rs",
    "guest/macros/src/options.rs",
    "guest/macros/src/write.rs",
    "guest/src/about.rs",
    "guest/src/bindings.rs",
    "guest/src/call.rs",
    "guest/src/clock.rs",
    "guest/src/context.rs",
    "guest/src/error.rs",
    "guest/src/files.rs",
    "guest/src/http.rs",
    "guest/src/kv.rs",
    "guest/src/lib.rs",
    "guest/src/log.rs",
    "guest/src/memory.rs",
    "guest/src/model.rs",
    "guest/src/progress.rs",
    "guest/src/random.rs",
    "guest/src/schema.rs",
    "guest/src/secrets.rs",
    "guest/src/testing.rs",
    "guest/src/testing/answers.rs",
    "guest/src/testing/state.rs",
    "guest/src/tools.rs",
    "wit/v1/host.wit",
    "wit/v1/tool.wit",
];

/// The files of the copy: paths in it, and what is in them.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, String)> {
    let copied = FILES.into_iter().map(|(path, text)| match path.ends_with("Cargo.toml") {
        true => (path, without_place(text)),
        false => (path, text.to_owned()),
    });
    [("Cargo.toml", workspace())].into_iter().chain(copied)
}

/// A manifest finds the workspace above it by itself.
fn without_place(manifest: &str) -> String {
    let is_kept = |line: &&str| !line.starts_with("workspace = ") && !line.starts_with("# The guest side");
    manifest.lines().filter(is_kept).map(|line| format!("{line}\n")).collect()
}

/// What of the workspace the kit needs: its dependencies, and the rules for its code.
fn workspace() -> String {
    let parsed =
        |text: &str| text.parse::<Table>().expect("it is a manifest, by which this crate's kit is built");
    let mut whole = parsed(WORKSPACE);
    let whole = whole.get_mut("workspace").and_then(Value::as_table_mut).expect("it is a workspace");
    let manifests: Vec<_> = FILES.iter().filter(|(path, _)| path.ends_with("Cargo.toml")).collect();
    let mut dependencies = Table::new();
    if let Some(Value::Table(all)) = whole.remove("dependencies") {
        let is_used = |name: &str| manifests.iter().any(|(_, text)| text.contains(&format!("\n{name} = ")));
        dependencies.extend(all.into_iter().filter(|(name, _)| is_used(name)));
    }
    let macros = Table::from_iter([("path".to_owned(), CRATES[1].into())]);
    dependencies.insert("playhouse-tool-macros".into(), macros.into());
    let members = CRATES.map(Value::from).to_vec();
    let mut kept = Table::from_iter([("members".to_owned(), Value::Array(members))]);
    for key in ["resolver", "lints"] {
        kept.extend(whole.remove(key).map(|value| (key.to_owned(), value)));
    }
    kept.insert("dependencies".into(), dependencies.into());
    let manifest = Table::from_iter([("workspace".to_owned(), Value::Table(kept))]);
    format!(
        "# The kit for tools in Rust, as it came with Playhouse. Copied; changes belong into Playhouse.\n{manifest}"
    )
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn no_file_of_the_kit_is_left_behind() {
        fn sources(folder: &Path, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => sources(&path, found),
                    false => _ = found.insert(path.to_string_lossy().into_owned()),
                }
            }
        }
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
        let mut found = BTreeSet::new();
        for folder in ["guest/src", "guest/macros/src", "wit/v1"] {
            sources(Path::new(&format!("{tools}{folder}")), &mut found);
        }
        let listed: BTreeSet<_> = FILES.iter().map(|(path, _)| format!("{tools}{path}")).collect();
        let manifests = CRATES.map(|name| format!("{tools}{name}/Cargo.toml"));
        assert_eq!(listed, found.into_iter().chain(manifests).collect());
    }

    #[test]
    fn the_workspace_of_a_copy_has_what_its_crates_take_from_it_and_nothing_more() {
        let workspace: Table = workspace().parse().unwrap();
        let dependencies = workspace["workspace"]["dependencies"].as_table().unwrap();
        for name in ["schemars", "serde_json", "syn", "wit-bindgen"] {
            assert!(dependencies.contains_key(name), "{name}");
        }
        assert!(!dependencies.contains_key("rusqlite") && dependencies.len() < 15, "{dependencies:?}");
        assert_eq!(dependencies["playhouse-tool-macros"]["path"].as_str(), Some("guest/macros"));
        assert!(workspace["workspace"]["lints"].get("rust").is_some());
        for (path, text) in files().filter(|(path, _)| path.ends_with("Cargo.toml")) {
            assert!(!text.contains("builtin"), "{path}: {text}");
        }
    }
}
