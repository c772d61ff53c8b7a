//! A process that dies while the log is cleaned, before or after anything that a crash could tear: nothing
//! acknowledged is lost, nothing that was forgotten is back, and log and index agree.
#![allow(clippy::unwrap_used, reason = "what helps a test may panic like one")]

mod common;
#[path = "common/load.rs"]
mod load;

use std::sync::Arc;

use common::{child, child_dir, tell, told};
use load::Acknowledged;
use playhouse_journal_sled::{Options, SledJournal, offline};
use playhouse_ports::crash::{At, Point, Side, abort_at};
use tokio::task::JoinSet;

const CRASH_AT: &str = "PLAYHOUSE_TEST_CRASH_AT";
/// A writer that meets its end later than this many answers does not meet it.
const ANSWERS_MAX: usize = 3000;
/// What moves the base of a log, and removes a segment.
const POINTS: [Point; 6] =
    [Point::LogClean, Point::FileSync, Point::FileRename, Point::DirSync, Point::LogAppend, Point::IndexSync];
/// Which passing of a point is the last. An opening passes some of them a few times.
const NTH: [u64; 2] = [3, 40];

/// A log that is cleaned all the time.
fn options() -> Options {
    let options = load::options(false);
    Options { segment_bytes: 32 << 10, checkpoint_bytes: 32 << 10, index_waste_bytes: 1 << 40, ..options }
}

#[tokio::test]
async fn a_process_that_dies_while_the_log_is_cleaned_loses_nothing() {
    let mut cleaned = 0;
    for (point, side) in POINTS.iter().flat_map(|point| Side::BOTH.map(|side| (*point, side))) {
        let dir = tempfile::tempdir().unwrap();
        let mut acknowledged = Acknowledged::default();
        for nth in NTH {
            let at = At { point, side, nth };
            let mut command = child("writer", dir.path());
            let mut writer = command.env(CRASH_AT, at.to_string()).spawn().unwrap();
            let answers = told(writer.stdout.take().unwrap());
            let answers = answers.take(ANSWERS_MAX).map(|line| acknowledged.note(&line)).count();
            assert!(answers < ANSWERS_MAX, "it did not die at {at}");
            assert!(!writer.wait().unwrap().success(), "it ended by itself at {at}");
            cleaned += usize::from(load::is_cleaned(dir.path()));
            let (journal, committer) = SledJournal::open(dir.path(), options()).await.unwrap();
            load::check(&journal, &acknowledged).await.unwrap_or_else(|error| panic!("{at}: {error}"));
            journal.close().await;
            committer.await.unwrap();
            let report = offline::verify(dir.path(), &options()).unwrap();
            // A large value whose writer died on the way to the log is named by nobody, and waits for a sweep.
            let is_of_rows = |finding: &&offline::Finding| !finding.place.starts_with("journal/blobs/");
            assert_eq!(report.findings.iter().find(is_of_rows), None, "{at}");
        }
    }
    assert!(POINTS.len() < cleaned, "only {cleaned} processes cleaned their log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started, and killed, by the test above"]
async fn writer() {
    let at = std::env::var(CRASH_AT).unwrap();
    let seed = at.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
    assert!(abort_at(at.parse().unwrap()), "nobody else armed a point");
    let (journal, _committer) = SledJournal::open(child_dir(), options()).await.unwrap();
    let mut tasks = JoinSet::new();
    for name in ["s0", "c0", "c1", "c2"] {
        tasks.spawn(load::write(journal.clone(), name.to_owned(), seed, Arc::new(tell)));
    }
    let error = tasks.join_next().await.unwrap().unwrap();
    panic!("the journal refused: {error}");
}
