//! What the tests of this crate share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use playhouse_core::{id::TaskId, task::Event};
use playhouse_journal_sled::{Committer, Options, RealDisk, SledJournal};
use playhouse_ports::{Journal, JournalError};
use playhouse_testkit::suites::Fixture;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// As in production, without the space kept in reserve.
pub(crate) fn options() -> Options {
    Options { ballast_bytes: 0, ..Options::default() }
}

/// Opens the index of the journal in `dir` behind its back. sled's lock outlives the `Db` that was closed
/// before by an instant, while its threads let go of the file: that is waited for.
pub(crate) fn index(dir: &Path) -> sled::Db {
    let dir = dir.join("journal/gen-1/sled");
    File::open(dir.join("db")).unwrap().lock().unwrap();
    sled::Config::new().path(dir).segment_size(4 << 20).open().unwrap()
}

/// A journal in a directory that goes with it.
pub(crate) struct OnDisk {
    dir: TempDir,
    options: Options,
    committer: Mutex<Option<Committer>>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), options, committer: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Waits until the committer of the open journal has ended by itself.
    pub(crate) async fn ended(&self) -> Result<(), JournalError> {
        let committer = self.committer.lock().unwrap().take().unwrap();
        committer.await
    }
}

impl Fixture for OnDisk {
    type Store = SledJournal;

    async fn open(&self) -> SledJournal {
        let (journal, committer) = SledJournal::open(self.path(), self.options.clone()).await.unwrap();
        *self.committer.lock().unwrap() = Some(committer);
        journal
    }

    /// Every case that closes also shows that nothing was spilled into files that are never synced.
    async fn close(&self, journal: SledJournal) {
        assert_eq!(journal.stats().await.unwrap().blobs, 0);
        journal.close().await;
        let committer = self.committer.lock().unwrap().take().unwrap();
        committer.await.unwrap();
    }
}

/// A log on the real disk with an index in memory, as a simulation has it: the committer is a task.
pub(crate) struct OnLog {
    dir: TempDir,
    options: Options,
    committer: Mutex<Option<JoinSet<Result<(), JournalError>>>>,
}

impl OnLog {
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), options, committer: Mutex::default() }
    }
}

impl Fixture for OnLog {
    type Store = SledJournal;

    async fn open(&self) -> SledJournal {
        let disk = Arc::new(RealDisk);
        let (journal, committer) = SledJournal::open_on(disk, self.dir.path(), self.options.clone()).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(committer);
        *self.committer.lock().unwrap() = Some(tasks);
        journal
    }

    async fn close(&self, journal: SledJournal) {
        journal.close().await;
        let mut committer = self.committer.lock().unwrap().take().unwrap();
        committer.join_next().await.unwrap().unwrap().unwrap();
    }
}

/// Runs the ignored test `name` of this binary in a process of its own, with `dir` to work in.
pub(crate) fn child(name: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(DIR, dir).stdout(Stdio::piped());
    command
}

/// In the child: the directory to work in.
pub(crate) fn child_dir() -> PathBuf {
    std::env::var_os(DIR).expect("a parent starts this test").into()
}

/// In the child: tells the parent. One write, so that a kill never leaves half a line behind a whole one.
pub(crate) fn tell(line: &str) {
    std::io::stdout().lock().write_all(format!("{PREFIX}{line}\n").as_bytes()).unwrap();
}

/// In the parent: what the child told, without the test harness's own words.
pub(crate) fn told(output: impl Read) -> impl Iterator<Item = String> {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once(PREFIX).map(|(_, told)| told.to_owned()))
}

const DIR: &str = "PLAYHOUSE_TEST_DIR";
const PREFIX: &str = "told: ";

/// What record `seq` of any task says in these tests: a function of its place, now and then a large one.
pub(crate) fn text(task: &str, seq: u64) -> String {
    let copies = if seq % 16 == 7 { 8_000 } else { 5 };
    format!("{task}.{seq} ").repeat(copies)
}

/// Checks every record of `task` and returns how many there are.
pub(crate) async fn check(journal: &SledJournal, task: &TaskId) -> u64 {
    let Some(head) = journal.head(task).await.unwrap() else { return 0 };
    let records = journal.read(task, 0, usize::MAX).await.unwrap();
    assert_eq!(records.len() as u64, head.next_seq, "records of {task}");
    for (seq, record) in (0..).zip(records) {
        let expected = Event::RepairAsked { problem: text(task.as_str(), seq) };
        assert!(record.seq == seq && record.event == expected, "record {seq} of {task} changed");
    }
    head.next_seq
}
