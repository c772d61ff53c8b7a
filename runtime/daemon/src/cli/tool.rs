//! `playhouse tool …` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    tool_adapt::AdaptArgs,
    tool_approve::{ApproveArgs, PendingArgs},
    tool_make::{BuildArgs, NewArgs},
    tool_store::{InstallArgs, KeygenArgs, ListArgs, PackArgs, RemoveArgs, SignArgs, VerifyArgs},
    tool_try::{BenchArgs, CheckToolArgs, TestArgs},
};

/// Arguments of `tool`.
#[derive(Debug, Args)]
pub(crate) struct ToolArgs {
    #[command(subcommand)]
    pub(crate) command: ToolCommand,
}

/// What to do with a tool.
#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// Make a project of a new tool, from a template.
    New(NewArgs),
    /// Build the component of a project, and say what it is and wants.
    Build(BuildArgs),
    /// Say what a component is and wants, before anything is granted to it.
    Inspect(InspectArgs),
    /// Make a tool of a component that speaks WASI, such as one that answers HTTP requests.
    Adapt(AdaptArgs),
    /// Call a component once, in the sandbox; its result goes to stdout.
    Call(CallArgs),
    /// Explain what a tool of the configuration may do, and why, or why not.
    Grants(GrantsArgs),
    /// Say what is wrong with components before anybody installs them.
    Check(CheckToolArgs),
    /// Run a project's own tests, and its component against written cases, in the sandbox.
    Test(TestArgs),
    /// Measure what a call of a component costs.
    Bench(BenchArgs),
    /// Make a pair of keys to sign tools with.
    Keygen(KeygenArgs),
    /// Sign a component.
    Sign(SignArgs),
    /// Say whether a component's signatures are trusted.
    Verify(VerifyArgs),
    /// Push a component and its signatures to an OCI registry.
    Pack(PackArgs),
    /// Install a component from a file, an https address or an OCI registry; an update shows what it changes.
    Install(InstallArgs),
    /// List installed tools, and whether they are what they were.
    List(ListArgs),
    /// Remove an installed tool.
    Remove(RemoveArgs),
    /// Show the tools of MCP servers that changed since they were approved, and are refused.
    Pending(PendingArgs),
    /// Approve a tool of an MCP server as it is now.
    Approve(ApproveArgs),
}

/// Arguments of `tool grants`.
#[derive(Debug, Args)]
pub(crate) struct GrantsArgs {
    /// Name of the tool.
    pub(crate) tool: String,
    /// As this agent grants it; otherwise as if an agent narrowed nothing.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// May it send this? For example `--request GET https://api.example.com/repos`.
    #[arg(long, num_args = 2, value_names = ["METHOD", "URL"], group = "question")]
    pub(crate) request: Option<Vec<String>>,
    /// May it read this? A path as the tool would write it, beginning with the name of a folder.
    #[arg(long, value_name = "PATH", group = "question")]
    pub(crate) read: Option<String>,
    /// May it change this?
    #[arg(long, value_name = "PATH", group = "question")]
    pub(crate) write: Option<String>,
    /// May it have this secret used?
    #[arg(long, value_name = "NAME", group = "question")]
    pub(crate) secret: Option<String>,
    /// May it call this tool?
    #[arg(long, value_name = "NAME", group = "question")]
    pub(crate) call: Option<String>,
    /// In a task of which something comes from here, such as `tool:fetch`. Can be repeated.
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Vec<String>,
    /// Configuration file.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `tool inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The component, or the folder of its project.
    pub(crate) file: PathBuf,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which tool is called by hand, and with what.
#[derive(Debug, Args)]
pub(crate) struct CalledArgs {
    /// The component or the folder of its project, which is granted nothing; or with `--config`, the name of a tool in there.
    #[arg(value_name = "FILE|NAME")]
    pub(crate) tool: PathBuf,
    /// A JSON object.
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// A table it may read: a TOML file of keys and values.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(crate) table: Option<PathBuf>,
    /// With all that this configuration grants it. Tables that it may write begin empty, and are gone afterwards.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// And no more than this agent grants it.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) agent: Option<String>,
}

/// Arguments of `tool call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) called: CalledArgs,
    /// Give up after so many milliseconds.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) timeout_ms: u64,
}
