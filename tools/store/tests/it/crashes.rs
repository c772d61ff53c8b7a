//! A process that dies between any two steps leaves a store in which every tool of the lock is whole, and whoever
//! comes next finishes or begins again.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use playhouse_tools_store::{Consent, Package, State, Store, decide};
use tempfile::tempdir;

use crate::kit::{NOW, claims, install, key, signed, trusting};

/// What the process that dies is to do, and after how many points it dies: `<what> <points> <folder>`.
const ORDER: &str = "PLAYHOUSE_STORE_TEST_ORDER";
/// More points than any change has.
const POINTS_MAX: usize = 40;

/// Does `what` in `folder`, by a store that may die.
fn change(what: &str, store: &Store) {
    match what {
        "install" | "update" => {
            let keys = tempdir().unwrap();
            let key = key(keys.path(), "acme");
            let two = claims("adder", "2.0.0", b"two");
            let signatures = [signed(&key, b"two", &two)];
            let verdict = decide(&two, b"two", &signatures, &trusting(&key, true), NOW);
            let package = Package { bytes: b"two", verdict: &verdict, signatures: &signatures, source: None };
            // One that was begun before had another key.
            store.install(package, Consent::Given).unwrap();
        }
        "remove" => drop(store.remove("adder").unwrap()),
        other => panic!("{other}"),
    }
}

#[test]
#[ignore = "the other tests of this file start it as a process of its own"]
fn the_one_that_dies() {
    // Run by hand, it has nothing to do.
    let Ok(order) = std::env::var(ORDER) else { return };
    let [what, points, folder] = order.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{order}") };
    let (points, passed): (usize, _) = (points.parse().unwrap(), AtomicUsize::new(0));
    let store = Store::open(folder).unwrap().with_hook(move |_| {
        if passed.fetch_add(1, Ordering::SeqCst) == points {
            // Without unwinding, so without any tidying up.
            std::process::abort();
        }
    });
    change(what, &store);
}

/// Whether a process that does `what` dies at this point; `false`: it came to its end before.
fn dies(what: &str, points: usize, folder: &Path) -> bool {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "crashes::the_one_that_dies", "--ignored", "--test-threads=1"]);
    let output = process.env(ORDER, format!("{what} {points} {}", folder.display())).output().unwrap();
    let died = output.status.code().is_none();
    assert!(died || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    died
}

/// Kills `what` at every point, one after the other, in stores that begin with the versions `before`; `check` sees what
/// the dead one left, by the versions that the lock names.
fn at_every_point(what: &str, before: &[&str], allowed: &[&str], after: &[&str]) {
    for points in 0.. {
        assert!(points < POINTS_MAX, "it would never end");
        let folder = tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for version in before {
            install(
                &store,
                &claims("adder", version, version.as_bytes()),
                version.as_bytes(),
                Consent::Given,
            )
            .unwrap();
        }
        install(&store, &claims("other", "1.0.0", b"other"), b"other", Consent::Given).unwrap();
        let died = dies(what, points, folder.path());
        let listing = store.list().unwrap();
        assert!(listing.tools.iter().all(|tool| tool.state == State::Whole), "{what} {points}: {listing:?}");
        let versions = versions(&store);
        let left = versions.first().map_or("", String::as_str);
        assert!(allowed.contains(&left), "{what} {points}: {versions:?}");
        if !died {
            assert_eq!(versions, after, "{what} came to its end");
            assert!(listing.strays.is_empty(), "{listing:?}");
            assert!(3 < points, "it has more points than {points}");
            return;
        }
        // The next one does the same and finds nothing in its way.
        if what == "remove" && versions.is_empty() {
            store.sweep().unwrap();
        } else {
            change(what, &store);
        }
        let listing = store.list().unwrap();
        assert!(listing.strays.is_empty(), "{what} {points}: {listing:?}");
        assert!(listing.tools.iter().all(|tool| tool.state == State::Whole), "{what} {points}: {listing:?}");
        assert_eq!(self::versions(&store), after, "{what} {points}");
        assert!(store.lock().unwrap().get("other").is_some(), "{what} {points}");
    }
}

/// Of `adder`.
fn versions(store: &Store) -> Vec<String> {
    let lock = store.lock().unwrap();
    lock.entries().iter().filter(|entry| entry.name == "adder").map(|entry| entry.version.clone()).collect()
}

#[test]
fn an_installation_that_dies_at_any_point_is_done_again() {
    at_every_point("install", &[], &["", "2.0.0"], &["2.0.0"]);
}

#[test]
fn an_update_that_dies_at_any_point_leaves_the_old_or_the_new_tool() {
    at_every_point("update", &["1.0.0"], &["1.0.0", "2.0.0"], &["2.0.0"]);
}

#[test]
fn a_removal_that_dies_at_any_point_leaves_the_tool_or_none() {
    at_every_point("remove", &["1.0.0"], &["1.0.0", ""], &[]);
}
