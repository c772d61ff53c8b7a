//! How much disk a journal takes while rows come and go (promise L7: at most four times what lives, and 256 MiB).
//!
//! ```text
//! cargo run --release -p playhouse-journal-sled --example churn -- LIVE_MIB CHURN_MIB [DIRECTORY]
//! ```
//!
//! Fills a journal with LIVE_MIB of tasks that are over, then replaces them at full speed, oldest first and at random
//! in turn, until CHURN_MIB more were written; a tenth is never replaced. Says every second how much log and index
//! took at most, and at the end whether the promise held. DIRECTORY is emptied, and takes about five times LIVE_MIB.

use std::{
    error::Error,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use playhouse_testkit::suites::Script;
use tokio::task::JoinSet;

const MIB: u64 = 1 << 20;
/// Writers at once.
const WRITERS: u64 = 128;
/// A task is about 16 KiB: appends of 2 KiB.
const APPENDS: u64 = 8;
const APPEND_BYTES: usize = 2 << 10;
const TASK_BYTES: u64 = APPENDS * APPEND_BYTES as u64;
/// How often the disk is looked at, and how often it is told.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What was seen at the worst moment of a while.
#[derive(Debug, Clone, Copy, Default)]
struct Worst {
    log: u64,
    rest: u64,
}

impl Worst {
    fn total(self) -> u64 {
        self.log + self.rest
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned()).parse::<u64>();
    let (live, churn) = (number("300")? * MIB, number("3000")? * MIB);
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("churn");
    fs::create_dir_all(&dir)?;
    let (journal, committer) = SledJournal::open(&dir, Options::default()).await?;
    let (written, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = watch(&dir, &journal, &written, &is_over);
    let slow = Arc::new(Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let (journal, written, slow) = (journal.clone(), Arc::clone(&written), Arc::clone(&slow));
        let work = write(journal, n, [live / WRITERS, churn / WRITERS], written);
        writers.spawn(async move {
            let times = work.await;
            slow.lock().expect("nobody panicked").extend(times);
        });
    }
    writers.join_all().await;
    is_over.store(true, Relaxed);
    let (worst, promised) = watch.join().map_err(|_| "the watch panicked")?;
    let stats = journal.stats().await?;
    let mut times = std::mem::take(&mut *slow.lock().expect("nobody panicked"));
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 1000].as_secs_f64() * 1e3;
    tell(&format!(
        "worst: log {} + rest {} = {} MiB of {} MiB promised then; {} segments cleaned, generation {}; append p50 {:.2} p99 {:.2} p99.9 {:.2} ms",
        worst.log / MIB,
        worst.rest / MIB,
        worst.total() / MIB,
        promised / MIB,
        stats.cleaned,
        stats.generation,
        at(500),
        at(990),
        at(999)
    ))?;
    journal.close().await;
    committer.await?;
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn tell(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Looks at the disk until it is over; returns the moment that was nearest to what was promised, and that.
fn watch(
    dir: &Path,
    journal: &SledJournal,
    written: &Arc<AtomicU64>,
    is_over: &Arc<AtomicBool>,
) -> thread::JoinHandle<(Worst, u64)> {
    let (dir, journal, written) = (dir.join("journal"), journal.clone(), Arc::clone(written));
    let (is_over, runtime) = (Arc::clone(is_over), tokio::runtime::Handle::current());
    thread::spawn(move || {
        let (mut all, mut second, mut share) = ((Worst::default(), 0), Worst::default(), 0);
        let mut told = Instant::now();
        while !is_over.load(Relaxed) {
            let mut now = Worst::default();
            // What goes while it is looked at is gone.
            let _ = look(&dir, &mut now);
            let live = runtime.block_on(journal.stats()).map_or(0, |stats| stats.live_bytes);
            let promised = 4 * live + 256 * MIB;
            if share < now.total() * 1000 / promised {
                (share, all) = (now.total() * 1000 / promised, (now, promised));
            }
            second = [second, now].into_iter().max_by_key(|worst| worst.total()).unwrap_or_default();
            if TELL_EVERY <= told.elapsed() {
                let _ = tell(&format!(
                    "live {:5}, written {:6}: log {:5} + rest {:5} = {:5} of {:5} MiB",
                    live / MIB,
                    written.load(Relaxed) / MIB,
                    second.log / MIB,
                    second.rest / MIB,
                    second.total() / MIB,
                    promised / MIB
                ));
                (second, told) = (Worst::default(), Instant::now());
            }
            thread::park_timeout(LOOK_EVERY);
        }
        all
    })
}

/// Adds up the files below `dir`.
fn look(dir: &Path, worst: &mut Worst) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Ok(found) = fs::metadata(&path) else { continue };
        if found.is_dir() {
            let _ = look(&path, worst);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            worst.log += found.len();
        } else if path.file_name().is_some_and(|name| name != "ballast") {
            worst.rest += found.len();
        }
    }
    Ok(())
}

/// Makes tasks until `live` bytes are there, then replaces them until `churn` more were written. Returns how long
/// appends took meanwhile.
async fn write(
    journal: SledJournal,
    writer: u64,
    [live, churn]: [u64; 2],
    written: Arc<AtomicU64>,
) -> Vec<Duration> {
    let mut random = fastrand::Rng::with_seed(writer);
    let (fill, stay) = (live / TASK_BYTES, live / TASK_BYTES / 10);
    let (mut there, mut times) = (Vec::new(), Vec::new());
    for n in 0..fill + churn / TASK_BYTES {
        let mut task = Script::new(&format!("t-{writer}-{n}"));
        for _ in 0..APPENDS {
            // What cannot be compressed, for sled would.
            let text: String = (0..APPEND_BYTES).map(|_| random.alphanumeric()).collect();
            let start = Instant::now();
            journal.append(task.say([&*text])).await.expect("appended");
            if fill <= n {
                times.push(start.elapsed());
            }
        }
        journal.append(task.end()).await.expect("ended");
        written.fetch_add(TASK_BYTES, Relaxed);
        if n < stay {
            continue;
        }
        there.push(task);
        if fill <= n {
            let victim = if n % 2 == 0 { 0 } else { random.usize(..there.len()) };
            let gone = there.swap_remove(victim);
            assert!(journal.forget(gone.task()).await.expect("forgotten"), "it was there");
        }
    }
    times
}
