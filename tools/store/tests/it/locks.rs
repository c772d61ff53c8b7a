//! The lock: read by the host, edited by people, rewritten without losing what they wrote.

use std::path::Path;

use playhouse_core::tool::EffectClass;
use playhouse_tools_store::{Entry, Lock};
use proptest::{collection::btree_map, collection::btree_set, option, prelude::*};
use serde::Deserialize;

use crate::kit::{claims, set, wants};

/// What the host reads of a lock, and it passes over the rest.
#[derive(Deserialize)]
struct AsTheHostReads {
    tool: Vec<Four>,
}

#[derive(Deserialize)]
struct Four {
    name: String,
    version: String,
    sha256: String,
    describe_sha256: String,
}

#[test]
fn the_lock_of_the_shipped_tools_is_read_and_written_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../builtin/tools.lock");
    let text = std::fs::read_to_string(path).unwrap();
    let lock = Lock::parse(text.as_bytes()).unwrap();
    assert!(lock.get("calculator").is_some());
    assert_eq!(lock.to_string(), text);
}

#[test]
fn the_host_can_read_what_is_written() {
    let claims = claims("adder", "1.2.3", b"wasm");
    let mut lock = Lock::empty();
    lock.put(Entry::of(&claims, Some("oci://r.example/a/adder:1"), &set(&["ABCD"])));
    let read: AsTheHostReads = toml::from_str(&lock.to_string()).unwrap();
    let [four] = read.tool.as_slice() else { panic!("one tool") };
    assert_eq!((&four.name, &four.version), (&claims.name, &claims.version));
    assert_eq!((&four.sha256, &four.describe_sha256), (&claims.sha256, &claims.describe_sha256));
}

#[test]
fn what_people_wrote_survives_a_rewrite() {
    let digest = "a".repeat(64);
    let text = format!(
        "# Ours.\nrustc = \"1.95\"\n\n[[tool]]\n# Why we have it.\nname = \"adder\" # short\nversion = \"1.0.0\"\n\
         sha256 = \"{digest}\"\ndescribe_sha256 = \"{digest}\"\nowner = \"kim\"\n\n[[tool]]\nname = \"other\"\n\
         version = \"1\"\nsha256 = \"{digest}\"\ndescribe_sha256 = \"{digest}\"\n\n[team]\nname = \"tools\"\n"
    );
    let mut lock = Lock::parse(text.as_bytes()).unwrap();
    lock.put(Entry::of(&claims("adder", "2.0.0", b"new"), None, &set(&[])));
    lock.put(Entry::of(&claims("third", "0.1.0", b"third"), None, &set(&[])));
    lock.remove("other");
    let written = lock.to_string();
    for kept in ["# Ours.", "rustc = \"1.95\"", "# Why we have it.", "# short", "owner = \"kim\"", "[team]"] {
        assert!(written.contains(kept), "{kept} is gone from\n{written}");
    }
    let again = Lock::parse(written.as_bytes()).unwrap();
    assert_eq!(again.entries(), lock.entries());
    let names: Vec<&str> = again.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["adder", "third"]);
    assert!(again.get("adder").unwrap().wants.is_some(), "wants can be compared without the old file");
}

#[test]
fn tools_in_one_line_are_edited_too() {
    let digest = "b".repeat(64);
    let entry =
        format!("{{ name = \"a\", version = \"1\", sha256 = \"{digest}\", describe_sha256 = \"{digest}\" }}");
    let mut lock = Lock::parse(format!("tool = [{entry}]\n").as_bytes()).unwrap();
    lock.put(Entry::of(&claims("b", "1", b"b"), None, &set(&[])));
    let again = Lock::parse(lock.to_string().as_bytes()).unwrap();
    assert_eq!(again.entries(), lock.entries());
    assert_eq!(again.entries().len(), 2);
}

#[test]
fn an_entry_that_could_name_another_file_is_refused() {
    let (digest, good) = ("c".repeat(64), "a");
    let text = |name: &str, version: &str, sha256: &str| {
        format!(
            "[[tool]]\nname = {name:?}\nversion = {version:?}\nsha256 = {sha256:?}\ndescribe_sha256 = {digest:?}\n"
        )
    };
    assert!(Lock::parse(text(good, "1", &digest).as_bytes()).is_ok());
    for (name, version, sha256) in [
        ("../a", "1", digest.as_str()),
        ("A", "1", &digest),
        ("", "1", &digest),
        (good, "1/../..", &digest),
        (good, "..", &digest),
        (good, "", &digest),
        (good, "1", "c"),
        (good, "1", &"C".repeat(64)),
        (good, "1", &"../../../../".repeat(6)),
    ] {
        let refused = Lock::parse(text(name, version, sha256).as_bytes());
        assert!(refused.is_err(), "{name:?} {version:?} {sha256:?}");
    }
    let twice = text(good, "1", &digest) + &text(good, "2", &digest);
    assert!(Lock::parse(twice.as_bytes()).unwrap_err().to_string().contains("listed twice"));
}

fn word() -> impl Strategy<Value = String> {
    // Quotes, brackets, backslashes, hashes and letters beyond ASCII: what TOML has to escape.
    "[ -~äß→]{1,12}"
}

prop_compose! {
    fn entry()(
        name in "[a-z0-9_-]{1,12}",
        version in "[a-zA-Z0-9][a-zA-Z0-9.+-]{0,8}",
        sha256 in "[0-9a-f]{64}",
        describe_sha256 in "[0-9a-f]{64}",
        text_sha256 in option::of("[0-9a-f]{64}"),
        effect in option::of(prop_oneof![
            Just(EffectClass::Pure), Just(EffectClass::Idempotent), Just(EffectClass::Checkable), Just(EffectClass::Once),
        ]),
        source in option::of(word()),
        signed_by in btree_set("[0-9A-F]{16}", 0..3),
        imports in option::of(btree_set(word(), 0..4)),
        wants in option::of(btree_map(word(), btree_set(word(), 1..4), 0..4)),
    ) -> Entry {
        Entry { name, version, sha256, describe_sha256, text_sha256, effect, source, signed_by, imports, wants }
    }
}

proptest! {
    #[test]
    fn any_lock_comes_back_as_it_was_written(entries in proptest::collection::vec(entry(), 0..6), gone in 0usize..6) {
        let mut lock = Lock::empty();
        for entry in &entries {
            lock.put(entry.clone());
        }
        if let Some(entry) = entries.get(gone) {
            lock.remove(&entry.name);
            prop_assert!(lock.get(&entry.name).is_none());
        }
        let again = Lock::parse(lock.to_string().as_bytes()).unwrap();
        prop_assert_eq!(again.entries(), lock.entries());
    }
}

#[test]
fn a_permission_with_one_way_is_not_another_one() {
    let mut claims = claims("a", "1", b"a");
    claims.wants = wants(&[("http https://a.example", &["GET", "POST"]), ("kv", &["read"])]);
    let mut lock = Lock::empty();
    lock.put(Entry::of(&claims, None, &set(&[])));
    let again = Lock::parse(lock.to_string().as_bytes()).unwrap();
    assert_eq!(again.get("a").unwrap().wants.as_ref(), Some(&claims.wants));
}
