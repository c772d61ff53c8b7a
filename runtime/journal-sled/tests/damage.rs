//! Damage is named, never served: a value that is not what its key says is refused.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{fs, path::Path};

use common::{OnDisk, check, text};
use playhouse_core::id::{SessionId, Tenant};
use playhouse_journal_sled::{OpenError, Options, SledJournal};
use playhouse_ports::{Batch, Context, Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};

/// Opens the engine behind the journal's back and changes something.
fn tamper(dir: &Path, change: impl FnOnce(&sled::Db)) {
    let db = sled::Config::new().path(dir.join("journal/1")).segment_size(8 << 20).open().unwrap();
    change(&db);
    db.flush().unwrap();
}

/// The key of row `n` among those that begin with `prefix`.
fn key(db: &sled::Db, prefix: &[u8], n: usize) -> sled::IVec {
    db.scan_prefix(prefix).keys().nth(n).unwrap().unwrap()
}

fn flip(db: &sled::Db, key: &[u8], at: usize) {
    let mut value = db.get(key).unwrap().unwrap().to_vec();
    value[at] ^= 0x40;
    db.insert(key, value).unwrap();
}

/// A closed journal with the finished task `t`: three records, the second of them in several pieces.
async fn written() -> (OnDisk, Script) {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    journal.append(task.say(["first", &"large ".repeat(20_000)])).await.unwrap();
    let session = SessionId::new("chat").unwrap();
    let turn = Some((session, task.turn("hello", 1)));
    journal.append(Batch { turn, ..task.end() }).await.unwrap();
    disk.close(journal).await;
    (disk, task)
}

fn damage(result: Result<impl Sized, JournalError>) -> String {
    match result.map(drop).unwrap_err() {
        JournalError::Damaged(what) => what,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_flipped_bit_names_task_and_record_and_spares_the_others() {
    let (disk, task) = written().await;
    tamper(disk.path(), |db| flip(db, &key(db, b"r", 0), 40));
    let journal = disk.open().await;
    let what = damage(journal.read(task.task(), 0, 9).await);
    assert_eq!(what, "record 0 of task t cannot be read: its checksum does not match");
    assert_eq!(journal.read(task.task(), 1, 9).await.unwrap().len(), 2);
    disk.close(journal).await;
}

#[tokio::test]
async fn a_missing_piece_and_a_missing_record_are_noticed() {
    for (row, expected) in [
        (2, "its piece 1 is missing"),
        (1, "its piece 0 is missing"),
        (4, "its checksum does not match"),
        (0, "record 0 of task t cannot be read: it is missing"),
        (5, "record 2 of task t cannot be read: it is missing"),
    ] {
        let (disk, task) = written().await;
        tamper(disk.path(), |db| drop(db.remove(key(db, b"r", row)).unwrap()));
        let journal = disk.open().await;
        let what = damage(journal.read(task.task(), 0, 9).await);
        assert!(what.ends_with(expected), "without row {row}: {what}");
        disk.close(journal).await;
    }
}

#[tokio::test]
async fn a_record_in_the_wrong_place_is_noticed() {
    let (disk, task) = written().await;
    tamper(disk.path(), |db| {
        let last = db.get(key(db, b"r", 5)).unwrap().unwrap();
        db.insert(key(db, b"r", 0), last).unwrap();
    });
    let journal = disk.open().await;
    let what = damage(journal.read(task.task(), 0, 9).await);
    assert_eq!(what, "record 0 of task t cannot be read: it is record 2");
    disk.close(journal).await;
}

#[tokio::test]
async fn damaged_heads_and_turns_are_noticed() {
    let (disk, task) = written().await;
    tamper(disk.path(), |db| {
        flip(db, &key(db, b"h", 0), 50);
        flip(db, &key(db, b"t", 0), 50);
    });
    let journal = disk.open().await;
    let what = damage(journal.head(task.task()).await);
    assert_eq!(what, "the head of task t cannot be read: its checksum does not match");
    let session = SessionId::new("chat").unwrap();
    let what = damage(journal.session(&Tenant::local(), &session).await);
    assert_eq!(what, "turn local/chat/t cannot be read: its checksum does not match");
    disk.close(journal).await;
}

#[tokio::test]
async fn a_damaged_head_of_an_open_task_refuses_to_start() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    journal.append(Script::new("t").say(["a"])).await.unwrap();
    disk.close(journal).await;
    tamper(disk.path(), |db| flip(db, &key(db, b"h", 0), 50));
    let error = SledJournal::open(disk.path(), Options::default()).await.map(drop).unwrap_err();
    assert!(matches!(&error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("the head of task t"), "{error}");
}

/// sled takes damage in its last segment for a torn write and forgets what follows. The mark knows better:
/// a flipped bit in the log is either harmless or refused, never a silent loss.
#[tokio::test]
async fn damage_below_the_engine_is_noticed() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    for seq in 0..60 {
        journal.append(task.say([&text("t", seq)])).await.unwrap();
    }
    disk.close(journal).await;
    let log = disk.path().join("journal/1/db");
    let intact = fs::read(&log).unwrap();
    let used = intact.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refused = 0;

    for trial in 1..=8 {
        let mut bytes = intact.clone();
        bytes[used / 9 * trial] ^= 0x10;
        let copy = OnDisk::new();
        fs::create_dir_all(copy.path().join("journal/1/blobs")).unwrap();
        for file in ["conf", "mark"] {
            let path = Path::new("journal/1").join(file);
            fs::copy(disk.path().join(&path), copy.path().join(&path)).unwrap();
        }
        fs::write(copy.path().join("journal/1/db"), bytes).unwrap();
        match SledJournal::open(copy.path(), Options::default()).await {
            Ok((journal, _committer)) => assert_eq!(check(&journal, task.task()).await, 60),
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0, "no trial met anything");
}
