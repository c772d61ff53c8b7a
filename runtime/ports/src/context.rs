//! Conversation context: what sessions remember. Implemented by `journal-*`, so that a finished task and
//! its turn share one commit ([`Batch::turn`](crate::Batch)).

use async_trait::async_trait;
use playhouse_core::{
    id::{SessionId, Tenant},
    message::Message,
    session::{Session, SessionMeta},
};

use crate::JournalError;

/// The store of sessions. Every key is scoped by tenant in the store itself.
#[async_trait]
pub trait Context: Send + Sync + 'static {
    /// The session, with its turns in the order of their tasks.
    async fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError>;

    /// All sessions without their content.
    async fn sessions(&self) -> Result<Vec<SessionMeta>, JournalError>;

    /// Notes that the session was used at `now_ms`. No effect on one that does not exist.
    async fn touch(&self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> Result<(), JournalError>;

    /// Sets the messages that never leave the window, creating the session if need be.
    async fn pin(
        &self,
        tenant: &Tenant,
        id: &SessionId,
        pinned: Vec<Message>,
        now_ms: u64,
    ) -> Result<(), JournalError>;

    /// Removes every turn about `topic`; returns how many left.
    async fn drop_topic(&self, tenant: &Tenant, id: &SessionId, topic: &str) -> Result<usize, JournalError>;

    /// Removes the session; `false` if there was none.
    async fn delete(&self, tenant: &Tenant, id: &SessionId) -> Result<bool, JournalError>;
}
