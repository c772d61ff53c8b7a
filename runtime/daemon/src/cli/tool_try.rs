//! `playhouse tool check|test|bench` on the command line.

use std::path::PathBuf;

use clap::Args;

use super::CalledArgs;

/// Arguments of `tool check`.
#[derive(Debug, Args)]
pub(crate) struct CheckToolArgs {
    /// The components.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Arguments of `tool test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The component, or the folder of a project: its own tests run first, then the cases with what was built.
    #[arg(default_value = ".")]
    pub(crate) file: PathBuf,
    /// The cases: a JSON list of `{"name", "arguments", "output" or "error", "table", "happened"}` [default: `cases.json` of
    /// the project].
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    /// With all that this configuration grants it, in place of the table of each case.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// And no more than this agent grants it.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) agent: Option<String>,
}

/// Arguments of `tool bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) called: CalledArgs,
    /// How many calls.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(crate) calls: u32,
}
