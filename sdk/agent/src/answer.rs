//! What an agent answered.

use std::fmt;

use playhouse_core::{
    id::TaskId,
    model::Usage,
    task::{Status, TaskView},
};
use serde::de::DeserializeOwned;

use crate::Error;

/// The answer of a task that is done. Prints as its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    text: String,
    task: TaskView,
    /// Whether the agent was told the shape of its answers.
    declared: bool,
}

impl Answer {
    /// The answer of a finished task, or why there is none.
    pub(crate) fn of(mut task: TaskView, declared: bool) -> Result<Self, Error> {
        let id = task.head.task.clone();
        match (task.head.status, task.output.take(), task.error.take()) {
            (Status::Done, Some(text), _) => Ok(Self { text, task, declared }),
            (_, _, Some(error)) => Err(Error::Failed { task: id, error }),
            (Status::Cancelled, ..) => {
                Err(Error::Cancelled { task: id, reason: task.reason.unwrap_or_default() })
            }
            _ => Err(Error::Quarantined { task: id, reason: task.reason.unwrap_or_default() }),
        }
    }

    /// The answer as the agent wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The answer as a `T`: read from JSON. Say [`returns`](crate::AgentBuilder::returns) when you build the
    /// agent, so that it knows what `T` looks like.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.text).map_err(|problem| Error::Answer {
            wanted: std::any::type_name::<T>(),
            problem: problem.to_string(),
            answer: playhouse_schema::clipped(&self.text),
            declared: self.declared,
        })
    }

    /// The task that led here: its journal tells how.
    pub fn task(&self) -> &TaskId {
        &self.task.head.task
    }

    /// Tokens read and written on the way.
    pub fn usage(&self) -> Usage {
        self.task.usage
    }

    /// Model replies and tool results on the way.
    pub fn steps(&self) -> u32 {
        self.task.steps
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
