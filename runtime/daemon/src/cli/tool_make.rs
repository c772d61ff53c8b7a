//! `playhouse tool new|build` on the command line.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `tool new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Name of the tool: a to z, 0 to 9 and _. Asked for if missing.
    pub(crate) name: Option<String>,
    /// rust, python, javascript, typescript or c. Asked for if missing.
    #[arg(long, short)]
    pub(crate) language: Option<String>,
    /// Folder of the project; one of the tool's name if missing.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) path: Option<PathBuf>,
    /// The crate `playhouse-tool` that a tool in Rust shall use; if missing, that of the checkout around it, or a copy in the
    /// project.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) kit: Option<PathBuf>,
}

/// Arguments of `tool build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Folder of the project.
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
}
