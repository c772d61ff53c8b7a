//! What the daemon has: agents, tools, models, and its own state.

use playhouse_api::{AgentView, Health};
use playhouse_core::{
    model::ModelInfo,
    tool::{self, EffectClass, ToolSpec},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::mirror;

mirror! {
    /// What happens to a call of a tool whose result was lost in a crash.
    Effect from EffectClass, "snake_case" {
        /// Touches nothing: run again.
        Pure,
        /// Run again under the same effect id, which changes nothing more.
        Idempotent,
        /// The tool is asked whether the call happened.
        Checkable,
        /// Never started twice.
        Once,
    }
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Alias of its model.
    pub model: String,
    /// Names of its tools.
    pub tools: Vec<String>,
    /// SHA-256 of its definition, in hex.
    pub digest: String,
}

/// The agents, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentList {
    /// All of them.
    pub agents: Vec<Agent>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// What it does and when to use it, as the model reads it.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// JSON Schema of the output.
    pub output_schema: Value,
    /// What happens after a crash.
    pub effect: Effect,
    /// What a call can do to the world.
    pub annotations: Annotations,
    /// SHA-256 of what runs, in hex.
    pub digest: String,
}

/// What a call of a tool can do to the world, in the words of MCP. Derived from what it imports and was granted, and not
/// what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ToolAnnotations)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// It can change or remove what is there.
    pub destructive: bool,
    /// The same call again changes nothing more.
    pub idempotent: bool,
    /// It reaches further than the daemon's own files and tables.
    pub open_world: bool,
}

/// The tools, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolList {
    /// All of them.
    pub tools: Vec<Tool>,
}

/// A model, in OpenAI's shape with fields of our own at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// The alias that agents use.
    pub id: String,
    /// Always `model`.
    #[schema(example = "model")]
    pub object: String,
    /// Seconds since 1970 in OpenAI's lists; 0 here, where a model has no birthday.
    pub created: u64,
    /// Who provides it, e.g. `openai` or `llama_cpp`.
    pub owned_by: String,
    /// What exactly answers: a file digest or a provider's model id.
    pub version: String,
    /// Prompt plus reply, in tokens.
    pub context_tokens: u32,
}

/// The models, in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Always `list`.
    #[schema(example = "list")]
    pub object: String,
    /// All of them, by name.
    pub data: Vec<Model>,
}

/// A daemon that takes work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Always true; what is not ready answers 503 with a problem.
    pub ready: bool,
    /// Tasks with a live planner.
    pub live_tasks: usize,
    /// Tasks accepted and waiting.
    pub queued_tasks: usize,
}

impl From<AgentView> for Agent {
    fn from(AgentView { name, description, model, tools, digest }: AgentView) -> Self {
        Self { name, description, model, tools, digest }
    }
}

impl From<ToolSpec> for Tool {
    fn from(spec: ToolSpec) -> Self {
        let ToolSpec { name, version, description, input_schema, output_schema, effect, annotations, digest } =
            spec;
        let (effect, annotations) = (effect.into(), annotations.into());
        Self { name, version, description, input_schema, output_schema, effect, annotations, digest }
    }
}

impl From<tool::Annotations> for Annotations {
    fn from(known: tool::Annotations) -> Self {
        let tool::Annotations { read_only, destructive, idempotent, open_world } = known;
        Self { read_only, destructive, idempotent, open_world }
    }
}

impl From<ModelInfo> for Model {
    fn from(info: ModelInfo) -> Self {
        let ModelInfo { name, version, provider, context_tokens, bytes_per_token: _ } = info;
        Self { id: name, object: "model".into(), created: 0, owned_by: provider, version, context_tokens }
    }
}

impl From<Health> for Ready {
    fn from(Health { ready, problems: _, live_tasks, queued_tasks }: Health) -> Self {
        Self { ready, live_tasks, queued_tasks }
    }
}
