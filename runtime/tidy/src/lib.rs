//! Tests of the code itself: what a reviewer would otherwise have to say again and again.
//!
//! - `arrows`: which crate may use which, and what it must never reach.
//! - `crash`: every call that a crash could tear stands at a crash point.
//! - `manifests`: what every `Cargo.toml` says.
//! - `sources`: headers, lengths and habits of the Rust files.
//! - `documents`: the papers that belong to a release.
//!
//! A rule is a test whose name is a sentence. When it fails it lists `file:line` and says what to do instead.
//! `tree` reads the files; `metadata` asks cargo. Nothing here reaches the network or needs git.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tree;

/// Fails with every offender on a line of its own, and the remedy.
#[cfg(test)]
#[track_caller]
fn expect_none(offenders: Vec<String>, remedy: &str) {
    let list = offenders.join("\n  ");
    assert!(offenders.is_empty(), "{} offend:\n  {list}\n→ {remedy}", offenders.len());
}
