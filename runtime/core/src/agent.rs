//! The definition of an agent, and the limits it works under.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest,
    model::{Price, Sampling},
    policy::Policy,
    tool::{Grant, ToolSpec},
    window::WindowPolicy,
};

/// Everything an agent is: what `agent.toml` says, with its prompt read in. Pinned to a task by digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentDef {
    /// Unique in a daemon.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The system prompt.
    pub instructions: String,
    /// Alias of the model.
    pub model: String,
    /// Tools it may call, and what each may touch.
    pub tools: BTreeMap<String, Grant>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Bounds of one task.
    pub limits: Limits,
    /// How much of a session's past goes into the prompt.
    pub window: WindowPolicy,
    /// When given, the final answer must be JSON that fits this schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Approvals, retries, undoing, signals, other agents.
    #[serde(default, skip_serializing_if = "Policy::is_empty")]
    pub policy: Policy,
}

impl AgentDef {
    /// Tools that may be called by other tools of this agent, and what each is granted then: all that it has, but for those
    /// whose calls a person may have to agree to. Nobody is asked in the middle of a call.
    pub fn callable(&self) -> BTreeMap<String, Grant> {
        let free = self.tools.iter().filter(|(name, _)| !self.policy.may_ask(name));
        free.map(|(name, grant)| (name.clone(), grant.clone())).collect()
    }
}

/// Bounds of one task (J7). Reaching one ends the task with a reason that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Model calls.
    pub steps: u32,
    /// Time since submission, in milliseconds; time parked does not count.
    pub time_ms: u64,
    /// Tokens read and written, its children's included; `None` is no bound.
    pub tokens: Option<u64>,
    /// Price of all model calls in millionths of a US dollar, its children's included; `None` is no bound.
    pub cost_microusd: Option<u64>,
    /// What its sandboxed tools may compute in all, in units of fuel (some ten thousand million are a second of a
    /// processor), its children's included; `None` is no bound.
    pub fuel: Option<u64>,
    /// Tasks it may make.
    pub children: u32,
    /// Generations of tasks below it.
    pub depth: u32,
    /// Tool calls that one reply of the model may ask for.
    pub parallel_tools: u32,
    /// Time of one tool call, in milliseconds.
    pub tool_time_ms: u64,
    /// Time of one model call, in milliseconds.
    pub model_time_ms: u64,
    /// How often one model call is tried again after a retryable error.
    pub model_retries: u32,
    /// How often in a row the model is asked to repair an answer that cannot be read.
    pub repairs: u32,
    /// Bytes of one tool result shown to the model; the rest is cut with a note.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 16,
            time_ms: 5 * 60_000,
            tokens: None,
            cost_microusd: None,
            fuel: None,
            children: 32,
            depth: 3,
            parallel_tools: 8,
            tool_time_ms: 10_000,
            model_time_ms: 120_000,
            model_retries: 4,
            repairs: 2,
            result_bytes: 16 * 1024,
        }
    }
}

impl Limits {
    /// These limits, each lowered to `other`'s where that is lower: a caller may tighten, never widen.
    pub fn tightened(self, other: &LimitsOverride) -> Self {
        Self {
            steps: self.steps.min(other.steps.unwrap_or(u32::MAX)),
            time_ms: self.time_ms.min(other.time_ms.unwrap_or(u64::MAX)),
            tokens: least(self.tokens, other.tokens),
            cost_microusd: least(self.cost_microusd, other.cost_microusd),
            fuel: least(self.fuel, other.fuel),
            children: self.children.min(other.children.unwrap_or(u32::MAX)),
            depth: self.depth.min(other.depth.unwrap_or(u32::MAX)),
            ..self
        }
    }
}

/// The lower of two bounds, where `None` is none.
fn least(own: Option<u64>, other: Option<u64>) -> Option<u64> {
    own.into_iter().chain(other).min()
}

/// The limits a caller may set on one task; see [`Limits`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsOverride {
    /// Model calls.
    pub steps: Option<u32>,
    /// Time since submission, in milliseconds.
    pub time_ms: Option<u64>,
    /// Tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Price, in millionths of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
    /// Fuel of tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Tasks it may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<u32>,
    /// Generations of tasks below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
}

/// What a task runs on, fixed at submission: a later change of configuration never alters it (J8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    /// The agent, limits already tightened by the caller.
    pub agent: Arc<AgentDef>,
    /// The agent's tools as they were.
    pub tools: Vec<Arc<ToolSpec>>,
    /// Version of the model that the alias meant.
    pub model_version: String,
    /// What the model's tokens cost; `None` where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

impl Pinned {
    /// SHA-256 over all of it, in hex.
    pub fn digest(&self) -> String {
        digest::of_json(self)
    }

    /// The tool called `name`, if the agent has it.
    pub fn tool(&self, name: &str) -> Option<&Arc<ToolSpec>> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}
