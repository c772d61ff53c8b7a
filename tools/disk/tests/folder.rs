//! Nothing leads out of a folder, nothing is half written, and quotas hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use playhouse_tools_disk::{FileError, Folder, Store, StoreError, VALUE_BYTES_MAX};
use proptest::prelude::*;
use rustix::fs::CWD;
use tempfile::TempDir;

/// `granted` with a few files, and `secret.txt` beside it.
fn house() -> (TempDir, Folder) {
    let house = TempDir::new().unwrap();
    fs::create_dir_all(house.path().join("granted/sub")).unwrap();
    fs::create_dir(house.path().join("outside")).unwrap();
    fs::write(house.path().join("secret.txt"), "SECRET").unwrap();
    fs::write(house.path().join("outside/secret.txt"), "SECRET").unwrap();
    fs::write(house.path().join("granted/a.txt"), "hello").unwrap();
    fs::write(house.path().join("granted/sub/b.txt"), "world").unwrap();
    let folder = Folder::open(&house.path().join("granted"), 1_000).unwrap();
    (house, folder)
}

fn text(folder: &Folder, path: &str) -> Result<String, FileError> {
    folder.read(path, 0, 1_000).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn files_are_read_in_pieces_listed_and_described() {
    let (_house, folder) = house();
    assert_eq!(text(&folder, "sub/b.txt").unwrap(), "world");
    assert_eq!(folder.read("a.txt", 1, 3).unwrap(), b"ell");
    assert_eq!(folder.read("a.txt", 99, 3).unwrap(), b"");
    let names = |page: Vec<playhouse_tools_disk::Info>| page.into_iter().map(|i| i.name).collect::<Vec<_>>();
    assert_eq!(names(folder.entries("", None, 10).unwrap()), ["a.txt", "sub"]);
    assert_eq!(names(folder.entries("", None, 1).unwrap()), ["a.txt"]);
    assert_eq!(names(folder.entries("", Some("a.txt"), 10).unwrap()), ["sub"]);
    let info = folder.stat("a.txt").unwrap();
    assert_eq!((info.name.as_str(), info.size, info.is_folder), ("a.txt", 5, false));
    assert!(info.modified_ms > 1_600_000_000_000 && folder.stat("").unwrap().is_folder);
    assert!(matches!(folder.stat("none"), Err(FileError::NotFound)));
    assert!(matches!(folder.read("sub", 0, 9), Err(FileError::WrongKind)));
    assert!(matches!(folder.read("", 0, 9), Err(FileError::WrongKind)));
    assert!(matches!(folder.entries("a.txt", None, 9), Err(FileError::WrongKind)));
}

#[test]
fn no_path_and_no_link_leads_out() {
    let (house, folder) = house();
    let granted = house.path().join("granted");
    symlink("../secret.txt", granted.join("up")).unwrap();
    symlink(house.path().join("secret.txt"), granted.join("absolute")).unwrap();
    symlink("/etc/passwd", granted.join("passwd")).unwrap();
    symlink("..", granted.join("parent")).unwrap();
    symlink("loop", granted.join("loop")).unwrap();
    symlink("sub/../../secret.txt", granted.join("winding")).unwrap();
    symlink("/proc/self/root", granted.join("root")).unwrap();
    let long = "a/".repeat(2_000);
    let ways = [
        "../secret.txt",
        "sub/../../secret.txt",
        "/etc/passwd",
        "up",
        "absolute",
        "passwd",
        "parent/secret.txt",
        "loop",
        "winding",
        "root/etc/passwd",
        "./../secret.txt",
        "a.txt\0../secret.txt",
        "..",
        "sub/..",
        "//etc/passwd",
        &long,
    ];
    for way in ways {
        for outcome in [
            folder.read(way, 0, 100).map(drop),
            folder.stat(way).map(drop),
            folder.entries(way, None, 10).map(drop),
            folder.write(&format!("{way}/x"), b"x", None).map(drop),
            folder.remove(&format!("{way}/secret.txt")),
        ] {
            assert!(outcome.is_err(), "{way:?}");
        }
    }
    assert_eq!(fs::read_to_string(house.path().join("secret.txt")).unwrap(), "SECRET");
    assert!(!house.path().join("x").exists());
    // A link inside is a name like another.
    symlink("a.txt", granted.join("inside")).unwrap();
    assert_eq!(text(&folder, "inside").unwrap(), "hello");
    let shown: Vec<_> = folder.entries("", None, 99).unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(shown, ["a.txt", "inside", "sub"], "what leads out is not even listed");
}

#[test]
fn writing_to_a_link_replaces_the_link_and_removing_it_removes_the_link() {
    let (house, folder) = house();
    let granted = house.path().join("granted");
    symlink("a.txt", granted.join("link")).unwrap();
    folder.write("link", b"new", None).unwrap();
    assert_eq!(
        (text(&folder, "link").unwrap(), text(&folder, "a.txt").unwrap()),
        ("new".into(), "hello".into())
    );
    symlink("../secret.txt", granted.join("out")).unwrap();
    folder.remove("out").unwrap();
    assert_eq!(fs::read_to_string(house.path().join("secret.txt")).unwrap(), "SECRET");
}

#[test]
fn a_folder_that_is_swapped_for_a_link_all_the_time_never_leads_out() {
    let (house, folder) = house();
    let granted = house.path().join("granted");
    let (real, door) = (granted.join("real"), granted.join("door"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("secret.txt"), "harmless").unwrap();
    symlink("../outside", &door).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, &real, CWD, &door, flags).unwrap();
            }
        });
        let mut read = 0;
        for _ in 0..10_000 {
            if let Ok(text) = text(&folder, "door/secret.txt") {
                assert_eq!(text, "harmless");
                read += 1;
            }
        }
        for _ in 0..200 {
            // What lands outside would be found below.
            let _ = folder.write("door/planted.txt", b"x", None);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(read > 0, "the race never let the real folder be seen");
    });
    assert!(!house.path().join("outside/planted.txt").exists());
}

#[test]
fn pipes_devices_and_sockets_are_no_files_and_nobody_waits_for_them() {
    let (house, folder) = house();
    let granted = house.path().join("granted");
    let _socket = UnixListener::bind(granted.join("socket")).unwrap();
    mkfifo(&granted.join("pipe"));
    for name in ["pipe", "socket"] {
        assert!(folder.read(name, 0, 1).is_err() && folder.stat(name).is_err(), "{name}");
        assert!(matches!(folder.write(name, b"x", None), Err(FileError::WrongKind)), "{name}");
    }
}

fn mkfifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_file_is_only_changed_if_it_is_the_version_that_was_read() {
    let (_house, folder) = house();
    let version = folder.stat("a.txt").unwrap().version;
    assert!(
        matches!(folder.write("a.txt", b"no", Some("")), Err(FileError::Conflict)),
        "it is there already"
    );
    let second = folder.write("a.txt", b"two", Some(&version)).unwrap();
    assert_ne!(version, second);
    assert_eq!(folder.stat("a.txt").unwrap().version, second);
    assert!(matches!(folder.write("a.txt", b"no", Some(&version)), Err(FileError::Conflict)));
    assert!(
        matches!(folder.write("new", b"no", Some(&version)), Err(FileError::Conflict)),
        "it is not there"
    );
    folder.write("deep/er/new", b"yes", Some("")).unwrap();
    assert_eq!(
        (text(&folder, "a.txt").unwrap(), text(&folder, "deep/er/new").unwrap()),
        ("two".into(), "yes".into())
    );
    assert!(matches!(folder.remove("deep"), Err(FileError::Conflict)), "it is not empty");
    folder.remove("deep/er/new").unwrap();
    folder.remove("deep/er").unwrap();
    assert!(matches!(folder.write("sub", b"x", None), Err(FileError::WrongKind)));
    assert!(matches!(folder.remove(""), Err(FileError::Denied)));
}

#[test]
fn removing_makes_no_folder_even_while_one_is_renamed_all_the_time() {
    let (house, folder) = house();
    let granted = house.path().join("granted");
    let (real, gone) = (granted.join("real"), granted.join("gone"));
    fs::create_dir(&real).unwrap();
    let (stop, made) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::write(real.join("file"), "").unwrap();
                fs::rename(&real, &gone).unwrap();
                made.fetch_or((0..10).any(|_| real.exists()), Ordering::Relaxed);
                fs::rename(&gone, &real).unwrap();
            }
        });
        let removed = (0..10_000).filter(|_| folder.remove("real/file").is_ok()).count();
        stop.store(true, Ordering::Relaxed);
        assert!(removed > 0, "the file was there now and then");
    });
    assert!(!made.into_inner(), "the folder was there again while it was away");
}

#[test]
fn the_quota_holds_and_what_is_removed_by_others_counts_too() {
    let (house, folder) = house();
    folder.write("big", &[0; 900], None).unwrap();
    assert!(matches!(folder.write("more", &[0; 200], None), Err(FileError::Limit)));
    assert!(matches!(folder.write("big", &[0; 1_000], None), Err(FileError::Limit)));
    assert_eq!(folder.stat("big").unwrap().size, 900, "what is refused changes nothing");
    folder.write("big", &[0; 100], None).unwrap();
    folder.write("more", &[0; 200], None).unwrap();
    folder.write("rest", &[0; 690], None).unwrap();
    fs::remove_file(house.path().join("granted/rest")).unwrap();
    folder.write("again", &[0; 690], None).unwrap();
    let left: Vec<_> = fs::read_dir(house.path().join("granted")).unwrap().collect();
    assert_eq!(left.len(), 5, "nothing half written is left: {left:?}");
}

#[test]
fn what_is_being_written_has_a_name_that_no_tool_can_use() {
    let (house, folder) = house();
    fs::write(house.path().join("granted/.playhouse-1-1"), "half").unwrap();
    assert!(folder.read(".playhouse-1-1", 0, 9).is_err() && folder.write(".playhouse-x", b"", None).is_err());
    assert!(folder.entries("", None, 99).unwrap().iter().all(|info| !info.name.starts_with('.')));
}

#[test]
fn a_table_keeps_what_is_put_and_refuses_what_is_too_much() {
    let home = TempDir::new().unwrap();
    let store = Store::open(&home.path().join("deep/notes"), 1 << 20).unwrap();
    assert_eq!(store.get("a").unwrap(), None);
    store.put("a", "1").unwrap();
    store.put("a", "2").unwrap();
    store.put("ünï/../code", "3").unwrap();
    let again = Store::open(&home.path().join("deep/notes"), 1 << 20).unwrap();
    assert_eq!(again.get("a").unwrap().as_deref(), Some("2"));
    assert_eq!(again.keys("", None, 10).unwrap(), ["a", "ünï/../code"]);
    assert!(again.delete("a").unwrap() && !again.delete("a").unwrap());
    assert_eq!(again.keys("", None, 10).unwrap(), ["ünï/../code"]);
    assert!(matches!(again.put("", "x"), Err(StoreError::Key)));
    assert!(matches!(again.put(&"k".repeat(121), "x"), Err(StoreError::Key)));
    assert!(matches!(again.put("k", &"x".repeat(VALUE_BYTES_MAX + 1)), Err(StoreError::Value)));
    let small = Store::open(&home.path().join("small"), 10).unwrap();
    small.put("k", "0123456789").unwrap();
    assert!(matches!(small.put("l", "x"), Err(StoreError::Quota)));
    small.put("k", "short").unwrap();
    small.put("l", "x").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_a_map(changes in prop::collection::vec(("[a-c/é]{1,3}", prop::option::of("[a-z]{0,9}")), 1..30)) {
        let home = TempDir::new().unwrap();
        let mut model = std::collections::BTreeMap::new();
        let mut store = Store::open(home.path(), 1 << 20).unwrap();
        for (at, (key, value)) in changes.into_iter().enumerate() {
            if at % 7 == 6 {
                store = Store::open(home.path(), 1 << 20).unwrap();
            }
            match value {
                Some(value) => {
                    store.put(&key, &value).unwrap();
                    model.insert(key, value);
                }
                None => prop_assert_eq!(store.delete(&key).unwrap(), model.remove(&key).is_some()),
            }
            prop_assert_eq!(store.keys("", None, 99).unwrap(), model.keys().cloned().collect::<Vec<_>>());
        }
        for (key, value) in &model {
            let found = store.get(key).unwrap();
            prop_assert_eq!(found.as_ref(), Some(value));
        }
        let some = store.keys("a", Some("a"), 2).unwrap();
        let expected: Vec<_> = model.keys().filter(|key| key.starts_with('a') && key.as_str() > "a").take(2).cloned().collect();
        prop_assert_eq!(some, expected);
    }
}
