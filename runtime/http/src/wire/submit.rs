//! What callers send.

use playhouse_core::agent::LimitsOverride;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A task to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// Name of the agent.
    pub agent: String,
    /// What is wanted.
    pub input: String,
    /// Conversation this continues: letters, digits and `.` `_` `:` `-`, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What the turn is about, for dropping the topic later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Tighter limits than the agent's own.
    #[serde(default)]
    pub limits: Limits,
    /// Origins carried to every record of the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The end of the task's time whatever it does, also while it waits; in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// Limits of one task; where the agent's own are lower, those hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Model calls.
    pub steps: Option<u32>,
    /// Time since submission, in milliseconds; time parked does not count.
    pub time_ms: Option<u64>,
    /// Tokens read and written, those of tasks it makes included.
    pub tokens: Option<u64>,
    /// Price in millionths of a US dollar, that of tasks it makes included.
    pub cost_microusd: Option<u64>,
    /// What its sandboxed tools may compute in all, in units of fuel, those of tasks it makes included.
    pub fuel: Option<u64>,
    /// Tasks it may make.
    pub children: Option<u32>,
    /// Generations of tasks below it.
    pub depth: Option<u32>,
}

/// Why a task should end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cancel {
    /// For whoever reads the task later.
    pub reason: Option<String>,
}

impl From<Limits> for LimitsOverride {
    fn from(Limits { steps, time_ms, tokens, cost_microusd, fuel, children, depth }: Limits) -> Self {
        Self { steps, time_ms, tokens, cost_microusd, fuel, children, depth }
    }
}
