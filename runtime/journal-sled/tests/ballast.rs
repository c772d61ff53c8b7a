//! The space in reserve: there while all is well, gone once it was needed, back when there is room again. Until
//! then new tasks are refused, and those that run go on.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::fs;

use common::{OnDisk, options};
use playhouse_journal_sled::Options;
use playhouse_ports::{Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};

const BYTES: u64 = 1 << 20;

fn with_ballast(ballast_bytes: u64) -> Options {
    Options { ballast_bytes, ..options() }
}

#[tokio::test]
async fn space_is_kept_while_the_journal_is_well() {
    let disk = OnDisk::with(with_ballast(BYTES));
    let journal = disk.open().await;
    let kept = fs::metadata(disk.path().join("journal/ballast")).unwrap();
    assert_eq!(kept.len(), BYTES);
    assert!(BYTES <= std::os::unix::fs::MetadataExt::blocks(&kept) * 512, "it takes up nothing");
    assert!(!journal.stats().await.unwrap().is_full);
    disk.close(journal).await;
}

#[tokio::test]
async fn after_a_full_disk_running_tasks_go_on_and_new_ones_wait_for_room() {
    // More than any disk has, so that there is no room for it.
    let disk = OnDisk::with(with_ballast(1 << 60));
    let journal = disk.open().await;
    let mut running = Script::new("running");
    journal.append(running.say(["before"])).await.unwrap();
    disk.close(journal).await;
    // What a committer leaves that found no room.
    fs::write(disk.path().join("journal/ballast.spent"), "").unwrap();

    let journal = disk.open().await;
    assert!(journal.stats().await.unwrap().is_full);
    journal.append(running.say(["goes on"])).await.unwrap();
    let refused = journal.append(Script::new("new").say(["a"])).await;
    assert!(matches!(refused, Err(JournalError::Full(_))), "{refused:?}");
    journal.append(running.park(None)).await.unwrap();
    journal.append(running.wake()).await.unwrap();
    journal.append(running.end()).await.unwrap();
    disk.close(journal).await;
}

#[tokio::test]
async fn once_there_is_room_it_is_kept_again_without_a_restart() {
    let disk = OnDisk::with(with_ballast(BYTES));
    let journal = disk.open().await;
    disk.close(journal).await;
    fs::remove_file(disk.path().join("journal/ballast")).unwrap();
    fs::write(disk.path().join("journal/ballast.spent"), "").unwrap();

    let journal = disk.open().await;
    let healed = async {
        while journal.append(Script::new("new").say(["a"])).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), healed).await.unwrap();
    assert!(disk.path().join("journal/ballast").exists());
    assert!(!disk.path().join("journal/ballast.spent").exists());
    assert!(!journal.stats().await.unwrap().is_full);
    disk.close(journal).await;
}
