//! Journals of every released format stay readable: each folder under `tests/old` opens and reads as it says.
//!
//! To keep what this build writes, as a new folder (see `tests/old/README.md`):
//!
//! ```text
//! PLAYHOUSE_KEEP_AS=v2 cargo test -p playhouse-journal-sled --test old -- --ignored
//! ```
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use common::OnDisk;
use playhouse_core::{
    id::{SessionId, TaskId, Tenant},
    message::Message,
    session::Session,
    task::{Event, Head, Record, Status},
};
use playhouse_journal_sled::SledJournal;
use playhouse_ports::{Batch, Context, Journal, Submission};
use playhouse_testkit::suites::{Fixture, Script};
use serde::{Deserialize, Serialize};

/// More than any kept journal holds.
const ALL: usize = 10_000;

/// Everything a journal says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Content {
    heads: Vec<Head>,
    due: Vec<(u64, TaskId)>,
    lanes: Vec<(TaskId, (Tenant, SessionId))>,
    records: BTreeMap<TaskId, Vec<Record>>,
    submissions: BTreeMap<String, (TaskId, String)>,
    sessions: Vec<Session>,
}

impl Content {
    async fn of(journal: &SledJournal, keys: &[&str]) -> Self {
        let heads = journal.heads(None, ALL).await.unwrap();
        let mut records = BTreeMap::new();
        for head in &heads {
            records.insert(head.task.clone(), journal.read(&head.task, 0, ALL).await.unwrap());
        }
        let mut submissions = BTreeMap::new();
        for key in keys {
            submissions.insert((*key).to_owned(), journal.submission(key).await.unwrap().unwrap());
        }
        let mut sessions = Vec::new();
        for meta in journal.sessions().await.unwrap() {
            sessions.push(journal.session(&meta.tenant, &meta.id).await.unwrap().unwrap());
        }
        // What a start resumes follows from the heads.
        let is_open = |head: &&Head| !head.status.is_final() && head.status != Status::Parked;
        let open: Vec<_> = heads.iter().rev().filter(is_open).cloned().collect();
        assert_eq!(journal.open().await.unwrap(), open);
        let due = journal.due(u64::MAX, ALL).await.unwrap();
        let mut lanes = journal.lanes().await.unwrap();
        lanes.sort();
        Self { heads, due, lanes, records, submissions, sessions }
    }
}

impl Content {
    /// Part by part, so that a difference can be read.
    fn compare(&self, expected: &Self, context: &str) {
        assert_eq!(self.heads, expected.heads, "heads of {context}");
        assert_eq!(self.due, expected.due, "due times of {context}");
        assert_eq!(self.lanes, expected.lanes, "lanes of {context}");
        assert_eq!(self.submissions, expected.submissions, "keys of {context}");
        assert_eq!(self.records, expected.records, "records of {context}");
        assert_eq!(self.sessions, expected.sessions, "sessions of {context}");
    }
}

/// A file of a kept journal. Zeros at its end are not kept: the engine's file is mostly that.
#[derive(Serialize, Deserialize)]
struct Kept {
    path: PathBuf,
    bytes: u64,
}

fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old");
    let entries = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Makes the directory that was kept in `folder`.
fn restore(folder: &Path, to: &Path) {
    let kept: Vec<Kept> = serde_json::from_slice(&fs::read(folder.join("files.json")).unwrap()).unwrap();
    for Kept { path, bytes } in kept {
        let file = to.join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(folder.join("data").join(&path), &file).unwrap();
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(bytes).unwrap();
    }
}

#[tokio::test]
async fn every_released_format_reads_as_it_did() {
    let folders = folders();
    assert!(!folders.is_empty());
    for folder in folders {
        let expected: Content =
            serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let keys: Vec<_> = expected.submissions.keys().map(String::as_str).collect();
        let disk = OnDisk::new();
        restore(&folder, disk.path());
        // Twice: the first opening may bring it to the newest format.
        for round in ["first", "second"] {
            let journal = disk.open().await;
            let found = Content::of(&journal, &keys).await;
            let context = format!("{} at its {round} opening", folder.display());
            found.compare(&expected, &context);
            disk.close(journal).await;
        }
    }
}

#[tokio::test]
async fn a_journal_of_every_released_format_can_be_written_on() {
    for folder in folders() {
        let disk = OnDisk::new();
        restore(&folder, disk.path());
        let journal = disk.open().await;
        let head = journal.open().await.unwrap().remove(0);
        let mut task = Script { head };
        journal.append(task.say(["and on"])).await.unwrap();
        disk.close(journal).await;
        let journal = disk.open().await;
        assert_eq!(journal.head(task.task()).await.unwrap(), Some(task.head.clone()));
        let records = journal.read(task.task(), 0, ALL).await.unwrap();
        assert_eq!(records.len() as u64, task.head.next_seq, "{}", folder.display());
        disk.close(journal).await;
    }
}

#[tokio::test]
#[ignore = "writes test data; see the head of this file"]
async fn keep_what_this_build_writes() {
    let name = std::env::var("PLAYHOUSE_KEEP_AS").expect("PLAYHOUSE_KEEP_AS names the new folder");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old").join(name);
    fs::create_dir(&folder).expect("a folder that is there already is never changed");

    let disk = OnDisk::new();
    let journal = disk.open().await;
    tell_a_story(&journal).await;
    let content = Content::of(&journal, &["acme/order-1"]).await;
    disk.close(journal).await;
    fs::write(folder.join("expected.json"), serde_json::to_vec_pretty(&content).unwrap()).unwrap();

    let mut kept = Vec::new();
    keep(disk.path(), Path::new(""), &folder.join("data"), &mut kept);
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    fs::write(folder.join("files.json"), serde_json::to_vec_pretty(&kept).unwrap()).unwrap();
}

/// Copies the files of `from`, below `path`, without the zeros at their ends.
fn keep(from: &Path, path: &Path, to: &Path, kept: &mut Vec<Kept>) {
    for entry in fs::read_dir(from.join(path)).unwrap() {
        let path = path.join(entry.unwrap().file_name());
        if from.join(&path).is_dir() {
            keep(from, &path, to, kept);
            continue;
        }
        let content = fs::read(from.join(&path)).unwrap();
        let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let file = to.join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &content[..used]).unwrap();
        kept.push(Kept { path, bytes: content.len() as u64 });
    }
}

/// Something of everything that a journal holds.
async fn tell_a_story(journal: &SledJournal) {
    let chat = SessionId::new("chat").unwrap();
    let acme = Tenant::new("acme").unwrap();

    let mut done = Script::new("t1-done");
    journal.append(done.record(all_kinds())).await.unwrap();
    journal.append(done.say([&"large ".repeat(20_000)])).await.unwrap();
    journal.append(done.end_in(&chat, "hello", 2_000)).await.unwrap();
    let mut second = Script::new("t2-done");
    journal.append(second.end_in(&chat, "and again", 3_000)).await.unwrap();
    let pinned = vec![Message::system("be brief"), Message::user("I live in Bern")];
    journal.pin(&Tenant::local(), &chat, pinned, 4_000).await.unwrap();

    let mut keyed = Script::new("t3-keyed").of(&acme);
    let key = Some(Submission { key: "acme/order-1".to_owned(), digest: "d1".to_owned() });
    journal.append(Batch { key, ..keyed.say(["a", "b"]) }).await.unwrap();
    journal.pin(&acme, &chat, vec![Message::user("another tenant's")], 5_000).await.unwrap();

    let mut parked = Script::new("t4-parked");
    parked.head.session = Some(chat.clone());
    journal.append(parked.say(["a"])).await.unwrap();
    journal.append(parked.park(Some(9_000))).await.unwrap();

    let mut many = Script::new("t5-many");
    for n in 0..40 {
        journal.append(many.say([&format!("step {n}")])).await.unwrap();
    }
}

/// Events as they were journaled when this was written, of every shape that needs no more than words.
fn all_kinds() -> Vec<Event> {
    let told = serde_json::json!([
        { "type": "started", "history": [], "dropped_turns": 2, "labels": ["session"] },
        { "type": "resumed", "epoch": 2 },
        { "type": "model_asked", "step": 1, "attempt": 1 },
        { "type": "repair_asked", "problem": "no JSON" },
        { "type": "tool_done", "effect_id": "e-1", "output": { "celsius": 21.1, "n": 9007199254740993u64 } },
        { "type": "outcome_unknown", "effect_id": "e-2" },
        { "type": "cancel_requested", "reason": "enough" },
    ]);
    serde_json::from_value(told).unwrap()
}
