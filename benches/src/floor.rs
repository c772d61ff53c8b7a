//! The floor under every durable figure: a plain file, one `write` and one `fdatasync` per group.
//!
//! Each writer waits for its append before the next. The committer is one thread that takes what has arrived
//! while it was busy. No format, no checks, no index. What the file does then depends on who writes:
//!
//! - [`by_threads`]: each writer is a thread and appends a record at a time: how storage engines are usually
//!   measured, and how the figure was found that the share of L1 was set by.
//! - [`by_tasks`]: each writer is a task, which costs next to nothing to wake, and appends both records of a step.
//!   On a fast disk this measures two loops and a channel, and is the harder floor.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinSet, block_in_place},
};

use crate::figures::Spread;

/// Bytes of one record: what one of the scripted tasks takes in the journal on average.
const RECORD_BYTES: usize = 300;
/// Records that one step of a task commits together: a result, and the intent that follows from it.
pub const RECORDS_PER_STEP: usize = 2;
/// Appends that may wait: more than there are writers.
const INBOX_MAX: usize = 4096;

/// What a plain file did.
#[derive(Debug)]
pub struct Floor {
    /// Records made durable per second.
    pub records_per_s: f64,
    /// How long one `fdatasync` took.
    pub fdatasync: Spread,
}

type Waiting = (Vec<u8>, oneshot::Sender<()>);
type Inbox = mpsc::Sender<Waiting>;

/// The plain file, open, with its committer.
struct Plain {
    began: Instant,
    committer: thread::JoinHandle<io::Result<Vec<Duration>>>,
}

impl Plain {
    fn open(dir: &Path) -> io::Result<(Self, Inbox)> {
        let file = tempfile::tempfile_in(dir)?;
        let (inbox, waiting) = mpsc::channel(INBOX_MAX);
        Ok((Self { began: Instant::now(), committer: thread::spawn(move || commit(file, waiting)) }, inbox))
    }

    fn close(self, records: usize) -> io::Result<Floor> {
        let records_per_s = records as f64 / self.began.elapsed().as_secs_f64();
        let times = self.committer.join().expect("the committer does not panic")?;
        Ok(Floor { records_per_s, fdatasync: Spread::of(times) })
    }
}

/// Lets `writers` threads append a record at a time to a file in `dir` for `time`.
pub async fn by_threads(dir: &Path, writers: usize, time: Duration) -> io::Result<Floor> {
    let (plain, inbox) = Plain::open(dir)?;
    let end = plain.began + time;
    let lanes: Vec<_> = (0..writers)
        .map(|_| {
            let inbox = inbox.clone();
            thread::spawn(move || {
                let mut records = 0;
                while Instant::now() < end {
                    let (done, answer) = oneshot::channel();
                    let sent = inbox.blocking_send((vec![b'x'; RECORD_BYTES], done));
                    if sent.is_err() || answer.blocking_recv().is_err() {
                        break; // The disk failed; the committer says how.
                    }
                    records += 1;
                }
                records
            })
        })
        .collect();
    drop(inbox);
    let joined = || lanes.into_iter().map(|lane| lane.join().expect("a writer does not panic")).sum();
    plain.close(block_in_place(joined))
}

/// Lets `writers` tasks append what a step writes to a file in `dir` for `time`.
pub async fn by_tasks(dir: &Path, writers: usize, time: Duration) -> io::Result<Floor> {
    let (plain, inbox) = Plain::open(dir)?;
    let mut lanes = JoinSet::new();
    for _ in 0..writers {
        lanes.spawn(append(inbox.clone(), plain.began + time));
    }
    drop(inbox);
    let steps: usize = lanes.join_all().await.into_iter().sum();
    plain.close(steps * RECORDS_PER_STEP)
}

fn commit(mut file: File, mut waiting: mpsc::Receiver<Waiting>) -> io::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while let Some((mut bytes, done)) = waiting.blocking_recv() {
        let mut group = vec![done];
        while let Ok((more, done)) = waiting.try_recv() {
            bytes.extend(more);
            group.push(done);
        }
        file.write_all(&bytes)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
        // A writer whose time is over does not mind.
        for done in group {
            let _ = done.send(());
        }
    }
    Ok(times)
}

/// Appends until `end`; how often.
async fn append(inbox: Inbox, end: Instant) -> usize {
    let mut appends = 0;
    while Instant::now() < end {
        let (done, answer) = oneshot::channel();
        let sent = inbox.send((vec![b'x'; RECORD_BYTES * RECORDS_PER_STEP], done)).await;
        if sent.is_err() || answer.await.is_err() {
            break; // The disk failed; the committer says how.
        }
        appends += 1;
    }
    appends
}
