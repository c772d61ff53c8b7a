//! The life of a task, as a pure state machine.
//!
//! ```text
//!            Input                     Step { events, effects }
//!  world ───────────▶ Task::step ──────────────────────────────▶ shell
//!                        │  ▲                                      │ 1. append `events` (J1)
//!                  apply │  │ fold of the journal (J4)             │ 2. perform `effects`
//!                        ▼  │                                      ▼
//!                     the task's state                         journal, model, tools
//! ```
//!
//! [`Task::step`] decides; [`Task::apply`] only remembers. Whatever `step` changes it changes by applying
//! the events it returns, so a fold over the journal always restores the state that was there.

mod apply;
mod decide;
mod event;
mod intake;
mod resume;
mod spec;
mod view;

pub use event::{Event, Intent, Outcome, Record, TaskError, TaskErrorKind};
pub use spec::TaskSpec;
pub use view::{Head, Status, TaskView, Waiting};

use crate::{
    id::{EffectId, Seq},
    labels::Labels,
    message::Message,
    model::{ChatRequest, ModelError, Reply, Usage},
    session::Turn,
    tool::ToolError,
};
use serde_json::Value;

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
        /// Its output, or why there is none.
        result: Result<Value, ToolError>,
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
    /// `limits.time_ms` has passed since submission.
    DeadlinePassed,
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
    /// Ask a `checkable` tool whether this happened.
    CheckTool(Intent),
    /// Stop the running model call, if any.
    AbortModel,
    /// Stop this tool call, if it runs.
    AbortTool(EffectId),
    /// Send [`Input::DeadlinePassed`] at this time, in milliseconds since 1970.
    ArmDeadline {
        /// When.
        at_ms: u64,
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

/// One task.
///
/// Invariant: the phase is `Finished` exactly when the last event is [`Event::Finished`].
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    spec: TaskSpec,
    phase: Phase,
    epoch: u32,
    next_seq: Seq,
    /// The session's past, then this task's own messages from `own_from` on.
    messages: Vec<Message>,
    own_from: usize,
    /// Steps in a row whose reply could not be used.
    unusable: u32,
    usage: Usage,
    model_calls: u32,
    tool_calls: u32,
    labels: Labels,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Submitted; an earlier task of the session may still run.
    Queued,
    /// Invariant: exactly one model call is open.
    Thinking { step: u32, attempt: u32 },
    /// Invariant: at least one slot has no result.
    Acting { step: u32, slots: Vec<Slot> },
    /// The task is over.
    Finished(Outcome),
}

/// One tool call of the current step, in the model's order.
#[derive(Debug, Clone, PartialEq)]
struct Slot {
    call_id: String,
    tool: String,
    /// `None` for a call that was refused before dispatch.
    intent: Option<Intent>,
    /// Whether the tool is being asked if this call happened, since a crash left that open.
    checking: bool,
    result: Option<Result<Value, ToolError>>,
}

/// A journal that no task can have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be replayed at event {at}: {why}")]
pub struct BadJournal {
    /// Position of the event that does not fit.
    pub at: Seq,
    /// What was expected.
    pub why: String,
}

impl Task {
    /// A new task; its journal begins with [`Event::Submitted`] of the same `spec`.
    pub fn new(spec: TaskSpec) -> Self {
        let own = Message::user(&spec.input);
        Self {
            spec,
            phase: Phase::Queued,
            epoch: 0,
            next_seq: 1,
            messages: vec![own],
            own_from: 0,
            unusable: 0,
            usage: Usage::default(),
            model_calls: 0,
            tool_calls: 0,
            labels: Labels::of(["user"]),
        }
    }

    /// Folds a journal back into the state that was there (J4).
    pub fn restore(events: impl IntoIterator<Item = Event>) -> Result<Self, BadJournal> {
        let mut events = events.into_iter();
        let Some(Event::Submitted(spec)) = events.next() else {
            return Err(BadJournal { at: 0, why: "a journal begins with `submitted`".into() });
        };
        let mut task = Self::new(*spec);
        for event in events {
            task.apply(&event)?;
        }
        Ok(task)
    }

    /// What the model should be asked now.
    pub fn request(&self) -> ChatRequest {
        let agent = &self.spec.pinned.agent;
        let system = (!agent.instructions.is_empty()).then(|| Message::system(&agent.instructions));
        ChatRequest {
            conversation: self.conversation(),
            messages: system.into_iter().chain(self.messages.iter().cloned()).collect(),
            tools: self.spec.pinned.tools.clone(),
            sampling: agent.sampling.clone(),
            response_schema: agent.output_schema.clone(),
        }
    }

    fn conversation(&self) -> String {
        let session = self.spec.session.as_ref().map(|id| format!("{}/{id}", self.spec.tenant));
        session.unwrap_or_else(|| self.spec.id.to_string())
    }

    /// What this task adds to its session: its own messages, once it is done.
    pub fn turn(&self, at_ms: u64) -> Option<Turn> {
        let done = matches!(self.phase, Phase::Finished(Outcome::Done { .. }));
        (done && self.spec.session.is_some()).then(|| Turn {
            task: self.spec.id.clone(),
            topic: self.spec.topic.clone(),
            at_ms,
            messages: self.messages[self.own_from..].to_vec(),
            labels: self.labels.clone(),
        })
    }

    /// What was submitted.
    pub fn spec(&self) -> &TaskSpec {
        &self.spec
    }

    /// Position of the next event.
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// How often the planner was started over this task.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether this model call is the open one.
    pub fn is_thinking(&self, step: u32, attempt: u32) -> bool {
        self.phase == Phase::Thinking { step, attempt }
    }

    /// How the task ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The whole conversation as the model sees it, without the system message.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }
}

#[cfg(test)]
mod tests;
