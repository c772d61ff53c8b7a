//! `kill -9` while four tasks write: nothing acknowledged is lost, nothing is half there.
//!
//! This shows that commits are atomic and recovered. It says nothing about a power cut, which also takes the
//! kernel's memory.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::collections::HashMap;

use common::{OnDisk, check, child, child_dir, options, tell, text, told};
use playhouse_core::id::{SessionId, TaskId};
use playhouse_journal_sled::SledJournal;
use playhouse_ports::{Batch, Context, Journal};
use playhouse_testkit::suites::{Fixture, Script};
use tokio::task::JoinSet;

/// Enough to meet a commit in every stage now and then; set `PLAYHOUSE_CRASH_ROUNDS` for a night's run.
const ROUNDS: usize = 10;
const TASKS: [&str; 4] = ["t0", "t1", "t2", "t3"];

fn rounds() -> usize {
    std::env::var("PLAYHOUSE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

fn session() -> SessionId {
    SessionId::new("chat").unwrap()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let disk = OnDisk::new();
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for round in 0..rounds() {
        let mut writer = child("writer", disk.path()).spawn().unwrap();
        let mut answers = told(writer.stdout.take().unwrap());
        // A different number each time, so that the kill meets the committer at different work.
        for line in answers.by_ref().take(1 + round * 37 % 300) {
            note(&mut acknowledged, &line);
        }
        writer.kill().unwrap();
        answers.for_each(|line| note(&mut acknowledged, &line));
        writer.wait().unwrap();
        verify(&disk, &acknowledged).await;
    }
}

/// Remembers the acknowledgement `task seq`.
fn note(acknowledged: &mut HashMap<String, u64>, line: &str) {
    let (task, seq) = line.split_once(' ').unwrap();
    acknowledged.insert(task.to_owned(), seq.parse().unwrap());
}

async fn verify(disk: &OnDisk, acknowledged: &HashMap<String, u64>) {
    let journal = disk.open().await;
    let mut there = 0;
    for (task, seq) in acknowledged {
        let next = check(&journal, &TaskId::new(task.as_str()).unwrap()).await;
        assert!(*seq < next, "record {seq} of {task} was acknowledged, but the journal ends at {next}");
        there += 1;
    }
    // Every batch wrote its task's turn too.
    let open = journal.open().await.unwrap().len();
    assert!(there <= open);
    let [meta] = journal.sessions().await.unwrap().try_into().unwrap();
    assert_eq!(meta.turns, open as u64);
    disk.close(journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started, and killed, by the test above"]
async fn writer() {
    let (journal, _committer) = SledJournal::open(child_dir(), options()).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in TASKS {
        let journal = journal.clone();
        tasks.spawn(async move { write_for_ever(&journal, task).await });
    }
    tasks.join_all().await;
}

async fn write_for_ever(journal: &SledJournal, task: &str) {
    let mut script = Script::new(task);
    if let Some(head) = journal.head(script.task()).await.unwrap() {
        script.head = head;
    }
    loop {
        let seq = script.head.next_seq;
        let turn = Some((session(), script.turn("so far", seq)));
        let batch = Batch { turn, ..script.say([&text(task, seq)]) };
        journal.append(batch).await.unwrap();
        tell(&format!("{task} {seq}"));
    }
}
