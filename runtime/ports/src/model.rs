//! Chat models.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::model::{ChatRequest, ModelError, ModelInfo, Reply};

/// A piece of a reply that is still being written. Provisional: shown, never acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// More of the text.
    Text(String),
    /// More of one tool call's arguments, as raw text.
    ToolCall {
        /// Which call of the reply, from 0.
        index: usize,
        /// The tool's name, in the first piece.
        name: Option<String>,
        /// The next piece of the arguments' JSON text.
        arguments: String,
    },
}

/// Where pieces go. Called from the adapter's task; must return at once.
pub type Deltas = Arc<dyn Fn(Delta) + Send + Sync>;

/// For callers who only want the whole reply.
pub fn no_deltas() -> Deltas {
    Arc::new(|_| {})
}

/// One model, local or remote.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// What answers, and how much it can hold.
    fn info(&self) -> ModelInfo;

    /// Tokens of the prompt that `request` makes: exact where the tokenizer is at hand, else an estimate
    /// that errs on the high side.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError>;

    /// Answers `request`. Pieces go to `deltas` as they come; the reply holds all of them. Dropping the
    /// future cancels the call, soon and without harm to other calls.
    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError>;
}
