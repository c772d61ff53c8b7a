//! The actor that remembers sessions: reads them for planners and callers, and removes what retention says.
//!
//! Finished turns do not pass through here: they are written in the same commit as the task's last event.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::{SessionId, Tenant},
    session::{Retention, Session, expired},
    window::{Window, WindowPolicy, window},
};
use playhouse_ports::{Clock, Context, JournalError};
use playhouse_supervise::{note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

/// How often retention is applied. Lives are hours and days, so a minute late is on time.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Answers of the store.
pub(crate) type Answer<T> = RpcReplyPort<Result<T, JournalError>>;

/// What may arrive in the memory's mailbox.
#[derive(Debug)]
pub(crate) enum MemoryMsg {
    /// What of a session's past fits a prompt.
    Recall {
        /// Whose.
        tenant: Tenant,
        /// Which conversation.
        session: SessionId,
        /// The agent's wish.
        policy: WindowPolicy,
        /// What the model has room for, in tokens.
        budget_tokens: u32,
        /// The model's estimate.
        bytes_per_token: u32,
        /// Where the answer goes.
        reply: Answer<Window>,
    },
    /// A whole session.
    Session(Tenant, SessionId, Answer<Option<Session>>),
    /// Remove a session.
    Delete(Tenant, SessionId, Answer<bool>),
    /// Remove the turns about a topic.
    DropTopic(Tenant, SessionId, String, Answer<usize>),
    /// Apply retention now.
    Sweep,
}

/// Remembers sessions.
#[derive(Clone)]
pub(crate) struct Memory {
    /// The store.
    pub(crate) context: Arc<dyn Context>,
    /// How long sessions are kept.
    pub(crate) retention: Retention,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("retention", &self.retention).finish_non_exhaustive()
    }
}

impl Actor for Memory {
    type Msg = MemoryMsg;
    type State = JoinSet<()>;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<MemoryMsg>,
        (): (),
    ) -> Result<JoinSet<()>, ActorProcessingErr> {
        let mut jobs = JoinSet::new();
        jobs.spawn(async move {
            while tell(&myself, MemoryMsg::Sweep).is_ok() {
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        });
        Ok(jobs)
    }

    async fn handle(
        &self,
        myself: ActorRef<MemoryMsg>,
        message: MemoryMsg,
        jobs: &mut JoinSet<()>,
    ) -> Result<(), ActorProcessingErr> {
        while jobs.try_join_next().is_some() {} // Reap what has finished.
        let memory = self.clone();
        jobs.spawn(async move { memory.perform(message).await });
        // One of them is the clock of retention.
        note(&myself, &[("running", jobs.len().saturating_sub(1))]);
        Ok(())
    }
}

impl Memory {
    async fn perform(self, message: MemoryMsg) {
        // A failed send means that the asker has gone: nothing is owed.
        match message {
            MemoryMsg::Recall { tenant, session, policy, budget_tokens, bytes_per_token, reply } => {
                let recalled = self.recall(&tenant, &session).await;
                let view = |session: Session| window(&session, &policy, budget_tokens, bytes_per_token);
                let _ = reply.send(recalled.map(|session| session.map(view).unwrap_or_default()));
            }
            MemoryMsg::Session(tenant, id, reply) => {
                let _ = reply.send(self.context.session(&tenant, &id).await);
            }
            MemoryMsg::Delete(tenant, id, reply) => {
                let _ = reply.send(self.context.delete(&tenant, &id).await);
            }
            MemoryMsg::DropTopic(tenant, id, topic, reply) => {
                let _ = reply.send(self.context.drop_topic(&tenant, &id, &topic).await);
            }
            MemoryMsg::Sweep => {
                if let Err(error) = self.sweep().await {
                    tracing::warn!(%error, "retention could not be applied; it is tried again in a minute");
                }
            }
        }
    }

    async fn recall(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        let session = self.context.session(tenant, id).await?;
        if session.is_some()
            && let Err(error) = self.context.touch(tenant, id, self.clock.now_ms()).await
        {
            tracing::warn!(session = %id, %error, "the session's last use was not noted");
        }
        Ok(session)
    }

    async fn sweep(&self) -> Result<(), JournalError> {
        let sessions = self.context.sessions().await?;
        for meta in expired(&sessions, &self.retention, self.clock.now_ms()) {
            self.context.delete(&meta.tenant, &meta.id).await?;
            tracing::info!(session = %meta.id, "session removed by retention");
        }
        Ok(())
    }
}
