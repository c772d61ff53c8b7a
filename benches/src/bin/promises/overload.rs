//! L5: ten times more work than can be done, for as long as anybody likes.
//!
//! The model is the bottleneck, as it is in life: `--live` calls at once, each of `--think-ms`. First a
//! little more is offered than can be done: what then gets done is the *peak*. Then ten times the peak is
//! offered, by connections that keep to a schedule whatever they are answered. In the end every task that was
//! acknowledged must be done, and every refusal must have been 429 or 503 with `Retry-After`.

use std::{
    collections::HashSet,
    net::SocketAddr,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use playhouse_benches::{
    figures::{Figures, Spread},
    house,
    http1::{Answer, Connection},
    served::{Serve, Served},
};
use playhouse_http::wire;
use playhouse_ports::{Clock, SystemClock};
use tokio::{task::JoinSet, time};

use crate::Run;

/// L5: memory of the house at any time.
const RSS_MB: f64 = 512.0;
/// L5: what still gets done, of the peak.
const GOODPUT: f64 = 0.90;
/// L5: what is offered, in peaks.
const OFFERED: f64 = 10.0;
/// What must at least have been offered for the figure to count: the schedule of a busy machine slips.
const OFFERED_MIN: f64 = 9.0;
/// What is offered to find the peak, in what the model could do at best.
const TO_FIND_PEAK: f64 = 1.5;
/// How long one page of tasks is.
const PAGE: usize = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct Overload {
    /// Model calls at once.
    #[arg(long, default_value_t = 32)]
    live: usize,
    /// Tasks that may wait.
    #[arg(long, default_value_t = 256)]
    queued: usize,
    /// How long the model thinks, in milliseconds.
    #[arg(long, default_value_t = 100)]
    think_ms: u64,
    /// Connections that offer tasks.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

/// What a stretch of offering came to.
#[derive(Debug, Default)]
struct Offered {
    accepted: HashSet<String>,
    /// Refused as promised.
    refused: usize,
    /// The first answer that is neither.
    odd: Option<String>,
    /// How long each answer took, from when its request was due.
    times: Vec<Duration>,
}

impl Overload {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let scratch = house::scratch(run.dir.as_deref())?;
        let serve =
            Serve { think_ms: self.think_ms, ..Serve::over(scratch.path(), 0, self.live, self.queued) };
        let (warm, flood) = (Duration::from_secs(6), Duration::from_secs(run.pick(15, 120)));
        let best = self.live as f64 * 1e3 / self.think_ms as f64;
        let mut figures = Figures::begin(&format!("L5: {OFFERED} peaks of work for {} s", flood.as_secs()));
        let served = Served::start(&serve)?;
        run.tokio()?.block_on(async {
            let (_, peak) = self.offer(&served, best * TO_FIND_PEAK, warm).await?;
            figures.note("peak", format!("{peak:.0} tasks/s; the model could do {best:.0}"));
            let (offered, goodput) = self.offer(&served, peak * OFFERED, flood).await?;
            let memory = served.memory()?;
            let rate = offered.times.len() as f64 / flood.as_secs_f64() / peak;
            let (accepted, refused) = (offered.accepted.len(), offered.refused);
            figures.at_least("L5 offered", rate, OFFERED_MIN, "peaks");
            figures.note("answers", format!("{accepted} accepted, {refused} told to come back later"));
            figures.note("from when a request was due to its answer", Spread::of(offered.times));
            figures.at_least("L5 done, of the peak", goodput / peak * 100.0, GOODPUT * 100.0, "%");
            figures.at_most("L5 resident at most", memory.peak_kb as f64 * 1.024e-3, RSS_MB, "MB");
            let odd = offered.odd.unwrap_or_else(|| "none".into());
            let what = format!("every refusal is 429 or 503 with Retry-After; others: {odd}");
            figures.check(odd == "none", &what);
            let lost = lost(served.addr, offered.accepted).await?;
            figures.check(lost == 0, &format!("{lost} acknowledged tasks are not done in the end"));
            Ok(figures.verdict())
        })
    }

    /// Offers `rate` tasks per second; also how many were done per second in the second half of that time,
    /// when the queue is as it will stay.
    async fn offer(&self, served: &Served, rate: f64, time: Duration) -> Result<(Offered, f64)> {
        let (began, mut lanes) = (time::Instant::now(), JoinSet::new());
        let between = Duration::from_secs_f64(self.connections as f64 / rate);
        for lane in 0..self.connections {
            let first = began + between.mul_f64(lane as f64 / self.connections as f64);
            lanes.spawn(offer(served.addr, first, between, began + time));
        }
        time::sleep_until(began + time / 2).await;
        let from_ms = SystemClock.now_ms();
        let mut all = Offered::default();
        while let Some(lane) = lanes.join_next().await {
            let lane = lane??;
            all.accepted.extend(lane.accepted);
            all.refused += lane.refused;
            all.odd = all.odd.or(lane.odd);
            all.times.extend(lane.times);
        }
        let to_ms = SystemClock.now_ms();
        let done = tasks(served.addr, |task| {
            task.status == wire::Status::Done && (from_ms..to_ms).contains(&task.updated_ms)
        });
        Ok((all, done.await?.len() as f64 * 1e3 / (to_ms - from_ms) as f64))
    }
}

/// Offers a task whenever one is due, until `end`; late ones follow at once.
async fn offer(
    addr: SocketAddr,
    first: time::Instant,
    between: Duration,
    end: time::Instant,
) -> Result<Offered> {
    let (mut connection, mut offered, mut due) = (Connection::open(addr).await?, Offered::default(), first);
    let body = house::body(0);
    while due < end && time::Instant::now() < end {
        time::sleep_until(due).await;
        let answer = connection.post("/v1/tasks", &body).await?;
        offered.times.push(due.elapsed());
        match answer {
            Answer { status: 202, body, .. } => {
                offered.accepted.insert(serde_json::from_slice::<wire::Task>(&body)?.id);
            }
            Answer { status: 429 | 503, retry_after: Some(_), .. } => offered.refused += 1,
            Answer { status, body, .. } => {
                let text = format!("{status} {}", String::from_utf8_lossy(&body));
                offered.odd.get_or_insert(text);
            }
        }
        due += between;
    }
    Ok(offered)
}

/// Waits until nothing is left to do; how many of `accepted` are not done then.
async fn lost(addr: SocketAddr, mut accepted: HashSet<String>) -> Result<usize> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let open = |task: &wire::TaskSummary| {
            matches!(task.status, wire::Status::Queued | wire::Status::Running | wire::Status::Parked)
        };
        if tasks(addr, open).await?.is_empty() {
            break;
        }
        ensure!(Instant::now() < patience, "tasks are still open a minute after the last was submitted");
        time::sleep(Duration::from_millis(200)).await;
    }
    for done in tasks(addr, |task| task.status == wire::Status::Done).await? {
        accepted.remove(&done.id);
    }
    Ok(accepted.len())
}

/// All tasks that are `wanted`.
async fn tasks(
    addr: SocketAddr,
    wanted: impl Fn(&wire::TaskSummary) -> bool,
) -> Result<Vec<wire::TaskSummary>> {
    let (mut connection, mut found, mut before) = (Connection::open(addr).await?, Vec::new(), String::new());
    loop {
        let answer = connection.get(&format!("/v1/tasks?limit={PAGE}{before}")).await?;
        let page: wire::TaskList = serde_json::from_slice(&answer.body).context("no list of tasks")?;
        found.extend(page.tasks.into_iter().filter(&wanted));
        let Some(next) = page.next else { return Ok(found) };
        before = format!("&before={next}");
    }
}
