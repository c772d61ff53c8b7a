//! L7: disk space while tasks come and go.
//!
//! Writers make tasks over the journal itself, each a few records of text; of finished tasks the newest
//! `--kept` stay, older ones are forgotten, as retention does. *Live* is the text of what is kept: a journal
//! that kept nothing else would need that. What the data directory takes, in blocks on the disk, is looked at
//! all the time.

use std::{
    collections::VecDeque,
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use playhouse_benches::figures::Figures;
use playhouse_core::id::TaskId;
use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use playhouse_testkit::suites::Script;
use tokio::{task::JoinSet, time};

use crate::Run;

/// L7: the journal may take this many times what is live ...
const TIMES_LIVE: u64 = 4;
/// ... and this much besides.
const BESIDES_MB: u64 = 256;
const MB: u64 = 1 << 20;
/// Between two looks at the disk.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Churn {
    /// Finished tasks that are kept.
    #[arg(long, default_value_t = 60)]
    kept: usize,
    /// Records of a task.
    #[arg(long, default_value_t = 20)]
    records: u64,
    /// Bytes of text in each.
    #[arg(long, default_value_t = 8000)]
    bytes: usize,
    /// Writers at once.
    #[arg(long, default_value_t = 32)]
    writers: usize,
}

/// What the writers share.
struct Shop {
    churn: Churn,
    journal: SledJournal,
    next: AtomicU64,
    finished: Mutex<VecDeque<TaskId>>,
    end: Instant,
}

impl Churn {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let scratch = match &run.dir {
            Some(dir) => tempfile::tempdir_in(dir)?,
            None => tempfile::tempdir()?,
        };
        let time = Duration::from_secs(run.pick(30, 600));
        let live = self.kept as u64 * self.records * self.bytes as u64;
        let most = TIMES_LIVE * live + BESIDES_MB * MB;
        let mut figures = Figures::begin(&format!("L7: {} MiB live, {} s", live / MB, time.as_secs()));
        let dir = scratch.path().join("data");
        run.tokio()?.block_on(async {
            let (journal, committer) = SledJournal::open(&dir, Options::default()).await?;
            let shop = Arc::new(Shop {
                churn: self.clone(),
                journal: journal.clone(),
                next: AtomicU64::new(0),
                finished: Mutex::default(),
                end: Instant::now() + time,
            });
            let mut writers = JoinSet::new();
            for _ in 0..self.writers {
                writers.spawn(shop.clone().write());
            }
            let (mut peak, mut look) = (0, time::interval(LOOK));
            while !writers.is_empty() {
                tokio::select! {
                    Some(writer) = writers.join_next() => writer??,
                    _ = look.tick() => peak = peak.max(disk(&dir)?),
                }
            }
            let tasks = shop.next.load(Ordering::Relaxed);
            let written = tasks * self.records * self.bytes as u64;
            let last = disk(&dir)?;
            figures.note("written", format!("{} MiB of text in {tasks} tasks", written / MB));
            figures.check(
                written > 2 * most,
                "more than twice the bound was written, so that it could be exceeded",
            );
            figures.at_most("L7 disk at most", (peak.max(last) / MB) as f64, (most / MB) as f64, "MiB");
            figures.note("in the end", format!("{} MiB", last / MB));
            journal.close().await;
            committer.await?;
            Ok(figures.verdict())
        })
    }
}

impl Shop {
    /// Makes tasks until the end, and forgets those that are no longer kept.
    async fn write(self: Arc<Self>) -> Result<()> {
        let text = "x".repeat(self.churn.bytes);
        while Instant::now() < self.end {
            let mut task = Script::new(&format!("t{:012}", self.next.fetch_add(1, Ordering::Relaxed)));
            for _ in 0..self.churn.records {
                self.journal.append(task.say([&text])).await?;
            }
            self.journal.append(task.end()).await?;
            if let Some(old) = self.finish(task.task().clone()) {
                ensure!(self.journal.forget(&old).await?, "task {old} could not be forgotten");
            }
        }
        Ok(())
    }

    /// Keeps a finished task; gives back the one that must go for it.
    fn finish(&self, task: TaskId) -> Option<TaskId> {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push_back(task);
        (finished.len() > self.churn.kept).then(|| finished.pop_front()).flatten()
    }
}

/// What everything under `dir` takes on the disk, in bytes.
fn disk(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // A file may be removed while we look.
        bytes += match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk(&entry.path()).unwrap_or_default(),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        };
    }
    Ok(bytes)
}
