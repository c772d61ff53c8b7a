//! Content under a key is nowhere on the disk in the open, and gone with the key; large content is in files that
//! go when nothing names them.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{fs, path::Path, sync::Arc, time::Duration};

use common::{OnDisk, options};
use playhouse_core::{id::SessionId, id::Tenant, message::Message};
use playhouse_journal_sled::{MasterKey, OpenError, Options, SledJournal};
use playhouse_ports::{Batch, Context, Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};

const CANARY: &str = "the canary sings at midnight";

fn sealing(digit: &str) -> Options {
    let master = MasterKey::from_hex_or_base64(&digit.repeat(64)).unwrap();
    Options { master: Some(Arc::new(master)), ..options() }
}

mod sealed {
    use super::{OnDisk, sealing};

    playhouse_testkit::journal_suite!(OnDisk::with(sealing("7")));
    playhouse_testkit::context_suite!(OnDisk::with(sealing("7")));
}

/// Whether any file below `dir` has `text` in it.
fn is_somewhere(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_somewhere(&path, text);
        }
        fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Says the canary in a record, a large record, a turn and a pinned message.
async fn sing(journal: &SledJournal) -> Script {
    let mut task = Script::new("t");
    let session = SessionId::new("chat").unwrap();
    journal.append(task.say([CANARY])).await.unwrap();
    journal.append(task.say([&CANARY.repeat(10_000)])).await.unwrap();
    let turn = Some((session.clone(), task.turn(CANARY, 1)));
    journal.append(Batch { turn, ..task.end() }).await.unwrap();
    journal.pin(&Tenant::local(), &session, vec![Message::user(CANARY)], 1).await.unwrap();
    task
}

#[tokio::test]
async fn sealed_content_is_nowhere_in_the_open_and_comes_back_with_the_key_alone() {
    let open = OnDisk::new();
    let journal = open.open().await;
    sing(&journal).await;
    open.close(journal).await;
    assert!(is_somewhere(open.path(), CANARY), "the search finds nothing anywhere");

    let disk = OnDisk::with(sealing("7"));
    let journal = disk.open().await;
    let task = sing(&journal).await;
    disk.close(journal).await;
    assert!(!is_somewhere(disk.path(), CANARY));

    let error = SledJournal::open(disk.path(), sealing("8")).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("master key"), "{error}");
    let error = SledJournal::open(disk.path(), options()).await.map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Other { .. }), "{error}");
    let journal = disk.open().await;
    assert_eq!(journal.read(task.task(), 0, 9).await.unwrap().len(), 3);
    disk.close(journal).await;
}

#[tokio::test]
async fn what_was_erased_says_so_for_ever_and_lists_go_on() {
    let disk = OnDisk::with(sealing("7"));
    let journal = disk.open().await;
    let task = sing(&journal).await;
    assert_eq!(journal.erase(&Tenant::local()).await, Ok(true));
    assert_eq!(journal.erase(&Tenant::local()).await, Ok(false));
    disk.close(journal).await;
    let journal = disk.open().await;
    let read = journal.read(task.task(), 0, 9).await;
    assert!(matches!(read, Err(JournalError::Erased(_))), "{read:?}");
    let session = journal.session(&Tenant::local(), &SessionId::new("chat").unwrap()).await;
    assert!(matches!(session, Err(JournalError::Erased(_))), "{session:?}");
    assert_eq!(journal.heads(None, 9).await.unwrap().len(), 1);
    assert_eq!(journal.forget(task.task()).await, Ok(true));
    disk.close(journal).await;
}

fn blobs(disk: &OnDisk) -> Vec<std::path::PathBuf> {
    let entries =
        |dir: &Path| -> Vec<_> { fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect() };
    entries(&disk.path().join("journal/blobs")).iter().flat_map(|dir| entries(dir)).collect()
}

#[tokio::test]
async fn large_content_that_nothing_names_goes_with_its_generation() {
    let disk = OnDisk::with(Options { waste_bytes: 1 << 20, checkpoint_bytes: 64 << 10, ..options() });
    let journal = disk.open().await;
    let mut stays = Script::new("stays");
    journal.append(stays.say([&"stays ".repeat(50_000)])).await.unwrap();
    for n in 0..8 {
        let mut task = Script::new(&format!("t{n}"));
        journal.append(task.say([&format!("{n} goes ").repeat(50_000)])).await.unwrap();
        journal.append(task.end()).await.unwrap();
        assert!(journal.forget(task.task()).await.unwrap());
    }
    assert!(blobs(&disk).len() > 4, "large values are not in files");
    // Each commit is an occasion to look; a file that was put lately stays for two sweeps. Two files belong to the
    // task that stays, two to the one that keeps the journal busy.
    let gone = async {
        while blobs(&disk).len() > 4 {
            let mut task = Script::new("busy");
            journal.append(task.say([&"busy ".repeat(60_000)])).await.unwrap();
            journal.append(task.end()).await.unwrap();
            journal.forget(task.task()).await.unwrap();
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(60), gone).await;
    assert!(gone.is_ok(), "{} files are left, {:?}", blobs(&disk).len(), journal.stats().await);
    assert_eq!(journal.read(stays.task(), 0, 9).await.unwrap().len(), 1);
    disk.close(journal).await;
}

/// Log and index hold only the name, so opening again would not help: the journal goes on, and the record is
/// refused by name.
#[tokio::test]
async fn a_large_value_that_lost_both_files_is_named_and_stops_nothing() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    journal.append(task.say([&"large ".repeat(50_000)])).await.unwrap();
    journal.append(task.say(["small"])).await.unwrap();
    let files = blobs(&disk);
    assert_eq!(files.len(), 2);
    fs::write(&files[0], "damaged").unwrap();
    assert_eq!(journal.read(task.task(), 0, 9).await.unwrap().len(), 2, "one file heals the other");
    files.iter().for_each(|file| fs::write(file, "damaged").unwrap());
    for _ in 0..2 {
        let error = journal.read(task.task(), 0, 9).await.unwrap_err();
        assert!(
            matches!(&error, JournalError::Damaged(what) if what.contains("record 0 of task t")),
            "{error}"
        );
    }
    assert_eq!(journal.read(task.task(), 1, 9).await.unwrap().len(), 1);
    journal.append(task.say(["more"])).await.unwrap();
    disk.close(journal).await;
}
