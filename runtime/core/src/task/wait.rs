//! What a call may wait for instead of running: a person, a message, a time, other tasks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Intent, Outcome, Waiting};
use crate::{
    id::{EffectId, TaskId},
    labels::Labels,
    model::Usage,
};

/// What one call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// A person who agrees to the call, or does not.
    Approval {
        /// Why a person is asked.
        reason: String,
        /// Then it counts as denied, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A person who knows what became of a call.
    Verdict {
        /// Then it counts as unknown, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A message from outside.
    Signal {
        /// Which.
        name: String,
        /// Then the model is told that none came, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// A point in time.
    Timer {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Tasks of this one.
    Children {
        /// Which, in the order of their results.
        tasks: Vec<TaskId>,
        /// How many may run at once.
        parallel: u32,
        /// How their ends become the call's result.
        join: Join,
    },
}

/// How the ends of children become the result of the call that waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// The one child's end is the result.
    One,
    /// A list with an entry for each.
    All,
    /// The child's answer is this task's answer.
    HandOff,
}

impl Wait {
    /// When the wait ends by itself, in milliseconds since 1970.
    pub fn due_ms(&self) -> Option<u64> {
        match self {
            Self::Approval { expires_ms, .. }
            | Self::Verdict { expires_ms }
            | Self::Signal { expires_ms, .. } => Some(*expires_ms),
            Self::Timer { at_ms } => Some(*at_ms),
            Self::Children { .. } => None,
        }
    }

    /// The same in one word.
    pub fn kind(&self) -> Waiting {
        match self {
            Self::Approval { .. } | Self::Verdict { .. } => Waiting::Approval,
            Self::Signal { .. } => Waiting::Signal,
            Self::Timer { .. } => Waiting::Timer,
            Self::Children { .. } => Waiting::Children,
        }
    }
}

/// A wait as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitView {
    /// The call that waits; decisions name it.
    pub effect_id: EffectId,
    /// The tool that was called.
    pub tool: String,
    /// With these arguments.
    pub arguments: Value,
    /// SHA-256 of the arguments: what a decision is bound to.
    pub args_digest: String,
    /// What for, and until when.
    #[serde(flatten)]
    pub wait: Wait,
}

impl WaitView {
    pub(super) fn of(intent: &Intent, wait: &Wait) -> Self {
        Self {
            effect_id: intent.effect_id.clone(),
            tool: intent.tool.clone(),
            arguments: intent.arguments.clone(),
            args_digest: intent.args_digest.clone(),
            wait: wait.clone(),
        }
    }
}

/// What a person decides about a call that waits for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// Make the call, perhaps with other arguments.
    Approve {
        /// Instead of the model's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<Value>,
    },
    /// Do not make it. Of a call whose outcome is unknown: tell the model so.
    Deny {
        /// For the model.
        #[serde(default)]
        reason: String,
    },
    /// A call whose outcome is unknown did happen.
    Happened {
        /// What it gave.
        #[serde(default)]
        output: Value,
    },
    /// A call whose outcome is unknown did not happen: make it again.
    Retry,
}

/// A message from outside, on its way to a call that waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The sender's own name for it; the same id is the same signal.
    pub id: String,
    /// What kind of signal.
    pub name: String,
    /// What it says.
    pub payload: Value,
}

/// A task that this one made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Child {
    /// Which agent has the work.
    pub(super) agent: String,
    /// What it was told.
    pub(super) input: String,
    /// Where that came from: everything its parent had seen by then (J9).
    pub(super) labels: Labels,
    /// Whether it took the conversation over.
    pub(super) hand_off: bool,
    /// Tokens and money set aside for it.
    pub(super) share: Share,
    /// How it ended, if it has.
    pub(super) ended: Option<Outcome>,
}

/// A part of what a task may still use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Tokens; `None` is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Millionths of a US dollar; `None` is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
    /// Fuel of tools; `None` is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
}

/// What a task and its children have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens.
    pub usage: Usage,
    /// Millionths of a US dollar.
    #[serde(default)]
    pub cost_microusd: u64,
    /// Fuel of its sandboxed tools.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fuel: u64,
}

/// Tokens, money (in millionths of a US dollar) and fuel that are used, or set aside.
pub(super) struct Spending {
    pub(super) tokens: u64,
    pub(super) cost: u64,
    pub(super) fuel: u64,
}

/// Records of tasks without sandboxed tools stay as they were.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(fuel: &u64) -> bool {
    *fuel == 0
}
