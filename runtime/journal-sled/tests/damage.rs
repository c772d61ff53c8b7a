//! Damage heals: log and index are two copies of everything, and either makes the other again. What neither
//! holds is refused and named; nothing is ever served wrong or silently missing.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use common::{OnDisk, check, index, options, text};
use playhouse_core::id::{SessionId, Tenant};
use playhouse_journal_sled::{OpenError, SledJournal};
use playhouse_ports::{Batch, Context, Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};

const SLED: &str = "journal/gen-1/sled";
/// How long a look at 16 MiB may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOG: &str = "journal/gen-1/log/00000001.log";

/// Opens the index behind the journal's back and changes something.
fn tamper(dir: &Path, change: impl FnOnce(&sled::Db)) {
    let db = index(dir);
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

/// Changes the appends in a pack: their places, and their bytes.
fn repack(db: &sled::Db, key: &[u8], change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>)) {
    let (mut entries, pack) = (Vec::new(), db.get(key).unwrap().unwrap());
    let mut rest = &pack[..];
    while let Some((head, more)) = rest.split_at_checked(16) {
        let length = u32::from_be_bytes(head[12..].try_into().unwrap()) as usize;
        entries.push((head[..12].to_vec(), more[..length].to_vec()));
        rest = &more[length..];
    }
    change(&mut entries);
    let entry = |(place, bytes): &(Vec<u8>, Vec<u8>)| {
        [place.as_slice(), &(bytes.len() as u32).to_be_bytes(), bytes].concat()
    };
    db.insert(key, entries.iter().flat_map(entry).collect::<Vec<u8>>()).unwrap();
}

/// A closed journal with the finished task `t` of three records, the first of them large, its turn in a
/// session, and the open task `u`.
async fn written() -> OnDisk {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    journal.append(task.say(["first", &"large ".repeat(20_000)])).await.unwrap();
    let session = SessionId::new("chat").unwrap();
    let turn = Some((session, task.turn("hello", 1)));
    journal.append(Batch { turn, ..task.end() }).await.unwrap();
    let mut open = Script::new("u");
    for seq in 0..3 {
        journal.append(open.say([&text("u", seq)])).await.unwrap();
    }
    disk.close(journal).await;
    disk
}

/// Everything that [`written`] wrote, read until it is all there: a read that finds damage says to wait, and
/// who owns the journal opens it again.
async fn read_all(disk: &OnDisk) -> usize {
    for repairs in 0..4 {
        let journal = disk.open().await;
        match try_read(&journal).await {
            Ok(()) => {
                disk.close(journal).await;
                return repairs;
            }
            Err(JournalError::Unavailable(why)) => {
                assert!(why.contains("repaired"), "{why}");
                let ended = disk.ended().await;
                assert!(matches!(ended, Err(JournalError::Damaged(_))), "{ended:?}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it is not repaired")
}

async fn try_read(journal: &SledJournal) -> Result<(), JournalError> {
    let (t, u) = (Script::new("t"), Script::new("u"));
    let records = journal.read(t.task(), 0, 9).await?;
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(journal.read(t.task(), 2, 9).await?.len(), 1);
    assert_eq!(journal.read(u.task(), 0, 9).await?.len(), 3);
    let names = |heads: Vec<playhouse_core::task::Head>| {
        heads.into_iter().map(|head| (head.task.to_string(), head.next_seq)).collect::<Vec<_>>()
    };
    assert_eq!(names(journal.heads(None, 9).await?), [("u".to_owned(), 3), ("t".to_owned(), 3)]);
    assert_eq!(names(Journal::open(journal).await?), [("u".to_owned(), 3)]);
    let session = journal.session(&Tenant::local(), &SessionId::new("chat").unwrap()).await?.unwrap();
    assert_eq!(session.turns.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_changed_row_of_the_index_is_healed_from_the_log() {
    let changes: [(&str, &[u8], usize); 5] = [
        ("the records of a task", b"Rt", 0),
        ("the records of an open task", b"Ru", 0),
        ("a head", b"ht", 0),
        ("an open head", b"hu", 0),
        ("a turn", b"t", 0),
    ];
    for (what, prefix, row) in changes {
        let disk = written().await;
        tamper(disk.path(), |db| flip(db, &key(db, prefix, row), 50));
        assert!(read_all(&disk).await <= 1, "{what}");
        assert!(disk.path().join("journal/gen-1/sled.bad-1").exists(), "{what} was healed without a word");
    }
}

#[tokio::test]
async fn a_row_that_left_the_index_is_healed_from_the_log() {
    let rows: [(&[u8], usize); 5] = [(b"Rt", 0), (b"Ru", 0), (b"h", 0), (b"o", 0), (b"s", 0)];
    for (prefix, row) in rows {
        let disk = written().await;
        tamper(disk.path(), |db| drop(db.remove(key(db, prefix, row)).unwrap()));
        assert!(read_all(&disk).await <= 1, "{row} of {prefix:?}");
    }
}

#[tokio::test]
async fn a_record_that_left_its_pack_is_healed() {
    let lost: [(&[u8], usize); 5] = [(b"Rt", 0), (b"Rt", 1), (b"Ru", 0), (b"Ru", 1), (b"Ru", 2)];
    for (pack, entry) in lost {
        let disk = written().await;
        tamper(disk.path(), |db| repack(db, &key(db, pack, 0), |entries| drop(entries.remove(entry))));
        assert!(read_all(&disk).await <= 1, "{entry} of {pack:?}");
    }
}

#[tokio::test]
async fn a_record_in_the_wrong_place_is_healed() {
    let disk = written().await;
    tamper(disk.path(), |db| {
        repack(db, &key(db, b"Ru", 0), |entries| entries[0].1 = entries[2].1.clone());
    });
    assert_eq!(read_all(&disk).await, 1);
}

#[tokio::test]
async fn a_lost_index_is_made_again_and_so_is_a_lost_log() {
    for lost in [SLED, LOG, "journal/gen-1/log", "journal/CURRENT"] {
        let disk = written().await;
        let path = disk.path().join(lost);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        assert_eq!(read_all(&disk).await, 0, "{lost}");
        assert_eq!(read_all(&disk).await, 0, "{lost}, again");
    }
}

#[tokio::test]
async fn a_flip_or_a_cut_anywhere_in_the_log_is_healed() {
    for trial in 0..16 {
        let disk = written().await;
        let log = disk.path().join(LOG);
        let mut bytes = fs::read(&log).unwrap();
        let at = bytes.len() * trial / 16;
        if trial % 2 == 0 {
            bytes[at] ^= 0x10
        } else {
            bytes.truncate(at)
        }
        fs::write(&log, bytes).unwrap();
        // The log is not read up to here if the index says it need not be; without the index it must be.
        assert_eq!(read_all(&disk).await, 0, "trial {trial}");
    }
}

#[tokio::test]
async fn what_neither_holds_is_refused_and_named() {
    let disk = written().await;
    let log = disk.path().join(LOG);
    let mut bytes = fs::read(&log).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    fs::write(&log, bytes).unwrap();
    fs::remove_dir_all(disk.path().join(SLED)).unwrap();
    for _ in 0..2 {
        let error = SledJournal::open(disk.path(), options()).await.map(drop).unwrap_err();
        assert!(matches!(&error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("00000001.log is damaged at byte"), "{error}");
    }
}

/// The files of an open journal, as `kill -9` would leave them now.
fn killed(disk: &OnDisk) -> OnDisk {
    let copy = OnDisk::new();
    copy_dir(disk.path(), copy.path());
    copy
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to: PathBuf = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to);
        } else if let Err(error) = fs::copy(entry.path(), to) {
            // sled replaces some of its files now and then.
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    }
}

#[tokio::test]
async fn damage_near_the_end_after_a_kill_is_healed_from_the_second_copy() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    for seq in 0..60 {
        journal.append(task.say([&text("t", seq)])).await.unwrap();
    }
    // Once, before the index is made durable and the second copy begins anew.
    let left = killed(&disk);
    for trial in 0..24 {
        let copy = killed(&left);
        let path = copy.path().join(if trial % 3 == 0 { "journal/gen-1/log/copy" } else { LOG });
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() - 1 - bytes.len() * trial / 24;
        if trial % 2 == 0 {
            bytes[at] ^= 0x10
        } else {
            bytes.truncate(at)
        }
        fs::write(path, bytes).unwrap();
        let healed = copy.open().await;
        assert_eq!(check(&healed, task.task()).await, 60, "trial {trial}");
        let mut more = task.clone();
        healed.append(more.say([&text("t", 60)])).await.unwrap();
        copy.close(healed).await;
        let healed = copy.open().await;
        assert_eq!(check(&healed, task.task()).await, 61, "trial {trial}, again");
        copy.close(healed).await;
    }
    disk.close(journal).await;
}

/// What a crash leaves of a commit that nobody was told about is cut off.
#[tokio::test]
async fn a_torn_end_is_no_damage() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    journal.append(task.say([&text("t", 0)])).await.unwrap();
    let copy = killed(&disk);
    let log = copy.path().join(LOG);
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend_from_slice(b"PLOG\x01\0\0\0\0\0");
    fs::write(&log, bytes).unwrap();
    let opened = copy.open().await;
    opened.append(task.say([&text("t", 1)])).await.unwrap();
    assert_eq!(check(&opened, task.task()).await, 2);
    assert_eq!(opened.stats().await.unwrap().generation, 1);
    copy.close(opened).await;
    disk.close(journal).await;
}

/// A closed segment is not read at a start: it is looked at beside the work.
#[tokio::test]
async fn damage_in_an_old_segment_is_found_and_healed_while_the_index_is_whole() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    let mut task = Script::new("t");
    // More than one segment of 16 MiB.
    for _ in 0..18 {
        let large = "x".repeat(60 << 10);
        let texts: [&str; 18] = [&large; 18];
        for text in texts {
            journal.append(task.say([text])).await.unwrap();
        }
    }
    disk.close(journal).await;
    let log = disk.path().join(LOG);
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();

    let journal = disk.open().await;
    let ended = tokio::time::timeout(PATIENCE, disk.ended()).await.unwrap();
    assert!(matches!(ended, Err(JournalError::Damaged(_))), "{ended:?}");
    drop(journal);
    let journal = disk.open().await;
    assert_eq!(journal.stats().await.unwrap().generation, 2);
    disk.close(journal).await;
    // The new log has everything.
    fs::remove_dir_all(disk.path().join("journal/gen-2/sled")).unwrap();
    let journal = disk.open().await;
    assert_eq!(journal.read(task.task(), 0, 999).await.unwrap().len(), 18 * 18);
    disk.close(journal).await;
}
