//! Capability `model`: asking the model that is granted to this tool, out of the task's own budget.

use crate::wire::model;
use crate::{Error, Result};

/// One answer to one prompt, of at most `tokens_max` tokens.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable), and what is used up or does not answer.
pub fn ask(instructions: &str, prompt: &str, tokens_max: u32) -> Result<String> {
    model::ask(instructions, prompt, tokens_max)
        .map_err(|why| Error::unavailable(format!("the model did not answer: {why}")))
}
