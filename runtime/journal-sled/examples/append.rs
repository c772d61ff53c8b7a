//! How many appends a second this disk allows, how many of them the journal reaches, and what each costs.
//!
//! `cargo run --release -p playhouse-journal-sled --example append [DIR] [PARKED]`
//!
//! Each of 1, 32 or 256 tasks appends a step (two records of some 300 bytes), waits until it is durable, and
//! appends the next. The floor does the same with a plain file: one thread, one `write` and one `fdatasync` per
//! group. Then 1,000 tasks of 100 steps are opened again, also without their index; and with PARKED (a number, such
//! as 100000) so many parked tasks.

mod append {
    pub(crate) mod floor;
}

use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use append::floor;
use playhouse_core::task::Event;
use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use playhouse_testkit::suites::Script;
use tokio::task::JoinSet;

/// The first argument of a process that only opens.
const OPEN: &str = "--open";
const MEASURED: Duration = Duration::from_secs(4);
/// About what a record of a tool call takes, without its envelope.
const TEXT_BYTES: usize = 200;
/// What the journal writes for such a step.
const STEP_BYTES: usize = 900;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|word| word == OPEN).is_some() {
        let dir = arguments.next().ok_or("no directory")?;
        return open(Path::new(&dir), arguments.next().ok_or("no number")?.parse()?).await;
    }
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("append-bench");
    let parked = arguments.next().map_or(Ok(0), |text| text.parse())?;
    for tasks in [1, 32, 256] {
        std::fs::create_dir_all(&dir)?;
        let floor = floor::measure(&dir.join("floor"), tasks, STEP_BYTES, MEASURED).await?;
        let (journal, committer) = SledJournal::open(&dir, Options::default()).await?;
        let reached = run(tasks, |n| write(journal.clone(), n)).await;
        let stats = journal.stats().await?;
        journal.close().await;
        committer.await?;
        let per_group = stats.commands as f64 / stats.groups as f64;
        tell(&format!(
            "{tasks:4} tasks: file    {floor}\n            journal {reached}; {per_group:.1} to a commit"
        ))?;
        std::fs::remove_dir_all(&dir)?;
    }
    many(&dir, 1_000, 100).await?;
    if parked > 0 {
        park(&dir, parked).await?;
    }
    Ok(())
}

fn tell(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// What a run of writers came to.
#[derive(Debug)]
pub(crate) struct Reached {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
}

impl std::fmt::Display for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, p50_ms, p99_ms, cpu_us } = self;
        write!(f, "{rate:6.0}/s (p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms), {cpu_us:.1} µs of CPU each")
    }
}

/// Runs `tasks` writers for a while. Each returns how long its appends took.
pub(crate) async fn run<F>(tasks: usize, writer: impl Fn(usize) -> F) -> Reached
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let (start, cpu) = (Instant::now(), cpu());
    let mut writers = JoinSet::new();
    for n in 0..tasks {
        writers.spawn(writer(n));
    }
    let mut times: Vec<Duration> = writers.join_all().await.into_iter().flatten().collect();
    let used = self::cpu() - cpu;
    let count = times.len() as f64;
    let rate = count / start.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    Reached { rate, p50_ms: at(50), p99_ms: at(99), cpu_us: used.as_secs_f64() * 1e6 / count }
}

/// CPU time of this process so far, where the kernel says; in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

fn step(task: &mut Script, text: &str) -> playhouse_ports::Batch {
    let event = |text: &str| Event::RepairAsked { problem: text.to_owned() };
    task.record([event(text), event(text)])
}

async fn write(journal: SledJournal, n: usize) -> Vec<Duration> {
    let mut task = Script::new(&format!("t{n:04}"));
    let text = "x".repeat(TEXT_BYTES);
    let end = Instant::now() + MEASURED;
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        journal.append(step(&mut task, &text)).await.expect("appended");
        times.push(start.elapsed());
    }
    times
}

/// Writes `tasks` open tasks of `steps` steps, and opens them again with and without their index.
async fn many(dir: &Path, tasks: usize, steps: usize) -> Result<(), Box<dyn Error>> {
    let (journal, committer) = SledJournal::open(dir, Options::default()).await?;
    let mut writers = JoinSet::new();
    for n in 0..tasks {
        let journal = journal.clone();
        writers.spawn(async move {
            let mut task = Script::new(&format!("t{n:06}"));
            for _ in 0..steps {
                journal.append(step(&mut task, &"x".repeat(TEXT_BYTES))).await.expect("appended");
            }
        });
    }
    writers.join_all().await;
    close(journal, committer).await?;
    tell(&format!("{tasks} tasks of {steps} steps: opened {}", reopen(dir, tasks)?))?;
    std::fs::remove_dir_all(dir.join("journal/gen-1/sled"))?;
    tell(&format!("without their index: opened {}", reopen(dir, tasks)?))?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Writes `tasks` parked tasks, and opens them again.
async fn park(dir: &Path, tasks: usize) -> Result<(), Box<dyn Error>> {
    const WRITERS: usize = 64;
    let (journal, committer) = SledJournal::open(dir, Options::default()).await?;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let journal = journal.clone();
        writers.spawn(async move {
            for n in (writer..tasks).step_by(WRITERS) {
                let due_ms = Some(1_000_000 + n as u64);
                journal.append(Script::new(&format!("p{n:08}")).park(due_ms)).await.expect("appended");
            }
        });
    }
    writers.join_all().await;
    close(journal, committer).await?;
    tell(&format!("{tasks} parked tasks: opened {}", reopen(dir, 0)?))?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

async fn close(
    journal: SledJournal,
    committer: playhouse_journal_sled::Committer,
) -> Result<(), Box<dyn Error>> {
    journal.close().await;
    Ok(committer.await?)
}

/// How long a fresh process takes to open what is in `dir`, which has `tasks` open tasks.
fn reopen(dir: &Path, tasks: usize) -> Result<String, Box<dyn Error>> {
    let mut own = std::process::Command::new(std::env::current_exe()?);
    let output = own.args([OPEN, &dir.to_string_lossy(), &tasks.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What that process does.
async fn open(dir: &Path, tasks: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (journal, committer) = SledJournal::open(dir, Options::default()).await?;
    let found = Journal::open(&journal).await?.len();
    let next = journal.due(u64::MAX, 1).await?.len();
    let took = start.elapsed();
    assert_eq!(found, tasks, "a task is missing");
    let disk = journal.stats().await?.disk_bytes >> 20;
    tell(&format!(
        "in {:.2} s; next of the due: {next}; {disk} MiB on disk, {}",
        took.as_secs_f64(),
        memory()
    ))?;
    close(journal, committer).await
}

/// What the kernel says of our memory, where it says so.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
