//! The command line, as `--help` shows it.

mod task;
mod tool;
pub(crate) mod tool_adapt;
pub(crate) mod tool_approve;
pub(crate) mod tool_make;
pub(crate) mod tool_store;
pub(crate) mod tool_try;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use task::{
    AnswerArgs, Call, DecideArgs, ForkArgs, ListArgs, SubmitArgs, TaskArgs, TaskCommand, Verdict, WatchArgs,
};

pub(crate) use tool::{CallArgs, CalledArgs, GrantsArgs, InspectArgs, ToolArgs, ToolCommand};

/// An actor-based agent runtime: durable tasks, sandboxed tools, local and remote models.
#[derive(Debug, Parser)]
#[command(name = "playhouse", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon until SIGTERM or Ctrl-C.
    Serve(ServeArgs),
    /// Answer one question without a daemon; the answer alone goes to stdout.
    Run(RunArgs),
    /// Work with the tasks of a running daemon.
    Task(TaskArgs),
    /// Show who is at work inside a running daemon: queues, states, restarts.
    Tree(TreeArgs),
    /// Run an exported task against its recorded results; exits with 0 if it decides the same again, else with 1.
    Replay(ReplayArgs),
    /// Look at a tool, or try it, without a daemon.
    Tool(ToolArgs),
    /// Look after the data directory of a daemon that does not run.
    Journal(JournalArgs),
    /// Say whether a daemon can take work.
    Ready(ReadyArgs),
    /// Check the configuration, the agents, the tools and the models. Starts nothing but MCP servers whose tools were
    /// never seen.
    Check(CheckArgs),
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Configuration file; what is shipped runs without one.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory [default: ~/.local/state/playhouse].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:7529].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What is wanted.
    pub(crate) question: String,
    /// Which agent.
    #[arg(long, default_value = "assistant")]
    pub(crate) agent: String,
    /// Continue this conversation; needs --data to find it again.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Configuration file.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Keep the journal here instead of throwing it away.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print the task as JSON instead of the answer.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but the answer.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Where the daemon is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Remote {
    /// Where the daemon listens.
    #[arg(long, env = "PLAYHOUSE_URL", default_value = "http://127.0.0.1:7529", global = true)]
    pub(crate) url: String,
    /// The key to show, if the daemon wants one.
    #[arg(long, env = "PLAYHOUSE_KEY", hide_env_values = true, global = true)]
    pub(crate) key: Option<String>,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// What `playhouse task export` wrote.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) on: ReplayOn,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a recorded task is run on again.
#[derive(Debug, Args)]
pub(crate) struct ReplayOn {
    /// Run it on this agent of the configuration instead of the one it ran on; `current` is the one of the same
    /// name as it is now.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Where --agent is looked up; what is shipped when not given.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// Arguments of `tree`.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Print JSON instead of a drawing.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw again every second until Ctrl-C.
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Show every planner, not only the twenty with most restarts and longest queues.
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// Arguments of `journal`.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// Data directory; the one that `serve` would use when not given.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file, to find the data directory.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: JournalCommand,
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Read and check everything, change nothing. Exits with 1 if repair heals what is wrong, with 2 if it cannot.
    Verify,
    /// Heal what a whole copy is left of, then verify.
    Repair,
    /// Copy what is alive to a new generation of files and remove the old one.
    Compact,
    /// Write everything as JSON lines, with the roots of the chain.
    Export {
        /// A new file; stdout when not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Say whether what an export holds was rewritten since.
    Prove {
        /// The export.
        export: PathBuf,
    },
    /// Destroy the key of a tenant: what was sealed for it can never be read again. Exits with 1 if it has none.
    Erase {
        /// Whose.
        #[arg(long)]
        tenant: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Arguments of `ready`.
#[derive(Debug, Args)]
pub(crate) struct ReadyArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Wait at most so many seconds for it.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(crate) wait: u64,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Configuration file; what is shipped is checked without one.
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
