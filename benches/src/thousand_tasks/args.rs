//! The command line. Phases are this program again with the same options and one (hidden) command more.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A thousand tasks at once, beside a bare loop that makes the same calls.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// How many tasks each row runs.
    #[arg(long, default_value_t = 1000)]
    pub(crate) tasks: usize,
    /// Rounds of one tool call before the answer; a task makes one model request more.
    #[arg(long, default_value_t = 10)]
    pub(crate) rounds: u32,
    /// Tasks at once in the first row; the second runs all at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// Model requests in flight at once, for both phases: the runtime's own default.
    #[arg(long, default_value_t = 64)]
    pub(crate) in_flight: usize,
    /// What the runtime calls: a function of this program, or the sandboxed calculator.
    #[arg(long, value_enum, default_value_t = Tool::Native)]
    pub(crate) tool: Tool,
    /// The model as a function of this program: no HTTP, and therefore no bare loop beside it.
    #[arg(long)]
    pub(crate) in_process: bool,
    /// How long the mock thinks, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Threads of each phase; the number of cores when not set.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Where the journals are written, in a folder of their own that is removed afterwards; the system's
    /// folder for temporary files when not set. In a folder that lives in memory, commits cost nothing.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// A peak of resident memory above this fails the run, in megabytes of a million bytes.
    #[arg(long, default_value_t = 200)]
    pub(crate) rss_mb_max: u64,
    /// Processor time of a task above this many times the bare loop's fails the row with `--concurrency`.
    #[arg(long, default_value_t = 3.5)]
    pub(crate) cpu_ratio_max: f64,
    /// Which part of the measurement this process is.
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// The tool of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    Native,
    Wasm,
}

impl Tool {
    /// Its name in the runtime.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "adder",
            Self::Wasm => "calculator",
        }
    }
}

/// What this process does when it was started as a part.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Serves the model.
    #[command(hide = true)]
    Mock,
    /// Compiles the tools, so that no phase pays for it.
    #[command(hide = true)]
    Prepare(Place),
    /// The floor.
    #[command(hide = true)]
    Bare(Place),
    /// The runtime.
    #[command(hide = true)]
    Playhouse(Place),
}

/// Where and how a phase runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The mock's address, up to and including `/v1`.
    #[arg(long, default_value = "")]
    pub(crate) model: String,
    /// Tasks at once.
    #[arg(long)]
    pub(crate) at_once: usize,
    /// Holds the compiled tools and a fresh folder of data per phase.
    #[arg(long)]
    pub(crate) scratch: PathBuf,
}

impl Args {
    /// The async runtime of a phase.
    pub(crate) fn tokio(&self) -> std::io::Result<tokio::runtime::Runtime> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = self.threads {
            builder.worker_threads(threads);
        }
        builder.enable_all().build()
    }
}
