//! The folder: what is installed is what was decided about, and nothing widens unseen.

use std::{
    os::unix::fs::PermissionsExt,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use playhouse_core::digest;
use playhouse_tools_store::{
    Consent, LOCK_NAME, Package, Point, State, Step, Store, StoreError, Trust, decide, signatures_of,
};
use tempfile::tempdir;

use crate::kit::{NOW, claims, install, key, set, signed, trusting, unsigned, wants};

const NOT_ASKED: Consent<'_> = Consent::NotAsked;

#[test]
fn a_tool_is_a_file_named_after_its_digest_with_its_signatures_beside_it() {
    let (folder, keys) = (tempdir().unwrap(), tempdir().unwrap());
    let store = Store::open(folder.path().join("tools")).unwrap();
    let (bytes, claims) = (b"wasm".as_slice(), claims("adder", "1.0.0", b"wasm"));
    let key = key(keys.path(), "acme");
    let signatures = [signed(&key, bytes, &claims)];
    let verdict = decide(&claims, bytes, &signatures, &trusting(&key, true), NOW);
    let source = Some("https://a.example/adder.wasm");
    let package = Package { bytes, verdict: &verdict, signatures: &signatures, source };
    let installed = store.install(package, NOT_ASKED).unwrap();
    let name = format!("adder-1.0.0-{}.wasm", &digest::of_bytes(bytes)[..12]);
    assert_eq!(installed.file, store.folder().join(&name));
    assert_eq!(std::fs::read(&installed.file).unwrap(), bytes);
    let mode = std::fs::metadata(&installed.file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644);
    assert_eq!(signatures_of(&installed.file).unwrap(), signatures);
    assert_eq!(store.component("adder").unwrap(), installed.file);
    let missing = store.component("subtractor").unwrap_err();
    assert!(matches!(missing, StoreError::NotInstalled { .. }), "{missing}");
    std::fs::write(&installed.file, b"masw").unwrap();
    let spoiled = store.component("adder").unwrap_err().to_string();
    assert!(spoiled.contains("has other bytes") && spoiled.contains("install it again"), "{spoiled}");
    std::fs::write(&installed.file, bytes).unwrap();
    let lock = store.lock().unwrap();
    let entry = lock.get("adder").unwrap();
    assert_eq!((entry.source.as_deref(), &entry.signed_by), (source, &set(&[&key.id()])));
    let listing = store.list().unwrap();
    assert_eq!((listing.tools[0].state.clone(), listing.strays.len()), (State::Whole, 0));
    assert_eq!(installed.explain(), "installed `adder` 1.0.0");
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (bytes, claims) = (b"wasm".as_slice(), claims("adder", "1.0.0", b"wasm"));
    let verdict = decide(&claims, bytes, &[], &Trust::nobody(true), NOW);
    let package = Package { bytes, verdict: &verdict, signatures: &[], source: None };
    let refused = store.install(package, Consent::Given).unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(_)), "{refused}");
    let good = unsigned(&claims, bytes);
    let swapped = Package { bytes: b"evil", verdict: &good, signatures: &[], source: None };
    assert!(matches!(store.install(swapped, Consent::Given), Err(StoreError::OtherBytes { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_update_that_widens_is_refused_with_the_difference_until_somebody_agrees() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    install(&store, &claims("adder", "1.0.0", b"one"), b"one", NOT_ASKED).unwrap();
    let mut wider = claims("adder", "1.1.0", b"two");
    wider.wants = wants(&[("kv", &["read", "write"])]);
    let refused = install(&store, &wider, b"two", NOT_ASKED).unwrap_err();
    let StoreError::NeedsConsent(difference) = &refused else { panic!("{refused}") };
    assert_eq!(difference.changed[0].more, set(&["write"]));
    assert!(refused.to_string().contains("wants `kv` also for: write"), "{refused}");
    assert_eq!(store.compare(&unsigned(&wider, b"two")).unwrap().as_ref(), Some(&**difference));
    assert_eq!(store.lock().unwrap().get("adder").unwrap().version, "1.0.0");
    assert_eq!(store.list().unwrap().strays.len(), 0, "nothing was written");
    let mut other = (**difference).clone();
    other.changed[0].more.clear();
    let refused_too = install(&store, &wider, b"two", Consent::To(&other));
    assert!(matches!(refused_too, Err(StoreError::NeedsConsent(_))), "they agreed to something else");
    let installed = install(&store, &wider, b"two", Consent::To(difference)).unwrap();
    assert_eq!(installed.difference.unwrap(), **difference);
    let listing = store.list().unwrap();
    assert_eq!((listing.tools.len(), listing.strays.len()), (1, 0), "the old file is gone");
    // Narrower again: nobody is asked.
    install(&store, &claims("adder", "1.2.0", b"three"), b"three", NOT_ASKED).unwrap();
}

#[test]
fn a_downgrade_and_a_lost_signature_ask() {
    let (folder, keys) = (tempdir().unwrap(), tempdir().unwrap());
    let store = Store::open(folder.path()).unwrap();
    let key = key(keys.path(), "acme");
    let two = claims("adder", "2.0.0", b"two");
    let signatures = [signed(&key, b"two", &two)];
    let verdict = decide(&two, b"two", &signatures, &trusting(&key, false), NOW);
    let package = Package { bytes: b"two", verdict: &verdict, signatures: &signatures, source: None };
    store.install(package, NOT_ASKED).unwrap();
    let asked = |version: &str, bytes: &[u8]| match install(
        &store,
        &claims("adder", version, bytes),
        bytes,
        NOT_ASKED,
    ) {
        Err(StoreError::NeedsConsent(difference)) => *difference,
        other => panic!("{other:?}"),
    };
    let unsigned = asked("2.1.0", b"next");
    assert_eq!((unsigned.step, unsigned.loses_signer()), (Step::Up, true));
    assert_eq!(asked("1.0.0", b"old").step, Step::Down);
}

#[test]
fn the_same_again_changes_nothing_and_mends_a_file_that_was_changed() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let claims = claims("adder", "1.0.0", b"wasm");
    let file = install(&store, &claims, b"wasm", NOT_ASKED).unwrap().file;
    let lock = std::fs::read(folder.path().join(LOCK_NAME)).unwrap();
    let again = install(&store, &claims, b"wasm", NOT_ASKED).unwrap();
    assert_eq!(again.explain(), "`adder` 1.0.0 was installed already");
    assert_eq!(std::fs::read(folder.path().join(LOCK_NAME)).unwrap(), lock);
    std::fs::write(&file, b"evil").unwrap();
    assert_eq!(store.list().unwrap().tools[0].state, State::Differs(digest::of_bytes(b"evil")));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(store.list().unwrap().tools[0].state, State::Missing);
    std::fs::write(&file, b"evil").unwrap();
    install(&store, &claims, b"wasm", NOT_ASKED).unwrap();
    assert_eq!(store.list().unwrap().tools[0].state, State::Whole);
}

#[test]
fn a_link_in_place_of_a_file_leads_nowhere() {
    let (folder, outside) = (tempdir().unwrap(), tempdir().unwrap());
    let store = Store::open(folder.path()).unwrap();
    let target = outside.path().join("precious");
    std::fs::write(&target, b"mine").unwrap();
    let claims = claims("adder", "1.0.0", b"wasm");
    let name = format!("adder-1.0.0-{}.wasm", &claims.sha256[..12]);
    for link in [name.clone(), format!(".new-{name}"), format!(".new-{LOCK_NAME}"), LOCK_NAME.to_owned()] {
        // A lock that is a link is read through it, so this one has to be one.
        std::fs::write(&target, b"").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join(&link)).unwrap();
        install(&store, &claims, b"wasm", Consent::Given).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"", "{link}");
        assert_eq!(store.list().unwrap().tools[0].state, State::Whole);
        store.remove("adder").unwrap();
        std::fs::remove_file(folder.path().join(LOCK_NAME)).unwrap();
    }
}

#[test]
fn removing_takes_the_entry_and_the_files_and_nothing_else() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    install(&store, &claims("adder", "1.0.0", b"a"), b"a", NOT_ASKED).unwrap();
    install(&store, &claims("mailer", "1.0.0", b"m"), b"m", NOT_ASKED).unwrap();
    let theirs = ["notes.txt", "my-tool-0123456789ab.wasm", "adder.wasm", ".new-thing", "x-1-00.wasm"];
    theirs.iter().for_each(|name| std::fs::write(folder.path().join(name), b"mine").unwrap());
    let removed = store.remove("adder").unwrap();
    assert_eq!(removed.version, "1.0.0");
    assert!(!folder.path().join(removed.file()).exists());
    theirs.iter().for_each(|name| assert!(folder.path().join(name).exists(), "{name}"));
    assert_eq!(store.list().unwrap().tools.len(), 1);
    let refused = store.remove("adder").unwrap_err();
    assert_eq!(refused.to_string(), "`adder` is not installed; installed are: mailer");
}

#[test]
fn a_lock_that_cannot_be_read_stops_every_change() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    std::fs::write(folder.path().join(LOCK_NAME), "[[tool]]\nname = 1\n").unwrap();
    let claims = claims("adder", "1.0.0", b"a");
    assert!(matches!(install(&store, &claims, b"a", NOT_ASKED), Err(StoreError::Lock { .. })));
    assert!(matches!(store.sweep(), Err(StoreError::Lock { .. })), "it would sweep everything");
    assert_eq!(std::fs::read(folder.path().join(LOCK_NAME)).unwrap(), b"[[tool]]\nname = 1\n");
}

#[test]
fn of_two_changes_at_once_one_waits_and_then_says_for_whom() {
    let folder = tempdir().unwrap();
    let (held, is_held) = mpsc::channel();
    let (let_go, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let slow = Store::open(folder.path()).unwrap().with_hook(move |point| {
        if point == Point::Held {
            held.send(()).unwrap();
            may_go.lock().unwrap().recv().unwrap();
        }
    });
    let one = thread::spawn(move || install(&slow, &claims("one", "1.0.0", b"1"), b"1", NOT_ASKED).map(drop));
    is_held.recv().unwrap();
    let two = claims("two", "1.0.0", b"2");
    let wait = Duration::from_millis(100);
    let impatient = Store::open(folder.path()).unwrap().waiting(wait);
    let begun = Instant::now();
    let said = install(&impatient, &two, b"2", NOT_ASKED).unwrap_err().to_string();
    assert!(wait <= begun.elapsed());
    assert!(
        said.contains(&format!("process {}, which wants to install `one`", std::process::id())),
        "{said}"
    );
    let folder_of_two = folder.path().to_owned();
    let patient =
        thread::spawn(move || install(&Store::open(folder_of_two).unwrap(), &two, b"2", NOT_ASKED).map(drop));
    let_go.send(()).unwrap();
    one.join().unwrap().unwrap();
    patient.join().unwrap().unwrap();
    assert_eq!(Store::open(folder.path()).unwrap().list().unwrap().tools.len(), 2);
}

#[test]
fn many_at_once_all_arrive() {
    let folder = tempdir().unwrap();
    thread::scope(|scope| {
        for at in 0..16 {
            // A slow disk is no failure here.
            let store = Store::open(folder.path()).unwrap().waiting(Duration::from_secs(120));
            scope.spawn(move || {
                let (name, bytes) = (format!("tool-{at}"), vec![at; 100]);
                install(&store, &claims(&name, "1.0.0", &bytes), &bytes, NOT_ASKED).unwrap();
            });
        }
    });
    let listing = Store::open(folder.path()).unwrap().list().unwrap();
    assert_eq!((listing.tools.len(), listing.strays.len()), (16, 0));
    assert!(listing.tools.iter().all(|tool| tool.state == State::Whole));
}
