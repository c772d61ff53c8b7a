//! F2: a thousand tasks in flight, each with a hundred steps behind it; `kill -9`; how long until all go on.
//!
//! A task has resumed when its planner has read its journal, has made that durable, and asks the model again.
//! The clock runs from before the new process is started.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use playhouse_benches::{
    figures::Figures,
    house,
    http1::Connection,
    served::{Serve, Served},
};

use crate::Run;

/// F2: until the last task goes on.
const ALL_MS: f64 = 2_000.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// Tasks in flight.
    #[arg(long, default_value_t = 1000)]
    tasks: usize,
    /// Steps behind each.
    #[arg(long, default_value_t = 100)]
    steps: u32,
}

impl Resume {
    pub(crate) fn run(&self, run: &Run) -> Result<ExitCode> {
        let scratch = house::scratch(run.dir.as_deref())?;
        let serve = Serve {
            hold_after: Some(self.steps / 2),
            tell_at: self.tasks,
            ..Serve::over(scratch.path(), self.steps, self.tasks, self.tasks)
        };
        let what = format!("F2: {} tasks in flight, {} steps behind each", self.tasks, self.steps);
        let mut figures = Figures::begin(&what);
        let mut before = Served::start(&serve)?;
        run.tokio()?.block_on(submit(&before, self.tasks))?;
        let (_, took_ms) = holding(&mut before)?;
        figures.note("until all had come so far", format!("{:.1} s", took_ms / 1e3));
        before.kill()?;
        for round in 1..=run.pick(3, 10) {
            let mut after = Served::start(&serve)?;
            let ready_s = after.ready_s;
            let (median_ms, all_ms) = holding(&mut after)?;
            figures.note(&format!("start {round}"), format!("listens after {ready_s:.2} s"));
            figures.note("half of the tasks went on after", format!("{median_ms:.0} ms"));
            figures.at_most("F2 the last task went on after", all_ms, ALL_MS, "ms");
            figures.note("resident", format!("{} MB", after.memory()?.now_kb / 1000));
            after.kill()?;
        }
        Ok(figures.verdict())
    }
}

async fn submit(served: &Served, tasks: usize) -> Result<()> {
    let mut connection = Connection::open(served.addr).await?;
    for n in 0..tasks {
        let body = house::body(n);
        let answer = connection.post("/v1/tasks", &body).await?;
        ensure!(answer.status == 202, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

/// Waits until the model holds all tasks: when it held half of them, and when all, in milliseconds.
fn holding(served: &mut Served) -> Result<(f64, f64)> {
    let line = served.line()?;
    let mut words = line.strip_prefix("holding ").context("the house said something else")?.split(' ');
    let mut next = || words.next().and_then(|word| word.parse().ok()).context("a number is missing");
    Ok((next()?, next()?))
}
