//! The tools for a data directory that nobody uses.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;
#[path = "corruption/damage.rs"]
mod damage;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{OnDisk, index, text};
use damage::Damage;
use playhouse_core::id::{SessionId, Tenant};
use playhouse_journal_sled::{
    MasterKey, OpenError, Options, SledJournal,
    offline::{Cure, Erased, compact, erase, export, prove, repair, verify},
};
use playhouse_ports::{Batch, Context, Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};
use tempfile::TempDir;

const TASKS: usize = 4;
const RECORDS: u64 = 21;
/// Damages to find and heal.
const TRIALS: u64 = 8;

fn options() -> Options {
    let master = MasterKey::from_hex_or_base64(&"5a".repeat(32)).unwrap();
    Options { ballast_bytes: 0, master: Some(Arc::new(master)), ..Options::default() }
}

/// A closed, sealed journal with finished and open tasks, large records, a session and a key. `word` is in all of them.
async fn written(word: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    for n in 0..TASKS {
        let mut task = Script::new(&format!("t{n}"));
        for seq in 0..RECORDS - 1 {
            // One goes to a file of its own.
            let copies = if seq == 3 { 20_000 } else { 1 };
            let said = format!("{word} {}", text(task.task().as_str(), seq)).repeat(copies);
            journal.append(task.say([&said])).await.unwrap();
        }
        let batch = match n {
            0 => task.say(["open"]),
            _ => task.end_in(&SessionId::new("chat").unwrap(), word, n as u64),
        };
        journal.append(batch).await.unwrap();
    }
    journal.close().await;
    committer.await.unwrap();
    dir
}

/// Every file but the lock, which says who looked last.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_name() != "lock" {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn exported(dir: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    export(dir, &options(), &mut out).unwrap();
    out
}

#[tokio::test]
async fn a_whole_journal_is_counted_and_not_touched() {
    let dir = written("a").await;
    let before = files(dir.path());
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.exit_code(), report.tasks, report.sessions), (0, TASKS as u64, 1));
    assert_eq!(report.records, TASKS as u64 * RECORDS);
    assert!(0 < report.blobs, "no large value went to a file");
    assert!(report.root.len() == 64 && 0 < report.rows && 0 < report.frames, "{report:?}");
    export(dir.path(), &options(), &mut std::io::sink()).unwrap();
    assert!(files(dir.path()) == before, "a look changed something");
}

#[tokio::test]
async fn a_directory_in_use_or_without_a_journal_is_refused() {
    let disk = OnDisk::new();
    let error = verify(disk.path(), &options()).unwrap_err();
    assert!(error.to_string().contains("there is none"), "{error}");
    let journal = disk.open().await;
    for error in [
        verify(disk.path(), &options()).map(drop).unwrap_err(),
        repair(disk.path(), options()).await.map(drop).unwrap_err(),
        compact(disk.path(), options()).await.map(drop).unwrap_err(),
        export(disk.path(), &options(), &mut std::io::sink()).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    }
    disk.close(journal).await;
}

/// Whatever one thing happens to one file is found, changed by nobody who only looks, and healed.
#[tokio::test]
async fn damage_is_found_and_healed() {
    let whole = written("a").await;
    let content = |dir: &Path| {
        let lines = String::from_utf8(exported(dir)).unwrap();
        // A repair may begin a new generation, with other commits.
        let is_content = |line: &&str| !line.contains("\"root\"");
        lines.lines().filter(is_content).map(str::to_owned).collect::<Vec<_>>()
    };
    let expected = content(whole.path());
    let mut found = 0;
    for trial in 0..TRIALS {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("copy");
        damage::copy(whole.path(), &dir);
        let damage = Damage::choose(&dir, &mut fastrand::Rng::with_seed(trial));
        damage.inflict(&dir);
        let before = files(&dir);
        let report = verify(&dir, &options()).unwrap();
        assert!(files(&dir) == before, "{damage}: a look changed something");
        assert!(report.exit_code() < 2, "{damage}: {:?}", report.findings);
        found += u32::from(report.exit_code());
        let healed = repair(&dir, options()).await.unwrap();
        assert_eq!(healed.findings, [], "{damage}");
        assert!(content(&dir) == expected, "{damage}: it changed what there is");
    }
    assert!(TRIALS / 4 < u64::from(found), "only {found} of {TRIALS} were found");
}

/// Lists, the task that was open, and other tenants go on.
#[tokio::test]
async fn a_tenant_is_erased_for_ever_and_the_journal_goes_on() {
    let dir = written("canary").await;
    let other = Tenant::new("other").unwrap();
    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    let mut theirs = Script::new("theirs");
    theirs.head.tenant = other.clone();
    journal.append(theirs.say(["stays"])).await.unwrap();
    journal.close().await;
    committer.await.unwrap();

    let nobody = Tenant::new("nobody").unwrap();
    let missed = erase(dir.path(), &options(), &nobody).unwrap();
    assert_eq!(missed, Erased { erased: false, left: vec![Tenant::local(), other.clone()] });
    let done = erase(dir.path(), &options(), &Tenant::local()).unwrap();
    assert_eq!(done, Erased { erased: true, left: vec![other.clone()] });
    assert!(
        !erase(dir.path(), &options(), &Tenant::local()).unwrap().erased,
        "there is nothing more to erase"
    );
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!((report.exit_code(), report.erased), (0, TASKS as u64), "{:?}", report.findings);
    assert!(!String::from_utf8(exported(dir.path())).unwrap().contains("canary"));

    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    assert_eq!(journal.read(theirs.task(), 0, 9).await.unwrap().len(), 1);
    let mut open = Script::new("t0");
    open.head = journal.head(open.task()).await.unwrap().unwrap();
    let read = journal.read(open.task(), 0, 9).await;
    assert!(matches!(read, Err(JournalError::Erased(_))), "{read:?}");
    journal.append(open.end()).await.unwrap();
    assert!(
        journal.open().await.unwrap().iter().all(|head| head.tenant == other),
        "its task could be closed"
    );
    journal.close().await;
    committer.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_not_erased() {
    let dir = written("a").await;
    let before = files(dir.path());
    let stranger = MasterKey::from_hex_or_base64(&"6b".repeat(32)).unwrap();
    for master in [None, Some(Arc::new(stranger))] {
        let error = erase(dir.path(), &Options { master, ..options() }, &Tenant::local()).unwrap_err();
        assert!(error.to_string().contains("master key"), "{error}");
    }
    assert!(files(dir.path()) == before, "something was erased");
    let open = OnDisk::new();
    let journal = open.open().await;
    let error = erase(open.path(), &options(), &Tenant::local()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    open.close(journal).await;
}

#[tokio::test]
async fn what_no_copy_holds_is_named_and_left_as_it_is() {
    let dir = written("a").await;
    let generation = dir.path().join("journal/gen-1");
    fs::remove_dir_all(generation.join("sled")).unwrap();
    let log = generation.join("log/00000001.log");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(report.findings.iter().any(|finding| finding.place == "journal/gen-1/log"), "{report:?}");
    assert_eq!(repair(dir.path(), options()).await.unwrap().exit_code(), 2);
    assert!(fs::read(&log).unwrap() == bytes, "a log that cannot be healed was changed");
    let error = export(dir.path(), &options(), &mut std::io::sink()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_torn_end_is_no_loss() {
    let dir = written("a").await;
    let log = dir.path().join("journal/gen-1/log/00000001.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend_from_slice(b"PLOG\x01 half a commit");
    fs::write(&log, bytes).unwrap();
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!((report.exit_code(), report.findings[0].cure), (0, Cure::None));
    assert_eq!(repair(dir.path(), options()).await.unwrap().findings, []);
}

#[tokio::test]
async fn compacting_gives_space_back_and_keeps_what_is_alive() {
    let dir = written("a").await;
    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    // Several times the 4 MiB of the one segment that sled keeps.
    let (mut large, text) = (Script::new("large"), "x".repeat(40_000));
    for _ in 0..200 {
        journal.append(large.say([&text])).await.unwrap();
    }
    journal.append(large.end()).await.unwrap();
    assert!(journal.forget(large.task()).await.unwrap());
    for n in 1..TASKS {
        assert!(journal.forget(Script::new(&format!("t{n}")).task()).await.unwrap());
    }
    journal.close().await;
    committer.await.unwrap();
    let compacted = compact(dir.path(), options()).await.unwrap();
    assert!(compacted.after < compacted.before / 2, "{compacted:?}");
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!((report.findings.as_slice(), report.tasks, report.records), ([].as_slice(), 1, RECORDS));
    assert_eq!(report.generation, 2);

    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    let mut task = Script::new("t0");
    task.head = journal.head(task.task()).await.unwrap().unwrap();
    journal.append(task.say(["and on"])).await.unwrap();
    let session = SessionId::new("chat").unwrap();
    let session = journal.session(&task.head.tenant, &session).await.unwrap().unwrap();
    assert_eq!(session.turns.len(), TASKS - 1);
    journal.close().await;
    committer.await.unwrap();
}

#[tokio::test]
async fn an_index_that_lost_records_is_not_compacted_and_the_log_still_heals_it() {
    let dir = written("a").await;
    let db = index(dir.path());
    let pack = db.scan_prefix(b"R").keys().next().unwrap().unwrap();
    db.remove(pack).unwrap();
    db.flush().unwrap();
    drop(db);
    compact(dir.path(), options()).await.map(drop).unwrap_err();
    let report = repair(dir.path(), options()).await.unwrap();
    assert_eq!((report.tasks, report.records), (TASKS as u64, TASKS as u64 * RECORDS));
    compact(dir.path(), options()).await.unwrap();
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!((report.findings.as_slice(), report.records), ([].as_slice(), TASKS as u64 * RECORDS));
}

#[tokio::test]
async fn an_export_has_a_line_for_everything() {
    let dir = written("a").await;
    let lines = String::from_utf8(exported(dir.path())).unwrap();
    let mut counts = BTreeMap::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        *counts.entry(line["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    let records = TASKS as u64 * RECORDS;
    let counted: Vec<_> = ["journal", "task", "record", "append", "session"].map(|kind| counts[kind]).into();
    assert_eq!(counted, [1, TASKS as u64, records, records, 1]);
    let last = verify(dir.path(), &options()).unwrap().root;
    assert!(lines.lines().next().unwrap().contains(&last));
    assert_eq!(lines.matches(&last).count(), 2, "it is in the first line and in its own");
}

#[tokio::test]
async fn an_export_proves_that_nothing_was_rewritten_also_after_more_was_written_and_compacted() {
    let dir = written("a").await;
    let earlier = exported(dir.path());
    let proof = prove(dir.path(), &options(), &mut earlier.as_slice()).unwrap();
    let appends = TASKS as u64 * RECORDS;
    assert_eq!((proof.holds(), proof.appends, proof.replaced), (true, appends, 0));

    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    journal.append(Script::new("later").say(["a"])).await.unwrap();
    assert!(journal.forget(Script::new("t1").task()).await.unwrap());
    journal.close().await;
    committer.await.unwrap();
    compact(dir.path(), options()).await.unwrap();
    let proof = prove(dir.path(), &options(), &mut earlier.as_slice()).unwrap();
    assert!(proof.holds(), "{proof:?}");
    assert_eq!((proof.appends, proof.gone.as_slice()), (appends - RECORDS, ["t1".to_owned()].as_slice()));
    assert!(0 < proof.replaced);
}

#[tokio::test]
async fn an_export_shows_that_a_journal_was_made_anew() {
    let (one, other) = (written("a").await, written("b").await);
    assert_eq!(verify(other.path(), &options()).unwrap().exit_code(), 0);
    let proof = prove(other.path(), &options(), &mut exported(one.path()).as_slice()).unwrap();
    assert!(!proof.holds());
    assert!(proof.rewritten.iter().any(|what| what.starts_with("commit ")), "{:?}", proof.rewritten);
    assert!(proof.rewritten.iter().any(|what| what.starts_with("record ")), "{:?}", proof.rewritten);
}

#[tokio::test]
async fn a_journal_with_fewer_commits_than_were_exported_does_not_hold() {
    let dir = written("a").await;
    let shorter = tempfile::tempdir().unwrap();
    let shorter = shorter.path().join("copy");
    damage::copy(dir.path(), &shorter);
    let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
    let mut task = Script::new("lost-later");
    journal.append(Batch { key: None, ..task.say(["a"]) }).await.unwrap();
    journal.close().await;
    committer.await.unwrap();
    let proof = prove(&shorter, &options(), &mut exported(dir.path()).as_slice()).unwrap();
    assert!(proof.rewritten.iter().any(|what| what.ends_with("is missing")), "{:?}", proof.rewritten);
}
