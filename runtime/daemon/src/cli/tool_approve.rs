//! `playhouse tool pending` and `playhouse tool approve` on the command line.

use std::path::PathBuf;

use clap::Args;

/// Where the tools of MCP servers are pinned.
#[derive(Debug, Args)]
pub(crate) struct PinsArgs {
    /// Data directory; the one that `serve` would use when not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file, to find the data directory.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// Arguments of `tool pending`.
#[derive(Debug, Args)]
pub(crate) struct PendingArgs {
    #[command(flatten)]
    pub(crate) pins: PinsArgs,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `tool approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// A tool, such as `files__read_text_file`, or a server, such as `files`, for all of its tools that wait.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) pins: PinsArgs,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
