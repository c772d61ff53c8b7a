//! The promises that have figures, measured: `promises steps`, `promises overload` and so on.
//!
//! Each command prints its figures as `PASS` or `FAIL` beside what was promised, and ends with status 1 when
//! one is missed. Where the promise is about a disk, the disk's own figure comes from the same run: speed
//! alone says more about the machine than about the runtime. The load average tells who else was at work.
//!
//! Whatever must be weighed, flooded or killed is a process of its own: this program again, as `serve`.

mod churn;
mod overload;
mod parked;
mod resume;
mod serve;
mod steps;
mod submissions;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use playhouse_benches::served::Serve;

/// As in the program `playhouse`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures a promise. Without `--long`, in seconds.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    bench: Bench,
}

/// Where and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// As long as the promise says, rather than as long as a person waits.
    #[arg(long, global = true)]
    pub(crate) long: bool,
    /// Where the journals are written, in a folder of their own that is removed afterwards; the system's
    /// folder for temporary files when not set. In a folder that lives in memory, commits cost nothing.
    #[arg(long, global = true)]
    pub(crate) dir: Option<PathBuf>,
}

impl Run {
    /// One of two, by `--long`.
    pub(crate) fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// The async runtime of the one who measures.
    pub(crate) fn tokio(&self) -> std::io::Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()
    }
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// L1, L2: durable steps per second, and what the runtime adds to each.
    Steps(steps::Steps),
    /// L3: submissions per second, each durable before its 202.
    Submissions(submissions::Submissions),
    /// L5: ten times more work than can be done.
    Overload(overload::Overload),
    /// L4: very many tasks that wait for a person.
    Parked(parked::Parked),
    /// F2: a thousand tasks in flight, and a `kill -9`.
    Resume(resume::Resume),
    /// L7: disk space while tasks come and go.
    Churn(churn::Churn),
    /// A house to be measured; started by the others.
    #[command(hide = true)]
    Serve(Serve),
}

fn main() -> Result<ExitCode> {
    playhouse_assembly::worker_entry();
    let Args { run, bench } = Args::parse();
    match bench {
        Bench::Steps(steps) => steps.run(&run),
        Bench::Submissions(submissions) => submissions.run(&run),
        Bench::Overload(overload) => overload.run(&run),
        Bench::Parked(parked) => parked.run(&run),
        Bench::Resume(resume) => resume.run(&run),
        Bench::Churn(churn) => churn.run(&run),
        Bench::Serve(serve) => serve::run(&serve, &run),
    }
}
