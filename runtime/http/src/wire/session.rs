//! Conversations.

use playhouse_core::session;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Message;

/// A conversation with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its name.
    pub id: String,
    /// Messages that are part of every prompt.
    pub pinned: Vec<Message>,
    /// Finished tasks, oldest first.
    pub turns: Vec<Turn>,
    /// Last read or write, in milliseconds since 1970.
    pub used_ms: u64,
}

/// What one finished task added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The task.
    pub task: String,
    /// What it was about, when the caller said so.
    pub topic: Option<String>,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// Input, calls, results and answer.
    pub messages: Vec<Message>,
}

/// What dropping a topic did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// Turns removed.
    pub dropped: usize,
}

impl From<session::Session> for Session {
    fn from(session: session::Session) -> Self {
        let session::Session { id, tenant: _, pinned, turns, used_ms } = session;
        Self {
            id: id.into(),
            pinned: pinned.into_iter().map(Message::from).collect(),
            turns: turns.into_iter().map(Turn::from).collect(),
            used_ms,
        }
    }
}

impl From<session::Turn> for Turn {
    fn from(session::Turn { task, topic, at_ms, messages, .. }: session::Turn) -> Self {
        let messages = messages.into_iter().map(Message::from).collect();
        Self { task: task.into(), topic, at_ms, messages }
    }
}
