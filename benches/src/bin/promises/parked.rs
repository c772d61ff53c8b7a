//! L4: very many tasks that wait for a person.
//!
//! Each task's model asks for a tool whose every call needs an approval, and nobody gives one. The tasks come
//! over HTTP and are parked by the runtime like any other; then the house is killed and a new process starts
//! over what is there. What a waiting task costs is the memory of that process less that of a house without
//! tasks; a first list of tasks that wait must be answered before it counts as ready.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use playhouse_benches::{
    figures::Figures,
    house,
    http1::Connection,
    served::{Serve, Served},
};
use playhouse_core::admission::RETRY_AFTER_MS;
use playhouse_http::wire;
use tokio::{task::JoinSet, time};

use crate::Run;

/// L4: memory of a waiting task.
const BYTES_EACH: f64 = 1024.0;
/// L4: from the start of the process until it answers.
const READY_S: f64 = 15.0;
/// Connections that submit.
const CONNECTIONS: usize = 32;
/// Longest pause in which no task comes to rest.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct Parked {
    /// Tasks that wait; 100,000, or with `--long` a million, when not set.
    #[arg(long)]
    tasks: Option<usize>,
}

impl Parked {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let tasks = self.tasks.unwrap_or(run.pick(100_000, 1_000_000));
        let scratch = house::scratch(run.dir.as_deref())?;
        let empty = Serve { data: scratch.path().join("empty"), ..serve(&scratch) };
        let serve = serve(&scratch);
        let mut figures = Figures::begin(&format!("L4: {tasks} tasks that wait for an approval"));
        run.tokio()?.block_on(async {
            let bare_kb = at_rest(&Served::start(&empty)?, 0).await?;
            let served = Served::start(&serve)?;
            let began = Instant::now();
            submit(&served, tasks).await?;
            let made_kb = at_rest(&served, tasks).await?;
            let rate = tasks as f64 / began.elapsed().as_secs_f64();
            figures.note("parked", format!("{rate:.0} tasks/s"));
            figures.note("resident when all are parked", format!("{} MB", made_kb / 1000));
            served.kill()?;
            let began = Instant::now();
            let served = Served::start(&serve)?;
            ensure!(first_waits(&served).await?, "no task waits after the start");
            figures.at_most("L4 a new process answers after", began.elapsed().as_secs_f64(), READY_S, "s");
            let full_kb = at_rest(&served, tasks).await?;
            figures.note("resident", format!("{} MB; {} MB without tasks", full_kb / 1000, bare_kb / 1000));
            let each = full_kb.saturating_sub(bare_kb) as f64 * 1024.0 / tasks as f64;
            figures.at_most("L4 resident for each task", each, BYTES_EACH, "bytes");
            Ok(figures.verdict())
        })
    }
}

fn serve(scratch: &tempfile::TempDir) -> Serve {
    Serve { approve: true, ..Serve::over(scratch.path(), 1, 256, 4096) }
}

/// Submits `tasks` over several connections; whoever is told to come back later does.
async fn submit(served: &Served, tasks: usize) -> Result<()> {
    let (next, mut lanes) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for _ in 0..CONNECTIONS {
        let (next, mut connection) = (next.clone(), Connection::open(served.addr).await?);
        lanes.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= tasks {
                    return anyhow::Ok(());
                }
                loop {
                    let answer = connection.post("/v1/tasks", &house::body(n)).await?;
                    match answer.status {
                        202 => break,
                        429 => time::sleep(Duration::from_millis(RETRY_AFTER_MS)).await,
                        status => anyhow::bail!("{status} {}", String::from_utf8_lossy(&answer.body)),
                    }
                }
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(())
}

/// Waits until nothing is queued or running, and the house's memory no longer changes: what it is then, in
/// kilobytes.
async fn at_rest(served: &Served, tasks: usize) -> Result<u64> {
    let (mut connection, mut since, mut last_kb) = (Connection::open(served.addr).await?, Instant::now(), 0);
    loop {
        let answer = connection.get("/readyz").await?;
        let ready: wire::Ready = serde_json::from_slice(&answer.body).context("the house is not ready")?;
        let open = ready.live_tasks + ready.queued_tasks;
        let now_kb = served.memory()?.now_kb;
        if open == 0 && now_kb.abs_diff(last_kb) * 100 <= now_kb {
            return Ok(now_kb);
        }
        if now_kb != last_kb {
            (since, last_kb) = (Instant::now(), now_kb);
        }
        ensure!(since.elapsed() < PATIENCE, "of {tasks} tasks some are still open, and nothing happens");
        time::sleep(Duration::from_secs(1)).await;
    }
}

/// Whether a list of waiting tasks holds one.
async fn first_waits(served: &Served) -> Result<bool> {
    let mut connection = Connection::open(served.addr).await?;
    let answer = connection.get("/v1/tasks?limit=1&status=parked").await?;
    let page: wire::TaskList = serde_json::from_slice(&answer.body).context("no list of tasks")?;
    Ok(!page.tasks.is_empty())
}
