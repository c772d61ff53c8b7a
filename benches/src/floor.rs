//! The floor under every durable figure: a plain file, one `write` and one `fdatasync` per group.
//!
//! As many writers as the runtime has tasks, each waiting for its append before the next, as tasks do. The
//! committer is one thread that takes what has arrived while it was busy. No format, no checks, no index.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
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

/// Lets `writers` append to a file in `dir` for `time`.
pub async fn group_commit(dir: &Path, writers: usize, time: Duration) -> io::Result<Floor> {
    let path = dir.join("floor");
    let file = File::create(&path)?;
    let (inbox, waiting) = mpsc::channel(INBOX_MAX);
    let committer = thread::spawn(move || commit(file, waiting));
    let (began, mut lanes) = (Instant::now(), JoinSet::new());
    for _ in 0..writers {
        lanes.spawn(append(inbox.clone(), began + time));
    }
    drop(inbox);
    let appends: usize = lanes.join_all().await.into_iter().sum();
    let records_per_s = (appends * RECORDS_PER_STEP) as f64 / began.elapsed().as_secs_f64();
    let fdatasync = committer.join().expect("the committer does not panic")?;
    std::fs::remove_file(path)?;
    Ok(Floor { records_per_s, fdatasync: Spread::of(fdatasync) })
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
async fn append(inbox: mpsc::Sender<Waiting>, end: Instant) -> usize {
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
