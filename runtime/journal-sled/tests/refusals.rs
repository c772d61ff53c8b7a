//! What the journal refuses to open, in words that help, and what it refuses to do.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt};

use common::{OnDisk, options};
use playhouse_journal_sled::{OpenError, SledJournal};
use playhouse_ports::{Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};
use tokio::task::JoinSet;

async fn refused(dir: &std::path::Path) -> OpenError {
    SledJournal::open(dir, options()).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_second_opener_is_told_who_is_there() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let pid = std::process::id();
    let dir = disk.path().display();
    let message =
        format!("another playhouse (pid {pid}) uses {dir}: stop it, or choose another data directory");
    assert_eq!(refused(disk.path()).await.to_string(), message);

    disk.close(journal).await;
    let journal = disk.open().await;
    disk.close(journal).await;
}

#[tokio::test]
async fn a_file_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(refused(&file).await, OpenError::NotADirectory(_)));
    assert!(matches!(refused(&file.join("below")).await, OpenError::NotADirectory(_)));
}

#[tokio::test]
async fn a_directory_without_write_access_is_named_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(dir.path().join("probe"), "").is_ok() {
        return; // Nothing is forbidden to root.
    }
    let error = refused(dir.path()).await;
    let expected = format!("cannot write to {}: give this user write access", dir.path().display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_closed_journal_refuses_and_says_so() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    disk.close(journal.clone()).await;
    let closed = Err(JournalError::Unavailable("it is closed".to_owned()));
    assert_eq!(journal.append(Script::new("t").say(["a"])).await, closed);
    assert_eq!(journal.heads(None, 1).await.map(drop), closed);
}

/// Waiting appends hold at most 32 MiB: beyond that, writers are told to come back (J7).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_refused_not_stored() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let large = "x".repeat(6 << 20);
    let mut flood = JoinSet::new();
    for n in 0..6 {
        let (journal, batch) = (journal.clone(), Script::new(&format!("t{n}")).say([&large]));
        flood.spawn(async move { journal.append(batch).await });
    }
    let answers = flood.join_all().await;
    let only_busy = |answer: &Result<(), _>| matches!(answer, Ok(()) | Err(JournalError::Busy(_)));
    assert!(answers.iter().all(only_busy), "{answers:?}");
    assert!(answers.contains(&Ok(())));
    journal.append(Script::new("later").say(["a"])).await.unwrap();
    disk.close(journal).await;
}
