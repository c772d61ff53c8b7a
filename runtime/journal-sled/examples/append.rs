//! How many appends a second this disk allows, and how many of them the journal reaches.
//!
//! `cargo run --release -p playhouse-journal-sled --example append [DIR]`
//!
//! Each of 1, 32 or 256 tasks appends a record, waits until it is durable, and appends the next. The floor
//! does the same with a plain file: one thread, one `write` and one `fdatasync` per group.

use std::{
    fs::File,
    future::Future,
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use playhouse_testkit::suites::Script;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

const MEASURED: Duration = Duration::from_secs(4);
/// About what a record of a tool call takes.
const TEXT_BYTES: usize = 200;
/// The envelope and the head that the journal writes with a record.
const OVERHEAD_BYTES: usize = 400;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from).join("append-bench");
    let mut out = std::io::stdout();
    for tasks in [1, 32, 256] {
        std::fs::create_dir_all(&dir)?;
        let floor = floor(&dir.join("floor"), tasks).await?;
        let (journal, committer) = SledJournal::open(&dir, Options::default()).await?;
        let reached = run(tasks, |n| write(journal.clone(), n)).await;
        let stats = journal.stats().await?;
        journal.close().await;
        committer.await?;
        writeln!(out, "{tasks:4} tasks: file {floor}; journal {reached}; {stats:?}; {}", memory())?;
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

/// Runs `tasks` writers for a while. Each returns how long its appends took.
async fn run<F>(tasks: usize, writer: impl Fn(usize) -> F) -> String
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let start = Instant::now();
    let mut writers = JoinSet::new();
    for n in 0..tasks {
        writers.spawn(writer(n));
    }
    let mut times: Vec<Duration> = writers.join_all().await.into_iter().flatten().collect();
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    format!("{rate:.0}/s (p50 {:.2} ms, p99 {:.2} ms)", at(50), at(99))
}

async fn write(journal: SledJournal, n: usize) -> Vec<Duration> {
    let mut task = Script::new(&format!("t{n:04}"));
    let text = "x".repeat(TEXT_BYTES);
    let end = Instant::now() + MEASURED;
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        journal.append(task.say([&text])).await.expect("appended");
        times.push(start.elapsed());
    }
    times
}

type Waiting = (Vec<u8>, oneshot::Sender<()>);

async fn floor(path: &Path, tasks: usize) -> std::io::Result<String> {
    let mut file = File::create(path)?;
    let (inbox, mut waiting) = mpsc::channel::<Waiting>(4096);
    let committer = thread::spawn(move || {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            while let Ok(next) = waiting.try_recv() {
                group.push(next);
            }
            let bytes: Vec<u8> = group.iter().flat_map(|(bytes, _)| bytes).copied().collect();
            file.write_all(&bytes).and_then(|()| file.sync_data()).expect("written");
            for (_, done) in group {
                let _ = done.send(());
            }
        }
    });
    let rate = run(tasks, |_| append(inbox.clone())).await;
    drop(inbox);
    committer.join().expect("the committer never panics");
    Ok(rate)
}

async fn append(inbox: mpsc::Sender<Waiting>) -> Vec<Duration> {
    let end = Instant::now() + MEASURED;
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let (done, answer) = oneshot::channel();
        inbox.send((vec![b'x'; TEXT_BYTES + OVERHEAD_BYTES], done)).await.expect("the committer lives");
        answer.await.expect("the committer lives");
        times.push(start.elapsed());
    }
    times
}

/// What the kernel says of our memory, where it says so.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
