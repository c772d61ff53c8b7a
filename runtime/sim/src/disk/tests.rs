//! What the disk keeps and what it loses, over many seeds.

use std::path::Path;

use super::{Node, SimDisk, State};

fn disks() -> impl Iterator<Item = SimDisk> {
    (0..200).map(|seed| SimDisk::new(seed, None))
}

fn put(state: &mut State, path: &str, bytes: &[u8]) -> usize {
    let file = state.file_or_new(Path::new(path)).expect("its directory exists");
    state.files[file].append(bytes);
    file
}

fn read(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    disk.lock().file(Path::new(path)).ok().map(|file| file.bytes.clone())
}

#[test]
fn what_was_synced_with_its_name_survives_every_power_cut() {
    for disk in disks() {
        let file = put(&mut disk.lock(), "a", b"safe");
        disk.lock().files[file].sync();
        disk.lock().sync_dir(Path::new(""));
        put(&mut disk.lock(), "a", b" and more");
        disk.lose_power();
        assert!(read(&disk, "a").expect("its name is durable").starts_with(b"safe"));
    }
}

#[test]
fn what_was_not_synced_is_kept_lost_and_torn_in_turn() {
    let mut left = std::collections::BTreeSet::new();
    for disk in disks() {
        put(&mut disk.lock(), "a", b"");
        disk.lock().sync_dir(Path::new(""));
        put(&mut disk.lock(), "a", b"0123456789");
        put(&mut disk.lock(), "a", b"abcdefghij");
        disk.lose_power();
        let bytes = read(&disk, "a").expect("its name is durable");
        left.insert(match bytes.len() {
            0 => "nothing",
            1..10 => "a part of the first",
            10 => "the first",
            11..20 => "a part of the second",
            _ if bytes[0] == 0 => "the second alone",
            _ => "everything",
        });
    }
    assert_eq!(left.len(), 6, "{left:?}");
}

#[test]
fn a_name_that_was_not_synced_may_vanish_with_its_synced_content() {
    let lost = disks().filter(|disk| {
        let file = put(&mut disk.lock(), "a", b"safe");
        disk.lock().files[file].sync();
        disk.lose_power();
        read(disk, "a").is_none()
    });
    assert!((50..150).contains(&lost.count()), "about every second name is lost");
}

#[test]
fn a_renamed_file_has_one_of_its_two_names() {
    for disk in disks() {
        let file = put(&mut disk.lock(), "new", b"2");
        disk.lock().files[file].sync();
        disk.lock().sync_dir(Path::new(""));
        disk.lock().rename(Path::new("new"), Path::new("old")).expect("it exists");
        disk.lose_power();
        let names = ["new", "old"].map(|name| disk.lock().names.contains_key(Path::new(name)));
        assert_ne!(names[0], names[1], "{names:?}");
    }
}

#[test]
fn a_sync_after_a_failed_one_saves_nothing() {
    let kept = disks().filter(|disk| {
        let file = put(&mut disk.lock(), "a", b"");
        disk.lock().sync_dir(Path::new(""));
        disk.lock().files[file].append(b"x");
        disk.lock().files[file].give_up();
        disk.lock().files[file].sync();
        disk.lose_power();
        read(disk, "a").is_some_and(|bytes| bytes == b"x")
    });
    assert!((50..180).contains(&kept.count()), "it is kept by luck only");
}

#[test]
fn what_lies_below_a_lost_directory_is_lost() {
    for disk in disks() {
        disk.lock().create_dir_all(Path::new("a/b"));
        put(&mut disk.lock(), "a/b/c", b"x");
        disk.lock().sync_dir(Path::new("a/b"));
        disk.lose_power();
        let state = disk.lock();
        let has = |name: &str| state.names.contains_key(Path::new(name));
        assert!(!has("a/b/c") || has("a/b") && state.names[Path::new("a")] == Node::Dir);
    }
}
