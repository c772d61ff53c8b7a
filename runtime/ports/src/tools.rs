//! Tools.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::{
    message::Message,
    model::Reply,
    tool::{Called, Grant, ToolError, ToolErrorKind, ToolProgress, ToolRequest, ToolSpec},
};
use serde_json::{Map, Value};

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

    /// The same with a receipt for the call, and with `caller` at hand while it runs. This is what the runtime
    /// asks for; a box that meters its calls, or asks the caller for something, answers it itself.
    async fn metered(&self, request: ToolRequest, _caller: Arc<dyn ToolCaller>) -> Called {
        self.call(request).await.into()
    }

    /// Whether the effect of `request` happened, for tools of class `checkable`: its output if so.
    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        let message = format!("tool `{}` cannot say whether a call happened", request.tool);
        Err(ToolError::new(ToolErrorKind::OutcomeUnknown, message))
    }
}

/// Whoever made a call, as the call sees them: it may tell them how far it is, and ask their model, or them.
///
/// What is told and answered here is provisional. A call that is made again after a crash tells and asks again; only
/// its result counts.
#[async_trait]
pub trait ToolCaller: Send + Sync + 'static {
    /// Says something before the end. Called from within the call: it must not wait.
    fn progress(&self, progress: ToolProgress);

    /// Asks the model of the task, within the task's budget. Dropping the future gives the question up.
    ///
    /// # Errors
    /// `Denied` when the budget is used up or there is no model to ask, otherwise why it did not answer.
    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError>;

    /// Shows a form to the people who may answer for the task, and waits until one of them does; the call's own time
    /// goes on meanwhile. Dropping the future takes the form back. By default nobody is there.
    ///
    /// # Errors
    /// `Denied` when there is nobody to ask, `RateLimited` when too many forms are open already.
    async fn ask_person(&self, _form: ToolForm) -> Result<ToolAnswer, ToolError> {
        Err(ToolError::new(ToolErrorKind::Denied, "there is nobody who could be asked"))
    }
}

/// A question of a tool to a person: what is asked, and the fields of the answer.
#[derive(Clone)]
pub struct ToolForm {
    /// What is asked, in words for people.
    pub message: String,
    /// JSON Schema of the answer, which is an object.
    pub schema: Value,
    /// Says what is wrong with an answer, before it is taken. Cheap, whatever the answer.
    pub check: AnswerCheck,
}

/// Whether an answer fits a form; the error says what is wrong with it.
pub type AnswerCheck = Arc<dyn Fn(&Map<String, Value>) -> Result<(), String> + Send + Sync>;

impl std::fmt::Debug for ToolForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolForm").field("message", &self.message).finish_non_exhaustive()
    }
}

/// What a person says to a form.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolAnswer {
    /// Filled in: it passed the form's `check`.
    Filled(Map<String, Value>),
    /// No.
    Declined,
}

/// A question of a tool to a model: the whole prompt, in order. No tools may be called in the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolQuestion {
    /// The prompt.
    pub messages: Vec<Message>,
    /// Upper bound of the answer, in tokens.
    pub max_tokens: u32,
}

/// A caller who is told nothing and has no model: for calls outside tasks.
pub fn nobody() -> Arc<dyn ToolCaller> {
    struct Nobody;
    #[async_trait]
    impl ToolCaller for Nobody {
        fn progress(&self, _: ToolProgress) {}

        async fn ask(&self, _: ToolQuestion) -> Result<Reply, ToolError> {
            let message = "this call is not part of a task, so there is no model to ask";
            Err(ToolError::new(ToolErrorKind::Denied, message))
        }
    }
    Arc::new(Nobody)
}
