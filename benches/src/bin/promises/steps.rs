//! L1 and L2: how many steps are made durable per second, and what the runtime adds to each.
//!
//! Model and tool answer at once, in this process, so what is measured is the runtime over its real journal.
//! A *step* is one model call or one tool call: its intent and its result are journaled.
//!
//! - **L1, closed loop**: `--live` tasks at any time; whenever one is over, the next is submitted. Beside it,
//!   in the same minute, a plain file with as many writers, in two ways (see [`floor`]).
//! - **L2, open loop**: tasks begin on a schedule that does not wait for the system, `--rate` steps per
//!   second in all. The time of a step is from a result handed in to the next work going out, which is the
//!   commit that holds both; a task's first step counts from when it *should* have been submitted, its last
//!   until the answer has come back. So a stall is counted in every step that it held up.

use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use playhouse_assembly::{House, Running};
use playhouse_benches::{
    figures::{Figures, Spread},
    floor, follow,
    house::{self, Moment, Script, Seen},
};
use playhouse_core::admission::Bounds;
use tokio::{task::JoinSet, time};

use crate::Run;

/// L1: steps per second.
const STEPS_PER_S: f64 = 10_000.0;
/// L1: of what a plain file with as many threads takes, in records.
const SHARE_OF_FLOOR: f64 = 0.20;
/// L2: added at the median, besides one `fdatasync`.
const ADDED_P50_MS: f64 = 2.0;
/// L2: added at the 99th percentile.
const ADDED_P99_MS: f64 = 25.0;
/// How long the plain file is measured.
const FLOOR_TIME: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(crate) struct Steps {
    /// Tasks at any time in the closed loop.
    #[arg(long, default_value_t = 256)]
    live: usize,
    /// Tool calls of a task; it takes twice as many steps, and one for the answer.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Steps per second in the open loop.
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
}

impl Steps {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let scratch = house::scratch(run.dir.as_deref())?;
        let time = Duration::from_secs(run.pick(8, 60));
        run.tokio()?.block_on(async {
            let mut figures = Figures::begin(&format!(
                "L1, L2: {} tool calls per task, {} s of each loop",
                self.rounds,
                time.as_secs()
            ));
            self.closed(&mut figures, scratch.path(), time).await?;
            self.open(&mut figures, scratch.path(), time).await?;
            Ok(figures.verdict())
        })
    }

    fn steps_per_task(&self) -> u32 {
        2 * self.rounds + 1
    }

    async fn closed(&self, figures: &mut Figures, scratch: &Path, time: Duration) -> Result<()> {
        let running = Arc::new(start(scratch, "closed", self.rounds, Arc::new(|_, _| {})).await?);
        let (began, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut lanes = JoinSet::new();
        for _ in 0..self.live {
            let (running, next) = (running.clone(), next.clone());
            lanes.spawn(async move {
                let mut records = 0;
                while began.elapsed() < time {
                    let task = house::submission(next.fetch_add(1, Ordering::Relaxed));
                    follow::each(&running.runtime, task, |_| records += 1).await?;
                }
                anyhow::Ok(records)
            });
        }
        let mut records = 0;
        while let Some(lane) = lanes.join_next().await {
            records += lane??;
        }
        let (seconds, tasks) = (began.elapsed().as_secs_f64(), next.load(Ordering::Relaxed));
        let steps = tasks as f64 * f64::from(self.steps_per_task()) / seconds;
        let records = f64::from(records) / seconds;
        if let Ok(running) = Arc::try_unwrap(running) {
            running.stop().await;
        }
        let floor = floor::by_threads(scratch, self.live, FLOOR_TIME).await?;
        let harder = floor::by_tasks(scratch, self.live, FLOOR_TIME).await?;
        figures.at_least("L1 durable steps", steps, STEPS_PER_S, "/s");
        figures.note("records", format!("{records:.0} /s"));
        figures.note(
            "a plain file, as many threads, a record at a time",
            format!("{:.0} records/s; fdatasync {}", floor.records_per_s, floor.fdatasync),
        );
        figures.note(
            "a plain file, as many tasks, two records at a time",
            format!(
                "{:.0} records/s, of which L1 is {:.1} %; fdatasync {}",
                harder.records_per_s,
                records / harder.records_per_s * 100.0,
                harder.fdatasync
            ),
        );
        let share = records / floor.records_per_s;
        figures.at_least("L1 share of the first", share * 100.0, SHARE_OF_FLOOR * 100.0, "%");
        Ok(())
    }

    async fn open(&self, figures: &mut Figures, scratch: &Path, time: Duration) -> Result<()> {
        let between = Duration::from_secs_f64(f64::from(self.steps_per_task()) / self.rate);
        let tasks = (time.as_secs_f64() / between.as_secs_f64()) as usize;
        let added = Arc::new(Added::new(tasks));
        let fdatasync = floor::by_tasks(scratch, 1, FLOOR_TIME).await?.fdatasync;
        let running = Arc::new(start(scratch, "open", self.rounds, added.clone().seen()).await?);
        let (began, mut running_tasks) = (time::Instant::now(), JoinSet::new());
        for n in 0..tasks {
            let due = began + between * n as u32;
            time::sleep_until(due).await;
            added.answered(n, due.into_std());
            let (running, added) = (running.clone(), added.clone());
            running_tasks.spawn(async move {
                follow::each(&running.runtime, house::submission(n), drop).await?;
                added.work(n);
                anyhow::Ok(())
            });
        }
        while let Some(task) = running_tasks.join_next().await {
            task??;
        }
        let (seconds, spread) = (began.elapsed().as_secs_f64(), added.spread());
        figures.note("steps in the open loop", format!("{:.0} /s", spread.count() as f64 / seconds));
        figures.note("added to a step", &spread);
        figures.note("fdatasync of a lone writer", &fdatasync);
        figures.at_most("L2 added, median", spread.ms(50.0), ADDED_P50_MS + fdatasync.ms(50.0), "ms");
        figures.at_most("L2 added, 99th percentile", spread.ms(99.0), ADDED_P99_MS, "ms");
        if let Ok(running) = Arc::try_unwrap(running) {
            running.stop().await;
        }
        Ok(())
    }
}

async fn start(scratch: &Path, data: &str, rounds: u32, seen: Seen) -> Result<Running> {
    let config = house::config(scratch.join(data), scratch.join("cache"), Bounds::default());
    Ok(House::build(&config, Script::new(rounds, seen).extras()).await?.start().await?)
}

/// What the runtime adds: the time between a result and the next work, over all steps of all tasks.
struct Added {
    began: Instant,
    /// By task: when its last result was handed in, in nanoseconds since `began`.
    answered: Vec<AtomicU64>,
    times: Mutex<Vec<Duration>>,
}

impl Added {
    fn new(tasks: usize) -> Self {
        let answered = (0..tasks).map(|_| AtomicU64::new(0)).collect();
        Self { began: Instant::now(), answered, times: Mutex::default() }
    }

    fn seen(self: Arc<Self>) -> Seen {
        Arc::new(move |task, moment| match moment {
            Moment::Asked(_) | Moment::Called => self.work(task),
            Moment::Answered => self.answered(task, Instant::now()),
        })
    }

    fn answered(&self, task: usize, at: Instant) {
        let nanos = at.saturating_duration_since(self.began).as_nanos();
        self.answered[task].store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn work(&self, task: usize) {
        let answered = Duration::from_nanos(self.answered[task].load(Ordering::Acquire));
        let added = self.began.elapsed().saturating_sub(answered);
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(added);
    }

    fn spread(&self) -> Spread {
        Spread::of(self.times.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
