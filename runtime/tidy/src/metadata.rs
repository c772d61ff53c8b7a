//! What cargo knows of the workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::tree::root;

/// A crate of ours, as its manifest describes it.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) manifest: String,
    pub(crate) description: String,
    /// Crates of ours that it uses, with `dev`, `build` or nothing.
    pub(crate) ours: Vec<(String, Option<String>)>,
}

/// All crates of the workspace.
pub(crate) fn members() -> Vec<Member> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    array(&metadata["packages"]).iter().map(member).collect()
}

fn member(package: &Value) -> Member {
    let ours = array(&package["dependencies"]).iter().filter(|dependency| dependency["path"].is_string());
    let manifest = text(&package["manifest_path"]);
    let root = format!("{}/", root().display());
    Member {
        name: text(&package["name"]),
        manifest: manifest.strip_prefix(&root).unwrap_or(&manifest).to_owned(),
        description: text(&package["description"]),
        ours: ours.map(|found| (text(&found["name"]), found["kind"].as_str().map(str::to_owned))).collect(),
    }
}

/// The resolved graph of normal dependencies on this machine's platform.
pub(crate) struct Graph {
    /// Package id to name.
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
}

/// Resolves the graph.
pub(crate) fn graph() -> Graph {
    let platform = host();
    let metadata = cargo(&["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform]);
    let names =
        array(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"])));
    let edges = array(&metadata["resolve"]["nodes"]).iter().map(|node| {
        let is_normal = |found: &&Value| array(&found["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let normal = array(&node["deps"]).iter().filter(is_normal).map(|found| text(&found["pkg"]));
        (text(&node["id"]), normal.collect())
    });
    Graph { names: names.collect(), edges: edges.collect() }
}

impl Graph {
    /// For each crate that `from` reaches, the way to it: `from → a → b`. `None`: there is no such crate.
    pub(crate) fn ways(&self, from: &str) -> Option<BTreeMap<String, String>> {
        let (start, _) = self.names.iter().find(|(_, name)| *name == from)?;
        let mut ways = BTreeMap::new();
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![(start, from.to_owned())];
        while let Some((id, way)) = open.pop() {
            for next in self.edges.get(id).into_iter().flatten().filter(|next| seen.insert(next)) {
                let name = &self.names[next];
                let way = format!("{way} → {name}");
                ways.insert(name.clone(), way.clone());
                open.push((next, way));
            }
        }
        Some(ways)
    }
}

/// Every crate that is compiled, ours or not, as `name version|feature,feature`; with `tests` also what only tests use.
pub(crate) fn compiled(tests: bool) -> BTreeSet<String> {
    let edges = if tests { "normal,build,dev" } else { "normal,build" };
    let tree = run(&[
        "tree",
        "--workspace",
        "--offline",
        "--prefix",
        "none",
        "--format",
        "{p}|{f}",
        "--edges",
        edges,
    ]);
    tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// The target triple that cargo builds for by default.
fn host() -> String {
    let version = run(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("`cargo -vV` names the host").to_owned()
}

fn cargo(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(arguments)).expect("cargo writes JSON")
}

fn run(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {complaint}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
