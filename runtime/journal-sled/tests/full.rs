//! A disk without room: a typed error, nothing acknowledged lost, and life goes on once there is room.
//!
//! The room is taken away by a limit on file size, which needs no privileges and fails the same writes
//! with the same kind of error as a full device.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::process::{Command, Stdio};

use common::{OnDisk, check, child, child_dir, options, tell, text, told};
use playhouse_core::task::Event;
use playhouse_journal_sled::SledJournal;
use playhouse_ports::{Journal, JournalError};
use playhouse_testkit::suites::{Fixture, Script};

/// One and a half segments of the engine, in the shell's blocks of 512 bytes.
const LIMIT_BLOCKS: usize = (12 << 20) / 512;
/// Records in each append, to get there soon.
const BATCH: u64 = 16;

#[tokio::test]
async fn a_full_disk_is_a_typed_error_and_loses_nothing() {
    let disk = OnDisk::new();
    let writer = child("writer", disk.path());
    // The shell sets the limit and ignores the signal that would end the process; both are inherited.
    let script = format!("trap '' XFSZ; ulimit -f {LIMIT_BLOCKS}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(writer.get_program()).args(writer.get_args()).stdout(Stdio::piped());
    for (name, value) in writer.get_envs() {
        shell.env(name, value.unwrap());
    }
    let mut writer = shell.spawn().unwrap();
    let lines: Vec<_> = told(writer.stdout.take().unwrap()).collect();
    assert!(writer.wait().unwrap().success(), "the writer failed: {lines:?}");

    let acknowledged = BATCH * lines.iter().filter(|line| *line == "ack").count() as u64;
    assert!(acknowledged > 20 * BATCH, "only {acknowledged} appends went well");
    let after: Vec<_> = lines.iter().filter(|line| *line != "ack").map(String::as_str).collect();
    assert_eq!(after, ["append: full", "again: full", "committer: full", "closed"]);

    let journal = disk.open().await;
    let mut task = Script::new("t");
    let there = check(&journal, task.task()).await;
    assert!(acknowledged <= there, "{acknowledged} were acknowledged, {there} are there");
    task.head = journal.head(task.task()).await.unwrap().unwrap();
    journal.append(task.say([&text("t", there)])).await.unwrap();
    assert_eq!(check(&journal, task.task()).await, there + 1);
    disk.close(journal).await;
}

#[tokio::test]
#[ignore = "started by the test above, under a limit"]
async fn writer() {
    let (journal, committer) = SledJournal::open(child_dir(), options()).await.unwrap();
    let mut task = Script::new("t");
    let error = loop {
        let seqs = task.head.next_seq..task.head.next_seq + BATCH;
        let event = |seq| Event::RepairAsked { problem: text("t", seq) };
        match journal.append(task.record(seqs.map(event))).await {
            Ok(()) => tell("ack"),
            Err(error) => break error,
        }
    };
    let name = |error: &JournalError| match error {
        JournalError::Full(_) => "full".to_owned(),
        other => other.to_string(),
    };
    tell(&format!("append: {}", name(&error)));
    let again = journal.append(Script::new("other").say(["a"])).await.unwrap_err();
    tell(&format!("again: {}", name(&again)));
    tell(&format!("committer: {}", name(&committer.await.unwrap_err())));
    // Reads are refused too: the files are closed, so that the journal can be opened again.
    journal.head(task.task()).await.unwrap_err();
    tell("closed");
}
