//! Space comes back, nothing is lost on the way: a new generation is made while the old one is written.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::time::Duration;

use common::{OnDisk, OnLog, check, options, text};
use playhouse_core::id::TaskId;
use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use playhouse_testkit::suites::{Fixture, Script};
use tokio::task::JoinSet;

/// A new generation as soon as there is any waste, looked for at every checkpoint.
fn eager() -> Options {
    Options { waste_bytes: 0, index_waste_bytes: 0, checkpoint_bytes: 256 << 10, ..options() }
}

/// Tasks come, end and are forgotten, while some stay: at the end all that should be there is, in any generation.
async fn churn(journal: &SledJournal, writer: usize, rounds: usize, waste: usize) {
    let mut stays = Script::new(&format!("stays-{writer}"));
    for round in 0..rounds {
        let seq = stays.head.next_seq;
        journal.append(stays.say([&text(stays.task().as_str(), seq)])).await.unwrap();
        let mut goes = Script::new(&format!("goes-{writer}-{round}"));
        journal.append(goes.say([&"waste ".repeat(waste)])).await.unwrap();
        journal.append(goes.end()).await.unwrap();
        assert!(journal.forget(goes.task()).await.unwrap());
    }
}

async fn verify(journal: &SledJournal, writers: usize, rounds: usize) {
    for writer in 0..writers {
        let task = TaskId::new(format!("stays-{writer}")).unwrap();
        assert_eq!(check(journal, &task).await, rounds as u64);
    }
    assert_eq!(journal.heads(None, 1000).await.unwrap().len(), writers);
    assert_eq!(Journal::open(journal).await.unwrap().len(), writers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_generation_made_under_writes_has_all_that_was_acknowledged() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 60;
    let disk = OnDisk::with(eager());
    let journal = disk.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let journal = journal.clone();
        writers.spawn(async move { churn(&journal, writer, ROUNDS, 400).await });
    }
    writers.join_all().await;
    let generation = journal.stats().await.unwrap().generation;
    assert!(generation > 1, "no new generation was made");
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;

    let journal = disk.open().await;
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;
    // The log alone is enough, too.
    let generation = generations(&disk).pop().unwrap();
    std::fs::remove_dir_all(disk.path().join("journal").join(generation).join("sled")).unwrap();
    let journal = disk.open().await;
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;
}

fn generations(disk: &OnDisk) -> Vec<String> {
    let names = std::fs::read_dir(disk.path().join("journal")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<_> = names.filter(|name| name.starts_with("gen-")).collect();
    all.sort();
    all
}

#[tokio::test]
async fn without_threads_a_new_generation_is_made_where_it_stands() {
    let disk = OnLog::with(eager());
    let journal = disk.open().await;
    churn(&journal, 0, 60, 8000).await;
    assert!(journal.stats().await.unwrap().generation > 1);
    verify(&journal, 1, 60).await;
    disk.close(journal).await;
    let journal = disk.open().await;
    verify(&journal, 1, 60).await;
    disk.close(journal).await;
}

/// What is left of a generation whose maker was killed counts for nothing.
#[tokio::test]
async fn a_half_made_generation_is_removed() {
    let disk = OnDisk::new();
    let journal = disk.open().await;
    churn(&journal, 0, 3, 1).await;
    disk.close(journal).await;
    let half = disk.path().join("journal/gen-2/log");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::copy(disk.path().join("journal/gen-1/log/00000001.log"), half.join("00000001.log")).unwrap();
    let journal = disk.open().await;
    verify(&journal, 1, 3).await;
    disk.close(journal).await;
    assert_eq!(generations(&disk), ["gen-1"]);
}

/// L7: disk ≤ 4 × live + 256 MiB. The churn writes many times that; set `PLAYHOUSE_CHURN_MIB` for a longer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn churn_never_takes_more_than_four_times_what_lives() {
    const MIB: u64 = 1 << 20;
    let total = std::env::var("PLAYHOUSE_CHURN_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    // A small allowance, so that a short test meets it often.
    let disk = OnDisk::with(Options { waste_bytes: 4 * MIB, checkpoint_bytes: MIB, ..options() });
    let journal = disk.open().await;
    let (mut written, mut most) = (0, 0);
    for round in 0.. {
        let mut task = Script::new(&format!("t{round}"));
        journal.append(task.say([&"x".repeat(200 << 10), "and more"])).await.unwrap();
        journal.append(task.end()).await.unwrap();
        journal.forget(task.task()).await.unwrap();
        written += 200 << 10;
        let stats = journal.stats().await.unwrap();
        most = most.max(stats.disk_bytes.saturating_sub(4 * stats.live_bytes));
        if total * MIB <= written {
            break;
        }
    }
    // The allowance, what came between two looks, and one segment of sled.
    assert!(most <= 64 * MIB, "{} MiB on disk beyond four times what lives", most / MIB);
    // Every file of an old generation goes, soon.
    let gone = async {
        while generations(&disk).len() > 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    disk.close(journal).await;
}
