//! A power cut: nothing acknowledged is lost, and the journal opens (promise F3).
//!
//! The writer runs below a library that keeps only what was synced (`shim.c`), is killed at any moment, and
//! what it wrote is put back as a disk would have it: strictly what was synced, and in every other round with
//! a random part of what was not. Values have 200 bytes to 64 KiB, batches 1 to 1,024 records.
//!
//! The short form runs a few rounds. The long one:
//!
//! ```text
//! PLAYHOUSE_POWERLOSS_ROUNDS=200 cargo test --release -p playhouse-journal-sled --test powerloss -- --nocapture
//! ```
//!
//! `PLAYHOUSE_SEED` chooses other moments and values.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
#[path = "../common/load.rs"]
mod load;

use std::{
    fs,
    io::Write,
    path::Path,
    process::Child,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{child, child_dir, tell, told};
use disk::{Disk, Knob};
use load::Acknowledged;
use playhouse_journal_sled::{Options, SledJournal};
use tokio::task::JoinSet;

/// About 15 seconds; each writer is killed after another amount of work.
const ROUNDS: u64 = 6;
/// A disk is replaced by an empty one after so many rounds, so that its growth does not slow the others.
const ROUNDS_PER_DISK: u64 = 2;
/// The longest life of a writer that is killed by the clock, while it opens as likely as not.
const LIFE_MS_MAX: u64 = 120;
/// The most acknowledgements after which a writer is killed.
const ANSWERS_MAX: usize = 400;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Starts the ignored test `name` on `disk`.
fn start(name: &str, disk: &Disk, seed: u64, is_sealed: bool) -> Child {
    let mut command = child(name, &disk.data());
    disk.preload(&mut command);
    load::seal(&mut command, is_sealed).env("PLAYHOUSE_SEED", seed.to_string()).spawn().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut() {
    let dir = tempfile::tempdir().unwrap();
    let library = disk::build(dir.path());
    let (rounds, seed) = (number("PLAYHOUSE_POWERLOSS_ROUNDS", ROUNDS), number("PLAYHOUSE_SEED", 1));
    let (mut records, mut cuts_while_opening, mut syncs, mut cleaned) = (0, 0, 0, 0);
    let mut disk = Disk::new(&dir.path().join("first"), &library);
    let mut acknowledged = Acknowledged::default();
    for round in 0..rounds {
        if round % ROUNDS_PER_DISK == 0 && 0 < round {
            records += acknowledged.records();
            acknowledged = Acknowledged::default();
            fs::remove_dir_all(disk.data().parent().unwrap()).unwrap();
            disk = Disk::new(&dir.path().join(format!("new-{round}")), &library);
        }
        // Every other disk is sealed.
        let is_sealed = (round / ROUNDS_PER_DISK) % 2 == 1;
        let mut random = fastrand::Rng::with_seed(seed << 32 | round);
        let before = acknowledged.records();
        let told = live_and_die(start("writer", &disk, seed << 32 | round, is_sealed), &mut random);
        told.iter().for_each(|line| acknowledged.note(line));
        cuts_while_opening += u64::from(acknowledged.records() == before);
        syncs += disk.get(Knob::Syncs);
        cleaned += u64::from(load::is_cleaned(&disk.data()));
        let torn = (round % 2 == 1).then_some(random);
        disk = disk.cut(&dir.path().join(format!("after-{round}")), torn);
        let again = format!("in round {round} of seed {seed}");
        verify(&disk.data(), load::options(is_sealed), &acknowledged, &again).await;
        disk.mount();
    }
    records += acknowledged.records();
    eprintln!(
        "power cuts: {rounds} ({cuts_while_opening} before the first acknowledgement, {cleaned} in a log that was \
         cleaned), {syncs} syncs, {records} records acknowledged, 0 lost, 0 unopenable"
    );
    assert!(0 < cleaned, "no log was cleaned");
    assert!(records > 100 * rounds, "the writers hardly wrote: {records} records");
}

/// Lets the writer work for a while, cuts its power, and returns what it told.
fn live_and_die(mut writer: Child, random: &mut fastrand::Rng) -> Vec<String> {
    let mut answers = told(writer.stdout.take().unwrap());
    let mut lines = Vec::new();
    if random.u8(..) < 64 {
        let end = Instant::now() + Duration::from_millis(random.u64(..LIFE_MS_MAX));
        while let Some(rest) = end.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(rest);
        }
    } else {
        lines.extend(answers.by_ref().take(random.usize(1..ANSWERS_MAX)));
    }
    writer.kill().unwrap();
    lines.extend(answers);
    writer.wait().unwrap();
    lines
}

async fn verify(data: &Path, options: Options, acknowledged: &Acknowledged, again: &str) {
    let opened = SledJournal::open(data, options).await;
    let (journal, committer) = opened.unwrap_or_else(|error| panic!("unopenable {again}: {error}"));
    load::check(&journal, acknowledged).await.unwrap_or_else(|error| panic!("lost {again}: {error}"));
    journal.close().await;
    committer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started, and killed, by the test above"]
async fn writer() {
    let (journal, _committer) = SledJournal::open(child_dir(), load::options_told()).await.unwrap();
    let seed = number("PLAYHOUSE_SEED", 1);
    let mut tasks = JoinSet::new();
    for name in ["l0", "l1", "s0", "s1", "c0", "c1", "c2", "c3"] {
        tasks.spawn(load::write(journal.clone(), name.to_owned(), seed, Arc::new(tell)));
    }
    let error = tasks.join_next().await.unwrap().unwrap();
    panic!("the journal refused: {error}");
}

/// The model of the power cut bites: who does not sync, or trusts sled's `flush` to, loses everything.
#[test]
fn a_writer_that_does_not_sync_loses_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let library = disk::build(dir.path());
    for name in ["careless_writer", "trusting_writer"] {
        let disk = Disk::new(&dir.path().join(name), &library);
        let mut writer = start(name, &disk, 1, false);
        let acknowledged = told(writer.stdout.take().unwrap()).take(100).count();
        writer.kill().unwrap();
        writer.wait().unwrap();
        let disk = disk.cut(&dir.path().join(format!("{name}-after")), None);
        let found = match name {
            "careless_writer" => fs::read(disk.data().join("log")).map_or(0, |bytes| bytes.len() / 8),
            _ => sled::open(disk.data()).map_or(0, |db| db.len()),
        };
        assert_eq!(acknowledged, 100);
        assert!(found < acknowledged, "{name} lost nothing: {found} of {acknowledged}");
    }
}

/// And it forgives whoever syncs file and directory, but not who leaves out the directory.
#[test]
fn bytes_need_their_sync_and_names_need_that_of_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    let library = disk::build(dir.path());
    let disk = Disk::new(&dir.path().join("disk"), &library);
    let mut writer = start("careful_writer", &disk, 1, false);
    assert!(writer.wait().unwrap().success());
    let disk = disk.cut(&dir.path().join("after"), None);
    let mut names: Vec<_> =
        fs::read_dir(disk.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["kept", "old-name"]);
    assert_eq!(fs::read(disk.data().join("kept")).unwrap(), b"synced");
    assert_eq!(fs::read(disk.data().join("old-name")).unwrap(), b"content");
}

#[test]
#[ignore = "started by a test above"]
fn careful_writer() {
    let dir = child_dir();
    let write = |name: &str, bytes: &[u8]| {
        let mut file = fs::File::create(dir.join(name)).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        file
    };
    let mut kept = write("kept", b"synced");
    write("old-name", b"content");
    fs::File::open(&dir).unwrap().sync_all().unwrap();
    kept.write_all(b" and not").unwrap();
    write("nameless", b"synced");
    fs::rename(dir.join("old-name"), dir.join("new-name")).unwrap();
}

#[test]
#[ignore = "started, and killed, by a test above"]
fn careless_writer() {
    let mut log = fs::File::create(child_dir().join("log")).unwrap();
    fs::File::open(child_dir()).unwrap().sync_all().unwrap();
    for n in 0u64.. {
        log.write_all(&n.to_be_bytes()).unwrap();
        tell(&n.to_string());
    }
}

#[test]
#[ignore = "started, and killed, by a test above"]
fn trusting_writer() {
    let db = sled::Config::new().path(child_dir()).flush_every_ms(None).open().unwrap();
    for n in 0u64.. {
        db.insert(n.to_be_bytes(), b"value").unwrap();
        db.flush().unwrap();
        tell(&n.to_string());
    }
}
