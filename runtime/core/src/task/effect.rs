//! What comes in, and what must be done about it.

use serde_json::Value;

use super::{ChildOrder, Decision, Event, Intent, Outcome, Signal, Spent};
use crate::{
    id::{EffectId, TaskId},
    labels::Labels,
    message::Message,
    model::{ModelError, Reply},
    tool::{Called, ToolError},
};

/// Something that arrived from outside and is not yet journaled.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The task's turn in its session has come.
    Begin {
        /// What the window let through of the session's past.
        history: Vec<Message>,
        /// Turns the window left out.
        dropped_turns: usize,
        /// Where that past came from (J9).
        labels: Labels,
    },
    /// The planner was started again over an existing journal. `epoch` counts its starts.
    Resume {
        /// Larger than every epoch before.
        epoch: u32,
    },
    /// A model call ended.
    ModelReplied {
        /// Which step asked.
        step: u32,
        /// Which attempt of that step.
        attempt: u32,
        /// The reply, or why there is none.
        result: Result<Reply, ModelError>,
    },
    /// A tool call ended.
    ToolReplied {
        /// Which call.
        effect_id: EffectId,
        /// How it ended, and what it took.
        called: Called,
    },
    /// A `checkable` tool said whether an effect had happened: `Ok(Some(output))` if so.
    ToolChecked {
        /// Which call.
        effect_id: EffectId,
        /// What the tool knows.
        result: Result<Option<Value>, ToolError>,
    },
    /// Somebody wants the task to end.
    Cancel {
        /// In the caller's words.
        reason: String,
    },
    /// A person decided about a call that waits for one.
    Decide {
        /// Which call.
        effect_id: EffectId,
        /// SHA-256 of the arguments the person saw; a decision about others is refused.
        args_digest: Option<String>,
        /// What was decided.
        decision: Decision,
        /// Who decided.
        by: String,
    },
    /// A message came from outside.
    Signal(Signal),
    /// A task that this one made is over.
    ChildEnded {
        /// Which.
        child: TaskId,
        /// How.
        outcome: Outcome,
        /// What it used.
        spent: Spent,
    },
    /// Somebody wants the task to hold still.
    Pause {
        /// In the caller's words.
        reason: String,
    },
    /// It may go on.
    Unpause,
    /// Time has passed: look whether something is due. Comes at least when [`Effect::WakeAt`] or
    /// [`Effect::Park`] asked for it; coming more often does no harm.
    Tick,
    /// The planner crashed too often over this task.
    Quarantine {
        /// The last crash.
        reason: String,
    },
}

/// What the shell must now do. It performs effects in the order given, after the step's events are durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the model [`Task::request`], `after_ms` from now.
    AskModel {
        /// The step.
        step: u32,
        /// The attempt.
        attempt: u32,
        /// Backoff.
        after_ms: u64,
    },
    /// Run a tool.
    CallTool(Intent),
    /// Run a tool again, `after_ms` from now.
    RetryTool {
        /// The call.
        intent: Intent,
        /// Backoff.
        after_ms: u64,
    },
    /// Ask a `checkable` tool whether this happened.
    CheckTool(Intent),
    /// Stop the running model call, if any.
    AbortModel,
    /// Stop this tool call, if it runs.
    AbortTool(EffectId),
    /// Send [`Input::Tick`] at this time, instead of any time asked for before.
    WakeAt {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Make this task, unless it was made already; report its end with [`Input::ChildEnded`].
    SpawnChild(Box<ChildOrder>),
    /// End a task that this one made.
    CancelChild(TaskId),
    /// Nothing is left to do until somebody decides, writes or time passes: the actor may go.
    Park {
        /// When to come back at the latest, in milliseconds since 1970.
        due_ms: Option<u64>,
    },
    /// The task is over: answer whoever waits, and stop.
    Conclude(Outcome),
}

/// The outcome of one [`Task::step`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// To be made durable in one commit (J2), before any effect is performed (J1).
    pub events: Vec<Event>,
    /// To be performed afterwards.
    pub effects: Vec<Effect>,
}
