//! The command line, as `--help` shows it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// Say whether a daemon can take work.
    Ready(ReadyArgs),
    /// Check the configuration, the agents, the tools and the models, and start nothing.
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

/// Arguments of `task`.
#[derive(Debug, Args)]
pub(crate) struct TaskArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: TaskCommand,
}

/// What to do with tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Submit a task; prints its id.
    Submit(SubmitArgs),
    /// Follow a task to its end.
    Watch(WatchArgs),
    /// List tasks, newest first.
    List(ListArgs),
    /// Show one task.
    Show {
        /// The task.
        id: String,
    },
    /// Ask a task to end.
    Cancel {
        /// The task.
        id: String,
        /// Why, for the record.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Arguments of `task submit`.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// What is wanted.
    pub(crate) input: String,
    /// Which agent.
    #[arg(long, default_value = "assistant")]
    pub(crate) agent: String,
    /// Continue this conversation.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// What the turn is about, for dropping the topic later.
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// The same key with the same content is the same task, however often it is sent.
    #[arg(long)]
    pub(crate) key_once: Option<String>,
    /// Follow it to its end.
    #[arg(long, short)]
    pub(crate) watch: bool,
}

/// Arguments of `task watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The task.
    pub(crate) id: String,
    /// Begin at this event.
    #[arg(long, default_value_t = 0)]
    pub(crate) from: u64,
    /// Stop at the first event of this type, such as `tool_done`.
    #[arg(long, value_name = "TYPE")]
    pub(crate) until: Option<String>,
}

/// Arguments of `task list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only tasks that stand here: queued, running, parked, done, failed, cancelled, quarantined.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only tasks of this conversation.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only tasks older than this one.
    #[arg(long)]
    pub(crate) before: Option<String>,
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
