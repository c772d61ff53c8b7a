//! Tools.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::tool::{Called, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use serde_json::Value;

/// A set of tools from one source.
#[async_trait]
pub trait ToolBox: Send + Sync + 'static {
    /// Its tools, in a stable order.
    fn specs(&self) -> Vec<Arc<ToolSpec>>;

    /// Whether `tool` may run with `grant`; the error says what is missing, for `agent.toml`'s author.
    /// Asked when an agent is loaded, so that nobody learns it in the middle of a task.
    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError>;

    /// Checks the arguments, runs the tool, checks the output. Ends within `request.timeout_ms` and a
    /// little. Dropping the future gives the call up; whether it took effect is then unknown.
    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError>;

    /// The same with a receipt for the call. This is what the runtime asks for; a box that meters its calls
    /// answers it itself.
    async fn metered(&self, request: ToolRequest) -> Called {
        self.call(request).await.into()
    }

    /// Whether the effect of `request` happened, for tools of class `checkable`: its output if so.
    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        let message = format!("tool `{}` cannot say whether a call happened", request.tool);
        Err(ToolError::new(ToolErrorKind::OutcomeUnknown, message))
    }
}

/// Who is told how far calls are. What is told is provisional: it may come twice, and only the result counts.
pub trait ToolWatch: Send + Sync + 'static {
    /// A call says something before its end. Called from within the call: it must not wait.
    fn progress(&self, request: &ToolRequest, progress: ToolProgress);
}

/// What a call says before its end.
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
