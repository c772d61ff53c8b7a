//! Tools as the planner sees them: a description, a class of effect, and errors that a model can act on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use crate::annotations::Annotations;
pub use crate::grant::{Access, Grant};
use crate::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    model::Usage,
};

/// What happens to an effect whose result was lost in a crash (J3). The order is from harmless to not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// Touches nothing: run again at will.
    Pure,
    /// Running it again with the same effect id changes nothing more.
    Idempotent,
    /// The tool can say whether an effect id happened.
    Checkable,
    /// Never started twice. What is undeclared is `once`.
    #[default]
    Once,
}

/// A named function that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Unique among the tools of an agent.
    pub name: String,
    /// The tool's own version.
    pub version: String,
    /// For the model: what it does and when to use it.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// JSON Schema of the output.
    pub output_schema: Value,
    /// Already capped by the operator's grant.
    pub effect: EffectClass,
    /// What a call can do to the world, as far as it is known. Not there in what was pinned before they were.
    #[serde(default, skip_serializing_if = "Annotations::is_unproven")]
    pub annotations: Annotations,
    /// SHA-256 of what runs, in hex. Pinned to each task (J8).
    pub digest: String,
}

/// One call of a tool, after every check of the planner has passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolRequest {
    /// The effect this call performs; the idempotency key of what leaves the host.
    pub effect_id: EffectId,
    /// On whose behalf.
    pub tenant: Tenant,
    /// Which task.
    pub task: TaskId,
    /// Which tool.
    pub tool: String,
    /// The arguments; the tool box checks them against the schema.
    pub arguments: Value,
    /// What the agent lets the tool touch during this call.
    pub grant: Grant,
    /// What the agent lets those tools touch that this one may call: itself, and no more than it would be granted. Not set: no
    /// agent narrows anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<BTreeMap<String, Grant>>,
    /// Where the arguments come from (J9); the operator may withhold something from calls with certain origins.
    #[serde(default)]
    pub labels: Labels,
    /// The call is ended after this long.
    pub timeout_ms: u64,
    /// What is left of the task's fuel: a sandboxed call is ended when it has computed so much.
    pub fuel: Option<u64>,
    /// What earlier calls of this tool in this task have reached; bounds per task count from there.
    #[serde(default)]
    pub reached: Reach,
}

/// How much went through those interfaces of a sandboxed tool that reach out of the call: tables, folders, requests,
/// secrets, other tools, the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Calls into the host.
    pub calls: u64,
    /// Bytes given and got.
    pub bytes: u64,
}

impl Reach {
    /// Whether nothing was reached.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What was reached since there was `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(before.calls),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }
}

impl std::ops::AddAssign for Reach {
    fn add_assign(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What a sandboxed call took and gave, so that the call can be made again elsewhere and must match, bit for bit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// SHA-256 of the component that ran, in hex.
    pub component: String,
    /// SHA-256 of the arguments as the component read them, in hex.
    pub input: String,
    /// SHA-256 of what it returned, in hex; `None` if it returned an error, or too much, or was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What it computed: units of the engine's fuel, about one per instruction, the same on every machine. Exact if it
    /// returned; otherwise at least this much.
    pub fuel: u64,
    /// SHA-256 of all that the host answered it, in order, in hex; `None` if it asked for nothing. A call that is made
    /// again and hears the same must give the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<String>,
    /// What it reached.
    #[serde(default, skip_serializing_if = "Reach::is_none")]
    pub reached: Reach,
}

/// How a call ended, and the receipt for it where there is one: only what is sandboxed is metered.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// The output, or why there is none.
    pub result: Result<Value, ToolError>,
    /// What it took.
    pub receipt: Option<Receipt>,
    /// What it asked the task's model, if it did.
    pub asked: Option<Asked>,
}

/// What a tool asked the model of its task. Counted by whoever passed the questions on, not by the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Exact model that answered, as the backend names it.
    pub model: String,
    /// Tokens of all questions and answers.
    pub usage: Usage,
}

impl From<Result<Value, ToolError>> for Called {
    fn from(result: Result<Value, ToolError>) -> Self {
        Self { result, receipt: None, asked: None }
    }
}

/// What a call says before its end. Provisional: it may come twice, and only the result counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolProgress {
    /// How far it is: `done` of `total` (0: unknown), and a word about it, on one line.
    Report {
        /// Done so far.
        done: u64,
        /// Of so many.
        total: u64,
        /// What is being done.
        message: String,
    },
    /// A part of the output, as text.
    Partial(String),
}

/// Why a tool gave no output. Goes back to the model, which may correct itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// What kind of failure.
    pub kind: ToolErrorKind,
    /// For the model: what was wrong and what would be right.
    pub message: String,
    /// Milliseconds after which another attempt makes sense, where the tool knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The classes of failure a model or an operator acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolErrorKind {
    /// The arguments do not fit the schema, or make no sense to the tool.
    InvalidInput,
    /// No such tool for this agent.
    UnknownTool,
    /// The tool, or the operator, does not allow this.
    Denied,
    /// What was asked for does not exist.
    NotFound,
    /// Something else changed it meanwhile.
    Conflict,
    /// Too often.
    RateLimited,
    /// What the tool talks to failed, or does not answer. Later may work. Tools say `unavailable`.
    #[serde(alias = "unavailable")]
    Upstream,
    /// It did not work, and would not another time.
    Failed,
    /// The deadline passed.
    Timeout,
    /// The memory limit was hit.
    OutOfMemory,
    /// It computed more than it may. It would again.
    OutOfFuel,
    /// The output is too large, is not JSON, or does not fit the tool's own schema.
    BadOutput,
    /// The tool crashed.
    Crashed,
    /// The task was cancelled meanwhile.
    Cancelled,
    /// It is unknown whether the effect happened: the process died between start and result.
    OutcomeUnknown,
}

impl ToolError {
    /// An error of `kind` with a message for the model.
    pub fn new(kind: ToolErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }

    /// The same, and another attempt makes sense after so many milliseconds.
    #[must_use]
    pub fn retry_after(self, ms: Option<u64>) -> Self {
        Self { retry_after_ms: ms, ..self }
    }

    /// The form in which the model reads it: `{"error": …, "kind": …}`.
    pub fn for_model(&self) -> Value {
        json!({ "error": self.message, "kind": self.kind })
    }
}
