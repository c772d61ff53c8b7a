//! The arrows between our crates, and what each must not reach.
//!
//! ```text
//! core ◀── ports, api, supervise ◀── actors ◀── assembly ◀── daemon
//!   ▲        ▲                                    ▲             ▲
//!   │        └── model-*, journal-*, tools/host ──┘             │
//!   └── api ◀── http, and the faces to come ────────────────────┘
//! ```

use crate::{
    expect_none,
    metadata::{graph, members},
};

/// A crate and those of ours it may use. Tests may use the testkit besides.
type Row = (&'static str, &'static [&'static str]);

/// An adapter knows the port it implements, and no other adapter.
const ADAPTER: &[&str] = &["core", "ports", "openai-wire", "tools-policy"];

/// A face knows what the runtime offers, not how it is made.
const FACE: &[&str] = &["core", "api", "openai-wire"];

const EVERYTHING_BELOW_THE_FACES: &[&str] = &[
    "core",
    "ports",
    "api",
    "supervise",
    "testkit",
    "actors",
    "schema",
    "openai-wire",
    "model-openai",
    "model-llama",
    "journal-sled",
    "tools-policy",
    "tools-http",
    "tools-disk",
    "tools-host",
    "tools-command",
    "tools-mcp",
    "tools-store",
    "tools-adapt",
];

const ARROWS: &[Row] = &[
    ("core", &[]),
    ("ports", &["core"]),
    ("api", &["core"]),
    ("schema", &["core"]),
    ("tools-policy", &["core"]),
    ("openai-wire", &["core"]),
    ("supervise", &["core"]),
    ("testkit", &["core", "ports", "api"]),
    ("actors", &["core", "ports", "api", "supervise", "schema", "tools-policy"]),
    ("model-openai", ADAPTER),
    ("model-llama", ADAPTER),
    ("journal-sled", ADAPTER),
    ("tools-http", ADAPTER),
    ("tools-disk", &["core"]),
    ("tools-host", &["core", "ports", "schema", "tools-policy", "tools-disk", "tools-confine"]),
    ("tools-confine", &[]),
    ("tools-command", &["core", "ports", "tools-confine", "tools-disk"]),
    ("tools-mcp", &["core", "ports", "schema", "openai-wire", "tools-policy", "tools-confine"]),
    ("tools-store", &["core"]),
    ("tools-adapt", &["core"]),
    ("tools-fuse", &[]),
    ("tools-kit", &["tools-fuse"]),
    ("http", FACE),
    ("assembly", EVERYTHING_BELOW_THE_FACES),
    ("sim", &["core", "ports", "testkit", "supervise", "actors", "api", "journal-sled"]),
    ("tidy", &[]),
];

/// Those that may use everything but the ones named.
const ALL_BUT: &[Row] = &[
    ("daemon", &["playhouse", "examples", "benches", "tidy"]),
    ("examples", &["benches", "tidy"]),
    ("benches", &["examples", "tidy"]),
];

/// The SDK (crate `playhouse`): the small ports always, the runtime behind features.
const SDK: &[&str] = &["core", "ports", "api", "schema", "assembly", "testkit", "daemon"];

/// A crate, and what of the world must stay out of its normal dependencies, however indirectly.
const UNREACHABLE: &[Row] = &[
    (
        "core",
        &["tokio", "ractor", "axum", "wasmtime", "sled", "rand", "getrandom", "reqwest", "fs4", "rustix"],
    ),
    ("ports", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("api", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("schema", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("tools-policy", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("openai-wire", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("supervise", &["axum", "tonic", "wasmtime", "sled", "reqwest"]),
    ("actors", &["axum", "tonic", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("testkit", &["ractor", "axum", "tonic", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("model-openai", &["ractor", "axum", "wasmtime", "sled", "llama-cpp-2"]),
    ("model-llama", &["ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("journal-sled", &["ractor", "axum", "wasmtime", "reqwest", "llama-cpp-2"]),
    ("tools-http", &["ractor", "axum", "wasmtime", "sled", "llama-cpp-2"]),
    ("tools-host", &["ractor", "axum", "sled", "reqwest", "llama-cpp-2"]),
    ("tools-mcp", &["ractor", "axum", "wasmtime", "sled", "llama-cpp-2"]),
    ("tools-command", &["ractor", "axum", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("tools-confine", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("tools-disk", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest"]),
    ("tools-adapt", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("tools-fuse", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("tools-kit", &["tokio", "ractor", "axum", "wasmtime", "sled", "reqwest", "llama-cpp-2"]),
    ("tools-store", &["ractor", "axum", "wasmtime", "sled", "llama-cpp-2"]),
    ("http", &["ractor", "wasmtime", "sled", "llama-cpp-2"]),
];

/// Whether `user` may use `used`, by short names. `None`: `user` is in no table.
fn may_use(user: &str, used: &str) -> Option<bool> {
    let row = |table: &[Row]| table.iter().find(|(name, _)| *name == user).map(|(_, names)| *names);
    if user == "playhouse" {
        return Some(SDK.contains(&used));
    }
    let allowed = row(ARROWS).map(|allowed| allowed.contains(&used));
    allowed.or_else(|| row(ALL_BUT).map(|refused| !refused.contains(&used)))
}

fn short(name: &str) -> &str {
    name.strip_prefix("playhouse-").unwrap_or(name)
}

#[test]
fn arrows_between_our_crates_point_as_drawn() {
    let mut offenders = Vec::new();
    for member in members() {
        let user = short(&member.name);
        if may_use(user, user).is_none() {
            offenders.push(format!("{}:1: `{user}` has no row in the table", member.manifest));
        }
        for (used, kind) in &member.ours {
            let in_tests = kind.as_deref() == Some("dev");
            let may = may_use(user, short(used)).unwrap_or(true) || in_tests && short(used) == "testkit";
            if !may {
                let how = if in_tests { "its tests use" } else { "uses" };
                offenders.push(format!("{}:1: {how} `{used}`", member.manifest));
            }
        }
    }
    expect_none(
        offenders,
        "put the shared part into `core` or behind a port, and let `assembly` bring both together; an arrow \
         that must be new is a row here and a decision in docs/decisions",
    );
}

#[test]
fn heavy_crates_stay_out_of_the_reach_of_light_ones() {
    let graph = graph();
    let mut offenders = Vec::new();
    for (name, refused) in UNREACHABLE {
        match graph.ways(&format!("playhouse-{name}")) {
            Some(ways) => offenders.extend(refused.iter().filter_map(|refused| ways.get(*refused).cloned())),
            None => offenders.push(format!("runtime/tidy/src/arrows.rs:1: there is no crate `{name}`")),
        }
    }
    expect_none(
        offenders,
        "move what needs it to a leaf crate behind a port, or switch off the feature that brings it in",
    );
}

#[test]
fn a_way_is_found_where_there_is_one() {
    let ways = graph().ways("playhouse-core").expect("core is a crate");
    assert!(ways["serde_core"].starts_with("playhouse-core → "), "or the rule above would never fail");
}
