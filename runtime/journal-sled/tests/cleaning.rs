//! The log gives space back segment by segment, and still holds every live row: whatever was written, whenever it was
//! cleaned, the index can be made again from the log alone.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use common::{OnDisk, OnLog, check, options, text};
use playhouse_core::{
    id::{SessionId, TaskId, Tenant},
    message::Message,
};
use playhouse_journal_sled::{Options, SledJournal, offline};
use playhouse_ports::{Batch, Context, Journal};
use playhouse_testkit::suites::{Fixture, Script};
use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, prop_oneof},
    proptest,
};
use tokio::task::JoinSet;

/// How long the journal may take to clean what is due.
const PATIENCE: Duration = Duration::from_secs(20);

/// Segments of a few commits, cleaned as soon as there is any waste; a generation of its own only for the index.
fn eager(segment_bytes: u64) -> Options {
    let index_waste_bytes = 1 << 40;
    let eager = Options { log_percent: 110, waste_bytes: 0, index_waste_bytes, ..options() };
    Options { segment_bytes, checkpoint_bytes: 8 << 10, ..eager }
}

/// Tasks come, end and are forgotten, while some stay.
async fn churn(journal: &SledJournal, writer: usize, rounds: usize) {
    let mut stays = Script::new(&format!("stays-{writer}"));
    for round in 0..rounds {
        let seq = stays.head.next_seq;
        let session = SessionId::new(format!("session-{}", round % 3)).unwrap();
        let turn = Some((session, stays.turn("so far", seq)));
        journal.append(Batch { turn, ..stays.say([&text(stays.task().as_str(), seq)]) }).await.unwrap();
        let mut goes = Script::new(&format!("goes-{writer}-{round}"));
        journal.append(goes.say([&"waste ".repeat(2000)])).await.unwrap();
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
    let turns: u64 = journal.sessions().await.unwrap().iter().map(|meta| meta.turns).sum();
    assert_eq!(turns, 3 * writers as u64, "each task has a turn in each of three sessions");
}

/// The numbers of the log's segments.
fn segments(dir: &Path) -> Vec<u32> {
    let generations = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let generation = generations.filter(|path| path.join("log").is_dir()).max().unwrap();
    let names = fs::read_dir(generation.join("log")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<u32> =
        names.filter_map(|name| name.strip_suffix(".log").map(|number| number.parse().unwrap())).collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_cleaned_under_writes_has_every_live_row() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 60;
    let disk = OnDisk::with(eager(32 << 10));
    let journal = disk.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let journal = journal.clone();
        writers.spawn(async move { churn(&journal, writer, ROUNDS).await });
    }
    writers.join_all().await;
    let cleaned = journal.stats().await.unwrap().cleaned;
    assert!(10 < cleaned, "{cleaned} segments were cleaned");
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;
    assert!(1 < segments(disk.path())[0], "the first segment is still there");
    // Every row of the index is in the log, and the other way round.
    let report = offline::verify(disk.path(), &eager(32 << 10)).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);

    let journal = disk.open().await;
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;
    let generations = fs::read_dir(disk.path().join("journal")).unwrap();
    let generation =
        generations.map(|entry| entry.unwrap().path()).filter(|path| path.join("sled").is_dir()).max();
    fs::remove_dir_all(generation.unwrap().join("sled")).unwrap();
    let journal = disk.open().await;
    verify(&journal, WRITERS, ROUNDS).await;
    disk.close(journal).await;
}

/// A journal with a log of a few segments, the oldest of which are gone.
async fn cleaned() -> OnDisk {
    let disk = OnDisk::with(eager(32 << 10));
    let journal = disk.open().await;
    churn(&journal, 0, 40).await;
    let wait = async {
        while journal.stats().await.unwrap().cleaned < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("segments are cleaned");
    disk.close(journal).await;
    disk
}

#[tokio::test]
async fn a_lost_first_segment_is_noticed_and_healed() {
    let disk = cleaned().await;
    let first = segments(disk.path())[0];
    let log = |number: u32| disk.path().join(format!("journal/gen-1/log/{number:08}.log"));
    fs::remove_file(log(first)).unwrap();
    let report = offline::verify(disk.path(), &eager(32 << 10)).unwrap();
    assert!(!report.findings.is_empty(), "nobody misses the first segment");
    let journal = disk.open().await;
    assert_eq!(journal.stats().await.unwrap().generation, 2, "a new log is made from the index");
    verify(&journal, 1, 40).await;
    disk.close(journal).await;
}

#[tokio::test]
async fn segments_that_a_crash_left_behind_go_and_count_for_nothing() {
    let disk = cleaned().await;
    let first = segments(disk.path())[0];
    let log = |number: u32| disk.path().join(format!("journal/gen-1/log/{number:08}.log"));
    // One that is whole but from elsewhere in the past, and one that is damaged.
    let journal = disk.open().await;
    let before = fs::read(log(segments(disk.path())[0])).unwrap();
    churn(&journal, 1, 30).await;
    disk.close(journal).await;
    let now = segments(disk.path())[0];
    assert!(first < now, "nothing was cleaned meanwhile");
    fs::write(log(now - 1), &before).unwrap();
    fs::write(log(now - 2), b"PLOG damaged").unwrap();
    let report = offline::verify(disk.path(), &eager(32 << 10)).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let journal = disk.open().await;
    assert!(!log(now - 1).exists() && !log(now - 2).exists(), "they are still there");
    assert_eq!(journal.stats().await.unwrap().generation, 1);
    assert_eq!(check(&journal, &TaskId::new("stays-0").unwrap()).await, 40);
    assert_eq!(check(&journal, &TaskId::new("stays-1").unwrap()).await, 30);
    disk.close(journal).await;
}

#[tokio::test]
async fn what_was_exported_is_proved_after_the_log_was_cleaned() {
    let disk = cleaned().await;
    let mut export = Vec::new();
    offline::export(disk.path(), &eager(32 << 10), &mut export).unwrap();
    let journal = disk.open().await;
    churn(&journal, 1, 30).await;
    disk.close(journal).await;
    let proof = offline::prove(disk.path(), &eager(32 << 10), &mut export.as_slice()).unwrap();
    assert!(proof.holds(), "{:?}", proof.rewritten);
    assert!(0 < proof.replaced && 0 < proof.appends, "{proof:?}");
}

/// Something that happens to a journal.
#[derive(Debug, Clone)]
enum Act {
    /// Task `n` says so many bytes.
    Say(usize, usize),
    End(usize),
    Forget(usize),
    Pin(usize),
    /// The journal is closed and opened again; the index in memory is made again from the log.
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    // Up to what is kept in pieces, and beyond what is kept in a file.
    let bytes = prop_oneof![6 => 1..3000usize, 2 => 30_000..60_000usize, 1 => Just(90_000usize)];
    let act = prop_oneof![
        8 => (0..5usize, bytes).prop_map(|(task, bytes)| Act::Say(task, bytes)),
        2 => (0..5usize).prop_map(Act::End),
        3 => (0..5usize).prop_map(Act::Forget),
        1 => (0..40_000usize).prop_map(Act::Pin),
        1 => Just(Act::Reopen),
    ];
    vec(act, 60..160)
}

/// What there must be: what each task said, and what is pinned.
#[derive(Default)]
struct World {
    scripts: BTreeMap<usize, Script>,
    said: BTreeMap<String, Vec<usize>>,
    made: usize,
    pinned: Option<usize>,
}

impl World {
    async fn act(&mut self, journal: &SledJournal, act: &Act) {
        let session = SessionId::new("chat").unwrap();
        match *act {
            Act::Say(task, bytes) => {
                let made = &mut self.made;
                let script = self.scripts.entry(task).or_insert_with(|| {
                    *made += 1;
                    Script::new(&format!("t{made}"))
                });
                if script.head.status.is_final() {
                    return;
                }
                journal.append(script.say([&"x".repeat(bytes)])).await.unwrap();
                self.said.entry(script.task().to_string()).or_default().push(bytes);
            }
            Act::End(task) => {
                let Some(script) = self.scripts.get_mut(&task) else { return };
                if !script.head.status.is_final() {
                    journal.append(script.end_in(&session, "bye", 1)).await.unwrap();
                }
            }
            Act::Forget(task) => {
                let Some(mut script) = self.scripts.remove(&task) else { return };
                if !script.head.status.is_final() {
                    journal.append(script.end()).await.unwrap();
                }
                assert!(journal.forget(script.task()).await.unwrap());
                self.said.remove(script.task().as_str());
            }
            Act::Pin(bytes) => {
                let message = Message::user("p".repeat(bytes));
                journal.pin(&Tenant::local(), &session, vec![message], 1).await.unwrap();
                self.pinned = Some(bytes);
            }
            Act::Reopen => unreachable!("whoever has the files does that"),
        }
    }

    async fn check(&self, journal: &SledJournal) {
        for (name, said) in &self.said {
            let task = TaskId::new(name.as_str()).unwrap();
            let records = journal.read(&task, 0, usize::MAX).await.unwrap();
            let lengths: Vec<_> = records
                .iter()
                .filter_map(|record| match &record.event {
                    playhouse_core::task::Event::RepairAsked { problem } => Some(problem.len()),
                    _ => None,
                })
                .collect();
            assert_eq!(lengths, *said, "{name}");
        }
        assert_eq!(journal.heads(None, 1000).await.unwrap().len(), self.said.len());
        let chat = journal.session(&Tenant::local(), &SessionId::new("chat").unwrap()).await.unwrap();
        let pinned = chat.into_iter().flat_map(|chat| chat.pinned).next();
        assert_eq!(pinned, self.pinned.map(|bytes| Message::user("p".repeat(bytes))));
    }
}

async fn live(disk: &impl Fixture<Store = SledJournal>, acts: &[Act]) -> u64 {
    let (mut world, mut cleaned) = (World::default(), 0);
    let mut journal = disk.open().await;
    for act in acts {
        if matches!(act, Act::Reopen) {
            cleaned += journal.stats().await.unwrap().cleaned;
            disk.close(journal).await;
            journal = disk.open().await;
            world.check(&journal).await;
        } else {
            world.act(&journal, act).await;
        }
    }
    world.check(&journal).await;
    cleaned += journal.stats().await.unwrap().cleaned;
    disk.close(journal).await;
    let journal = disk.open().await;
    world.check(&journal).await;
    disk.close(journal).await;
    cleaned
}

#[test]
fn whatever_is_written_and_cleaned_the_log_alone_restores() {
    let total = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(8), |(acts in acts())| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let disk = OnLog::with(eager(4 << 10));
        total.set(total.get() + runtime.block_on(live(&disk, &acts)));
    });
    assert!(8 < total.get(), "{} segments were cleaned", total.get());
}

#[test]
fn whatever_is_written_and_cleaned_log_and_index_agree() {
    let total = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(4), |(acts in acts())| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let disk = OnDisk::with(eager(4 << 10));
        total.set(total.get() + runtime.block_on(live(&disk, &acts)));
        let report = offline::verify(disk.path(), &eager(4 << 10)).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    });
    assert!(4 < total.get(), "{} segments were cleaned", total.get());
}
