//! L3: submissions over HTTP, each durable before its 202.
//!
//! Many kept connections, each sending its next submission when the last is answered. One task is live and
//! its model holds it; all others wait. So this measures the way in: HTTP, checks, pinning, commit. In the
//! end the house is killed, and every task that was acknowledged must be in its journal.

use std::{
    net::SocketAddr,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use playhouse_benches::{
    figures::{Figures, Spread},
    floor, house,
    http1::Connection,
    served::{Serve, Served},
};
use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::Journal;
use tokio::task::JoinSet;

use crate::Run;

/// L3: submissions per second.
const PER_S: f64 = 5_000.0;
/// L3: how long one may take at the 99th percentile.
const P99_MS: f64 = 50.0;
/// More than is submitted in any run.
const QUEUED: usize = 10_000_000;
/// How long the plain file is measured.
const FLOOR_TIME: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Submissions {
    /// Kept connections.
    #[arg(long, default_value_t = 128)]
    connections: usize,
}

impl Submissions {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let scratch = house::scratch(run.dir.as_deref())?;
        let time = Duration::from_secs(run.pick(8, 60));
        let serve = Serve { hold_after: Some(0), ..Serve::over(scratch.path(), 0, 1, QUEUED) };
        let mut figures =
            Figures::begin(&format!("L3: {} connections, {} s", self.connections, time.as_secs()));
        run.tokio()?.block_on(async {
            let served = Served::start(&serve)?;
            let (began, mut lanes) = (Instant::now(), JoinSet::new());
            for lane in 0..self.connections {
                lanes.spawn(submit(served.addr, lane, began + time));
            }
            let mut times = Vec::new();
            while let Some(lane) = lanes.join_next().await {
                times.extend(lane??);
            }
            let (seconds, memory) = (began.elapsed().as_secs_f64(), served.memory()?);
            served.kill()?;
            let floor = floor::by_tasks(scratch.path(), self.connections, FLOOR_TIME).await?;
            let (accepted, spread) = (times.len(), Spread::of(times));
            figures.at_least("L3 submissions", accepted as f64 / seconds, PER_S, "/s");
            figures.at_most("L3 from request to 202, 99th percentile", spread.ms(99.0), P99_MS, "ms");
            figures.note("from request to 202", spread);
            let appends = floor.records_per_s / floor::RECORDS_PER_STEP as f64;
            figures.note("a plain file, as many writers", format!("{appends:.0} appends/s"));
            figures.note("resident", format!("{} MB", memory.now_kb / 1000));
            let (journal, committer) = SledJournal::open(&serve.data, Options::default()).await?;
            let found = journal.open().await?.len();
            journal.close().await;
            committer.await?;
            let what = format!("after kill -9 the journal holds {found} tasks; {accepted} were acknowledged");
            figures.check(found >= accepted, &what);
            Ok(figures.verdict())
        })
    }
}

/// Submits one task after the other until `end`: how long each took.
async fn submit(addr: SocketAddr, lane: usize, end: Instant) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(addr).await?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let body = house::body(lane);
        let began = Instant::now();
        let answer = connection.post("/v1/tasks", &body).await?;
        ensure!(answer.status == 202, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        times.push(began.elapsed());
    }
    Ok(times)
}
