//! The command line of `playhouse task`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::{Remote, ReplayOn};

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
    /// Hold a task still.
    Pause {
        /// The task.
        id: String,
        /// Why, for whoever looks at it meanwhile.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a paused task go on.
    Resume {
        /// The task.
        id: String,
    },
    /// Agree to a call that waits for it.
    Approve {
        #[command(flatten)]
        call: Call,
        /// Other arguments than the model's, as JSON.
        #[arg(long, value_name = "JSON", value_parser = json)]
        arguments: Option<Value>,
    },
    /// Do not agree to a call; the model is told why.
    Deny {
        #[command(flatten)]
        call: Call,
        /// Why, for the model.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say what became of a call whose outcome nobody knows.
    Decide(DecideArgs),
    /// Send a task a message.
    Signal {
        /// The task.
        id: String,
        /// One of the agent's signals.
        name: String,
        /// What it says, as JSON.
        #[arg(default_value = "null", value_name = "JSON", value_parser = json)]
        payload: Value,
        /// The same key is the same message, however often it is sent.
        #[arg(long)]
        key_once: Option<String>,
    },
    /// Show what running calls of a task ask people.
    Questions {
        /// The task.
        id: String,
    },
    /// Answer what a running call asks, or decline it.
    Answer(AnswerArgs),
    /// Make a task that shares the history of another up to a step; prints its id.
    Fork(ForkArgs),
    /// Print a task with its whole journal, for `playhouse replay`.
    Export {
        /// The task.
        id: String,
    },
    /// Run a task against its recorded results; exits with 0 if it decides the same again, else with 1.
    Replay {
        /// The task.
        id: String,
        #[command(flatten)]
        on: ReplayOn,
    },
    /// Remove a task that is over, for good.
    Forget {
        /// The task.
        id: String,
    },
}

/// A call that waits for a person.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The task.
    pub(crate) id: String,
    /// Which of its calls, such as `3.0`: `task show` lists those that wait.
    pub(crate) call: String,
    /// Who decides, for the record.
    #[arg(long, env = "USER")]
    pub(crate) by: Option<String>,
    /// Decide only if the arguments are still those that you saw; `task show --json` has it.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) args_digest: Option<String>,
}

/// Arguments of `task decide`.
#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    #[command(flatten)]
    pub(crate) call: Call,
    /// What became of it.
    pub(crate) verdict: Verdict,
    /// With `happened`: what the call gave, as JSON.
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub(crate) output: Option<Value>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// It did happen.
    Happened,
    /// It did not: make it again.
    Retry,
    /// It stays unknown; the model is told so.
    Unknown,
}

/// Arguments of `task answer`.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The task.
    pub(crate) id: String,
    /// What the form asks for, as JSON: an object with its fields.
    #[arg(value_name = "JSON", value_parser = json, required_unless_present = "decline")]
    pub(crate) answer: Option<Value>,
    /// Which question; `task questions` lists them. Without, the only one.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) question: Option<u64>,
    /// Say no.
    #[arg(long, conflicts_with = "answer")]
    pub(crate) decline: bool,
}

/// Arguments of `task fork`.
#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// The task whose history is shared.
    pub(crate) id: String,
    /// The step that is asked anew, from 1. Everything before it is shared.
    #[arg(long, value_name = "STEP", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) at: u32,
    /// Ask this model from there on.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Say this: instead of the first words at step 1, else added before the step.
    #[arg(long, value_name = "TEXT")]
    pub(crate) input: Option<String>,
    /// Go on as this agent.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Follow it to its end.
    #[arg(long, short)]
    pub(crate) watch: bool,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("this is no JSON: {error}; a text needs quotes: '\"…\"'"))
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
    /// Only tasks that wait for this: paused, approval, signal, children, timer.
    #[arg(long)]
    pub(crate) waiting: Option<String>,
    /// Only tasks of this conversation.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only tasks that this one made.
    #[arg(long)]
    pub(crate) parent: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only tasks older than this one.
    #[arg(long)]
    pub(crate) before: Option<String>,
}
