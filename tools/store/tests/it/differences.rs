//! What an update changes: narrowing never asks, widening always does.

use playhouse_core::tool::EffectClass;
use playhouse_tools_store::{Claims, Difference, Entry, Step, Wants};
use proptest::{collection::btree_map, collection::btree_set, prelude::*, sample::subsequence};

use crate::kit::{claims, set, wants};

fn between(old: &Claims, new: &Claims) -> Difference {
    Difference::between(&Entry::of(old, None, &set(&["A"])), new, &set(&["A"]))
}

#[test]
fn an_update_is_explained_in_plain_words() {
    let old = claims("mailer", "1.0.0", b"old");
    let mut new = claims("mailer", "1.1.0", b"new");
    new.imports.insert("playhouse:tool/http@1.0.0".into());
    new.wants = wants(&[("kv", &["write"]), ("http https://api.example", &["GET"])]);
    new.effect = EffectClass::Once;
    new.text_sha256 = Some("0".repeat(64));
    let difference = Difference::between(&Entry::of(&old, None, &set(&["A"])), &new, &set(&[]));
    assert!(difference.needs_consent() && difference.widens() && difference.loses_signer());
    assert_eq!(
        difference.explain(),
        "`mailer`: update from 1.0.0 to 1.1.0\n\
         + imports `playhouse:tool/http@1.0.0`\n\
         + wants `http https://api.example` for: GET\n\
         + wants `kv` also for: write\n\
         + its effects were `idempotent` (safe to repeat), and are now `once` (not safe to repeat)\n\
         ! was signed by A, and is now signed by nobody\n\
         ! what it tells models about itself is different\n\
         - no longer wants `kv` for: read"
    );
}

#[test]
fn a_new_version_that_says_and_wants_the_same_asks_nobody() {
    let old = claims("a", "1.9.0", b"old");
    let mut new = claims("a", "1.10.0", b"new");
    // The version is part of what a tool says, so this digest changes with each one.
    new.describe_sha256 = "1".repeat(64);
    let difference = between(&old, &new);
    assert_eq!(difference.step, Step::Up, "10 comes after 9");
    assert!(!difference.needs_consent() && !difference.is_nothing(), "{}", difference.explain());
    // Without the digest of the text alone, nobody can tell.
    new.text_sha256 = None;
    assert!(between(&old, &new).needs_consent());
}

#[test]
fn going_back_is_named_and_asks() {
    let back = between(&claims("a", "2.0.0", b"new"), &claims("a", "1.9.9", b"old"));
    assert_eq!(back.step, Step::Down);
    assert!(back.needs_consent() && !back.widens());
    assert!(back.explain().contains("DOWNGRADE from 2.0.0 to 1.9.9"), "{}", back.explain());
    let steps = [
        ("1.0.0", "1.0.0", Step::Rebuilt),
        ("1.0.0-beta", "1.0.0", Step::Up),
        ("1.0.0", "1.0.0-beta", Step::Down),
        ("1.0.0+x", "1.0.0+y", Step::Up),
        ("2026-01", "2026-02", Step::Unordered),
    ];
    for (was, is, step) in steps {
        assert_eq!(between(&claims("a", was, b"old"), &claims("a", is, b"new")).step, step, "{was} {is}");
    }
}

#[test]
fn the_same_again_is_nothing() {
    let same = claims("a", "1.0.0", b"same");
    let difference = between(&same, &same);
    assert!(difference.is_nothing() && !difference.needs_consent());
}

#[test]
fn an_entry_that_does_not_say_what_was_wanted_counts_as_nothing_wanted() {
    let new = claims("a", "1.1.0", b"new");
    let mut old = Entry::of(&claims("a", "1.0.0", b"old"), None, &set(&["A"]));
    (old.imports, old.wants) = (None, None);
    let difference = Difference::between(&old, &new, &set(&["A"]));
    assert!(difference.was_unknown && difference.needs_consent());
    assert_eq!(difference.added.len(), 2);
}

#[test]
fn a_signer_more_takes_nothing_away_and_one_less_does() {
    let claims = claims("a", "1.0.0", b"a");
    for (was, is, loses) in [
        (&[][..], &["A"][..], false),
        (&["A"], &["A", "B"], false),
        (&["A"], &["B"], true),
        (&["A", "B"], &["A"], true),
        (&["A"], &[], true),
    ] {
        let difference = Difference::between(&Entry::of(&claims, None, &set(was)), &claims, &set(is));
        assert!(difference.signer_changed.is_some(), "it is shown");
        assert_eq!((difference.loses_signer(), difference.needs_consent()), (loses, loses), "{was:?} {is:?}");
    }
}

fn word() -> impl Strategy<Value = String> {
    "[a-f]{1,2}"
}

fn effect() -> impl Strategy<Value = EffectClass> {
    let all = [EffectClass::Pure, EffectClass::Idempotent, EffectClass::Checkable, EffectClass::Once];
    proptest::sample::select(all.to_vec())
}

prop_compose! {
    fn some_claims()(
        imports in btree_set(word(), 0..5),
        wants in btree_map(word(), btree_set(word(), 1..5), 0..5),
        effect in effect(),
    ) -> Claims {
        Claims { imports, wants, effect, ..claims("a", "1.0.0", b"a") }
    }
}

/// Claims, and some that want no more than they do.
fn narrowed() -> impl Strategy<Value = (Claims, Claims)> {
    (some_claims(), effect(), any::<u64>()).prop_flat_map(|(wide, effect, seed)| {
        let imports: Vec<String> = wide.imports.iter().cloned().collect();
        let most = imports.len();
        let permissions: Vec<_> = wide.wants.clone().into_iter().collect();
        let count = permissions.len();
        (Just(wide), subsequence(imports, 0..=most), subsequence(permissions, 0..=count)).prop_map(
            move |(wide, imports, kept)| {
                // Of each permission that is kept, at least its first way.
                let wants: Wants = kept
                    .into_iter()
                    .enumerate()
                    .map(|(at, (permission, ways))| {
                        let ways = ways.into_iter().enumerate();
                        let kept =
                            ways.filter(|(way, _)| *way == 0 || seed >> ((at * 5 + way) % 64) & 1 == 1);
                        (permission, kept.map(|(_, way)| way).collect())
                    })
                    .collect();
                let effect = effect.min(wide.effect);
                let narrow = Claims { imports: imports.into_iter().collect(), wants, effect, ..wide.clone() };
                (wide, narrow)
            },
        )
    })
}

proptest! {
    #[test]
    fn narrowing_never_needs_consent((wide, narrow) in narrowed()) {
        let difference = between(&wide, &narrow);
        prop_assert!(!difference.needs_consent(), "{}", difference.explain());
        prop_assert!(difference.added.is_empty());
    }

    #[test]
    fn widening_always_needs_consent((wide, narrow) in narrowed()) {
        let wider = wide.imports != narrow.imports || wide.wants != narrow.wants || wide.effect != narrow.effect;
        let difference = between(&narrow, &wide);
        prop_assert_eq!(difference.needs_consent(), wider, "{}", difference.explain());
        prop_assert_eq!(difference.widens(), wider);
    }

    #[test]
    fn what_is_added_one_way_is_removed_the_other(one in some_claims(), other in some_claims()) {
        let (there, back) = (between(&one, &other), between(&other, &one));
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        for (there, back) in there.changed.iter().zip(&back.changed) {
            prop_assert_eq!((&there.more, &there.less), (&back.less, &back.more));
        }
        // Each line of the explanation but the first is one change.
        let lines = there.explain().lines().count() - 1;
        let ways: usize = there.changed.iter().map(|change| change.more.len() + change.less.len()).sum();
        let changes = there.added.len() + there.removed.len() + ways + usize::from(there.effect.is_some());
        prop_assert_eq!(lines, changes);
    }
}
