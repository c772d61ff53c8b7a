//! What callers say to a task that exists.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Why a task should hold still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pause {
    /// For whoever looks at the task meanwhile, at most 4,096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a person decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Make the call, with other `arguments` if given.
    Approve,
    /// Do not make it; `reason` goes to the model. Of a call whose outcome is unknown: tell the model so.
    Deny,
    /// A call whose outcome is unknown did happen, and gave `output`.
    Happened,
    /// A call whose outcome is unknown did not happen: make it again.
    Retry,
}

/// A person's word about a call that waits for one: an entry of the task's `waits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Which call: its `effect_id`, or the part behind the slash, such as `3.0`.
    pub effect_id: String,
    /// What was decided.
    pub decision: Verb,
    /// With `approve`: the arguments to use instead of the model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// With `deny`: why, for the model; at most 4,096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `happened`: what the call gave; `null` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The `args_digest` of the call that the person saw. A decision about other arguments is refused with 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_digest: Option<String>,
    /// Who decided, for the journal; 1 to 128 bytes, the caller's tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a fork differs from the task it is made of. What is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fork {
    /// The step that is asked anew, from 1, which is the default. Everything before it is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u32>,
    /// Other words of the user: instead of the first ones at step 1, else added before the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Another agent, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}
