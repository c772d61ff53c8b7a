//! `playhouse tool adapt` on the command line.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `tool adapt`.
#[derive(Debug, Args)]
pub(crate) struct AdaptArgs {
    /// The component.
    pub(crate) file: PathBuf,
    /// Where the tool goes.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Name of the tool, of a component that answers requests; that of its file if missing.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// For the model: when to use it, and an example of a path.
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Version of the component, of one that answers requests.
    #[arg(long, value_name = "VERSION")]
    pub(crate) tool_version: Option<String>,
}
