//! Why models and tools stop or fail, and what is put right before a call.

use playhouse_core::{lenient, model, tool};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::mirror;

mirror! {
    /// Why a reply ended.
    Finish from model::Finish, "snake_case" {
        /// The model ended its turn.
        Stop,
        /// The model asked for tools.
        ToolCalls,
        /// The token limit or the context was used up.
        Length,
        /// The provider withheld the rest.
        ContentFilter,
    }
}

mirror! {
    /// Why a model gave no reply.
    ModelErrorKind from model::ModelErrorKind, "snake_case" {
        /// The request is wrong and stays wrong.
        BadRequest,
        /// The provider's key is missing, wrong or may not do this.
        Auth,
        /// The prompt does not fit the context.
        ContextOverflow,
        /// The provider's account is used up.
        Quota,
        /// Too many requests.
        RateLimited,
        /// The provider is overloaded or broken.
        Unavailable,
        /// No connection, or it broke.
        Network,
        /// It took too long.
        Timeout,
        /// The backend answered with something that is not an answer.
        BadResponse,
        /// The provider refused for its policy.
        ContentFilter,
        /// The model's process died.
        Crashed,
        /// Nobody wanted the reply any more.
        Cancelled,
    }
}

mirror! {
    /// Why a tool gave no output.
    ToolErrorKind from tool::ToolErrorKind, "kebab-case" {
        /// The arguments do not fit.
        InvalidInput,
        /// No such tool for this agent.
        UnknownTool,
        /// The tool or the operator does not allow it.
        Denied,
        /// What was asked for does not exist.
        NotFound,
        /// Something else changed it meanwhile.
        Conflict,
        /// Too often.
        RateLimited,
        /// What the tool talks to failed.
        Upstream,
        /// It took too long.
        Timeout,
        /// It used too much memory.
        OutOfMemory,
        /// It computed more than it may.
        OutOfFuel,
        /// Its output cannot be used.
        BadOutput,
        /// It did not work, and would not another time.
        Failed,
        /// It crashed.
        Crashed,
        /// The task was cancelled meanwhile.
        Cancelled,
        /// Nobody knows whether the call happened.
        OutcomeUnknown,
    }
}

/// Why a model gave no reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelError {
    /// What kind of failure.
    pub kind: ModelErrorKind,
    /// What happened and what to do.
    pub message: String,
}

/// Why a tool gave no output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolError {
    /// What kind of failure.
    pub kind: ToolErrorKind,
    /// What the model is told.
    pub message: String,
    /// Milliseconds after which another attempt makes sense, where the tool said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl From<model::ModelError> for ModelError {
    fn from(model::ModelError { kind, message, retry_after_ms: _ }: model::ModelError) -> Self {
        Self { kind: kind.into(), message }
    }
}

impl From<tool::ToolError> for ToolError {
    fn from(tool::ToolError { kind, message, retry_after_ms }: tool::ToolError) -> Self {
        Self { kind: kind.into(), message, retry_after_ms }
    }
}

/// Something in the arguments of a call that was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repair {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub at: String,
    /// What.
    pub mend: Mend,
}

impl From<lenient::Repair> for Repair {
    fn from(lenient::Repair { at, mend }: lenient::Repair) -> Self {
        Self { at, mend: mend.into() }
    }
}

mirror! {
    /// What is put right.
    Mend from lenient::Mend, "snake_case" {
        /// The arguments stood in a fenced block of Markdown.
        Unfenced,
        /// The arguments were whole, and what stood around them was not.
        Unframed,
        /// Commas before a closing bracket were dropped.
        TrailingCommas,
        /// `"3"` was read as `3`.
        TextToNumber,
        /// `"true"` was read as `true`.
        TextToBoolean,
        /// `3` was read as `"3"`.
        ToText,
        /// JSON inside a string was read as JSON.
        TextToJson,
        /// A single value was read as a list of one.
        ToList,
    }
}
