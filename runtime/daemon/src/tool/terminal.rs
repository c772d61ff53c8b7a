//! A call at a terminal: what it says before its end, and what it took.

use async_trait::async_trait;
use playhouse_core::{
    model::Reply,
    tool::{Reach, ToolError, ToolProgress},
};
use playhouse_ports::{ToolCaller, ToolQuestion, nobody};

use super::plain;

/// Whoever sits at the terminal, as a call sees them. They have no model.
pub(super) struct Terminal;

#[async_trait]
impl ToolCaller for Terminal {
    fn progress(&self, progress: ToolProgress) {
        match progress {
            ToolProgress::Report { done, total: 0, message } => eprintln!("{done}: {}", plain(&message)),
            ToolProgress::Report { done, total, message } => {
                eprintln!("{done} of {total}: {}", plain(&message));
            }
            ToolProgress::Partial(text) => eprintln!("{}", plain(&text)),
        }
    }

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        nobody().ask(question).await
    }
}

/// What a call reached, in words.
pub(super) fn reached(reached: Reach) -> String {
    match reached {
        Reach { calls: 0, .. } => "nothing outside reached".to_owned(),
        Reach { calls, bytes } => format!("{calls} calls that reach out, {bytes} bytes"),
    }
}
