//! Damage to any file: every acknowledged record is right, or is refused by name. Never silently wrong, never
//! silently missing, and almost always healed without help (promise F4).
//!
//! Each trial takes a data directory after a clean stop or after a kill, flips a bit, cuts a file short or
//! zeroes a page, opens it as the daemon would (again, if a read found damage), checks everything, writes on,
//! and checks again after another opening.
//!
//! The short form makes a few dozen trials. The long one:
//!
//! ```text
//! PLAYHOUSE_CORRUPTION_TRIALS=2000 cargo test --release -p playhouse-journal-sled --test corruption -- --nocapture
//! ```
//!
//! `PLAYHOUSE_SEED` chooses other damage; a failure names its trial.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

#[path = "../common/mod.rs"]
mod common;
mod damage;
#[path = "../common/load.rs"]
mod load;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use common::{child, child_dir, tell, told};
use damage::{Damage, Kind};
use load::Acknowledged;
use playhouse_journal_sled::{Committer, OpenError, SledJournal};
use playhouse_ports::{Batch, Journal, JournalError};
use playhouse_testkit::suites::Script;
use tokio::{task::JoinSet, time::timeout};

/// About ten seconds.
const TRIALS: u64 = 16;
/// Different data directories that are damaged: half after a clean stop, half of them sealed.
const SAMPLES: u64 = 4;
/// Acknowledgements in each; enough for several tasks of each kind, few enough to be copied thousands of times.
const ANSWERS: usize = 120;
/// Of how many trials one may need help: 99.5 % heal by themselves.
const HELPLESS_IN: u64 = 200;
/// How often a journal that finds damage while it is read is opened again.
const REOPENINGS_MAX: usize = 3;
/// An opening that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A data directory to damage copies of.
struct Sample {
    dir: PathBuf,
    acknowledged: Acknowledged,
    stop: &'static str,
    is_sealed: bool,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Everything was right, at once.
    Right,
    /// A read found the damage, and the next opening healed it.
    Reopened,
    /// Refused by name.
    Refused,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_healed_or_named_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let (trials, seed) = (number("PLAYHOUSE_CORRUPTION_TRIALS", TRIALS), number("PLAYHOUSE_SEED", 1));
    let mut samples = Vec::new();
    for n in 0..SAMPLES {
        samples.push(sample(&dir.path().join(format!("sample-{n}")), seed << 32 | n).await);
    }
    let cleaned = samples.iter().filter(|sample| load::is_cleaned(&sample.dir)).count();
    assert!(0 < cleaned, "no sample has a log that was cleaned");
    let mut table: BTreeMap<(Kind, &str), BTreeMap<Outcome, u64>> = BTreeMap::new();
    let mut refusals = Vec::new();
    for trial in 0..trials {
        let mut random = fastrand::Rng::with_seed(seed << 32 | trial);
        let sample = &samples[random.usize(..samples.len())];
        let copy = dir.path().join(format!("trial-{trial}"));
        damage::copy(&sample.dir, &copy);
        let damage = Damage::choose(&copy, &mut random);
        damage.inflict(&copy);
        let name = format!("trial {trial} of seed {seed}, {damage} after a {} stop", sample.stop);
        let outcome = match live_on(&copy, sample, &name).await {
            Ok(outcome) => outcome,
            Err(why) => {
                refusals.push(format!("{name}: {why}"));
                Outcome::Refused
            }
        };
        *table.entry((damage.kind, sample.stop)).or_default().entry(outcome).or_default() += 1;
        fs::remove_dir_all(&copy).unwrap();
    }
    eprintln!("{}", report(&table, &refusals));
    let helpless = refusals.len() as u64;
    assert!(helpless * HELPLESS_IN <= trials.max(HELPLESS_IN), "{helpless} of {trials} needed help");
}

fn report(table: &BTreeMap<(Kind, &str), BTreeMap<Outcome, u64>>, refusals: &[String]) -> String {
    let mut text = "damage           stop     right  reopened  refused  silent\n".to_owned();
    for ((kind, stop), counts) in table {
        let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        let [right, reopened, refused] = [Outcome::Right, Outcome::Reopened, Outcome::Refused].map(count);
        writeln!(text, "{:16} {stop:7} {right:6} {reopened:9} {refused:8}       0", kind.name()).unwrap();
    }
    refusals.iter().fold(text, |text, refusal| text + refusal + "\n")
}

/// Opens and checks a damaged directory, writes on, and checks again. An error says what was refused; what is
/// wrong or missing without a word is a panic.
async fn live_on(dir: &Path, sample: &Sample, name: &str) -> Result<Outcome, String> {
    let outcome = settle(dir, sample, name).await?;
    let mut task = Script::new("written-later");
    let written = task.say(["a", "b"]);
    let outcome = outcome.max(write_on(dir, sample, written).await?);
    settle(dir, sample, name).await?;
    let (journal, committer) = open(dir, sample.is_sealed).await?;
    assert_eq!(journal.head(task.task()).await, Ok(Some(task.head)), "{name}: what was written later");
    journal.close().await;
    // It may have looked at more of the log than anybody before, and found the damage now.
    let _ = timeout(PATIENCE, committer).await.unwrap_or_else(|_| panic!("{name}: it does not end"));
    Ok(outcome)
}

/// Writes `batch`, and again as long as damage that is found beside the work keeps it from being acknowledged, or the
/// journal from closing.
async fn write_on(dir: &Path, sample: &Sample, batch: Batch) -> Result<Outcome, String> {
    let mut found = String::new();
    for attempt in 0..=REOPENINGS_MAX {
        let (journal, committer) = open(dir, sample.is_sealed).await?;
        let is_there = journal.head(&batch.head.task).await.is_ok_and(|head| head.is_some());
        let written = if is_there { Ok(()) } else { journal.append(batch.clone()).await };
        journal.close().await;
        match (written, committer.await) {
            (Ok(()), Ok(())) if attempt == 0 => return Ok(Outcome::Right),
            (Ok(()), Ok(())) => return Ok(Outcome::Reopened),
            (Err(JournalError::Unavailable(what)), _) | (_, Err(JournalError::Damaged(what))) => found = what,
            other => panic!("not a refusal by name: {other:?}"),
        }
    }
    Err(format!("write: {found}"))
}

/// Opens the journal and checks everything, and again as long as reads find damage.
async fn settle(dir: &Path, sample: &Sample, name: &str) -> Result<Outcome, String> {
    let mut found = String::new();
    for attempt in 0..=REOPENINGS_MAX {
        let (journal, committer) = open(dir, sample.is_sealed).await?;
        let (acknowledged, reader) = (sample.acknowledged.clone(), journal.clone());
        let mut check = JoinSet::new();
        check.spawn(async move { load::check(&reader, &acknowledged).await });
        let checked = check.join_next().await.unwrap().unwrap_or_else(|silent| panic!("{name}: {silent}"));
        journal.close().await;
        // It may have ended by the damage that was found.
        let _ = timeout(PATIENCE, committer).await.unwrap_or_else(|_| panic!("{name}: it does not end"));
        match checked {
            Ok(()) => return Ok(if attempt == 0 { Outcome::Right } else { Outcome::Reopened }),
            Err(JournalError::Damaged(what)) => found = what,
            // The committer ended while others were reading.
            Err(JournalError::Unavailable(what)) => found = what,
            Err(other) => panic!("{name}: {other}"),
        }
    }
    Err(format!("read: {found}"))
}

async fn open(dir: &Path, is_sealed: bool) -> Result<(SledJournal, Committer), String> {
    let opened = timeout(PATIENCE, SledJournal::open(dir, load::options(is_sealed))).await;
    opened.expect("an opening that ends").map_err(|error| match error {
        OpenError::Damaged { what, .. } => format!("open: {what}"),
        other => panic!("not a refusal by name: {other}"),
    })
}

/// Writes a data directory, and leaves it as a kill or as a clean stop does.
async fn sample(dir: &Path, seed: u64) -> Sample {
    fs::create_dir(dir).unwrap();
    let is_sealed = seed & 2 != 0;
    let mut command = child("writer", dir);
    let mut writer =
        load::seal(&mut command, is_sealed).env("PLAYHOUSE_SEED", seed.to_string()).spawn().unwrap();
    let mut answers = told(writer.stdout.take().unwrap());
    let mut acknowledged = Acknowledged::default();
    answers.by_ref().take(ANSWERS).for_each(|line| acknowledged.note(&line));
    writer.kill().unwrap();
    answers.for_each(|line| acknowledged.note(&line));
    writer.wait().unwrap();
    if seed.is_multiple_of(2) {
        return Sample { dir: dir.to_owned(), acknowledged, stop: "unclean", is_sealed };
    }
    let (journal, committer) = open(dir, is_sealed).await.unwrap();
    journal.close().await;
    committer.await.unwrap();
    Sample { dir: dir.to_owned(), acknowledged, stop: "clean", is_sealed }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started, and killed, by the test above"]
async fn writer() {
    let (journal, _committer) = SledJournal::open(child_dir(), load::options_told()).await.unwrap();
    let mut tasks = JoinSet::new();
    for name in ["l0", "s0", "c0", "c1"] {
        let seed = number("PLAYHOUSE_SEED", 1);
        tasks.spawn(load::write(journal.clone(), name.to_owned(), seed, Arc::new(tell)));
    }
    let error = tasks.join_next().await.unwrap().unwrap();
    panic!("the journal refused: {error}");
}
