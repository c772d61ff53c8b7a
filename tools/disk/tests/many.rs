//! A folder that somebody filled with folders: counting it must not use up what this process has.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::fs;
use std::process::Command;

use playhouse_tools_disk::Folder;

/// Set where the test runs with few descriptors.
const INSIDE: &str = "PLAYHOUSE_TEST_FEW_DESCRIPTORS";

#[test]
fn a_folder_of_many_folders_is_counted_with_few_descriptors() {
    if std::env::var_os(INSIDE).is_some() {
        return count();
    }
    let me = std::env::current_exe().unwrap();
    let name = "a_folder_of_many_folders_is_counted_with_few_descriptors";
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\""]).arg(me).arg(name).env(INSIDE, "1");
    let ended = shell.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

fn count() {
    let home = tempfile::TempDir::new().unwrap();
    for n in 0..300 {
        fs::create_dir(home.path().join(n.to_string())).unwrap();
    }
    let folder = Folder::open(home.path(), 1_000).unwrap();
    folder.write("a.txt", b"hello", None).unwrap();
}
