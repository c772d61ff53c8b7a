//! Sessions: the [`Context`] half of [`SledJournal`]. Their writes are commits like any other.

use async_trait::async_trait;
use playhouse_core::{
    id::{SessionId, Tenant},
    message::Message,
    session::{Session, SessionMeta},
};
use playhouse_ports::{Context, JournalError};

use crate::{
    SledJournal,
    stage::{Change, SessionName},
    values::{self, Draft},
};

fn name(tenant: &Tenant, id: &SessionId) -> SessionName {
    SessionName { tenant: tenant.clone(), id: id.clone() }
}

#[async_trait]
impl Context for SledJournal {
    async fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read_with(move |store| store.view(|view| view.session(&store.vault, &tenant, &id))).await
    }

    async fn sessions(&self) -> Result<Vec<SessionMeta>, JournalError> {
        self.read_with(|store| store.view(|view| view.session_metas())).await
    }

    async fn touch(&self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> Result<(), JournalError> {
        self.commit(Change::Touch { session: name(tenant, id), now_ms }).await.map(drop)
    }

    async fn pin(
        &self,
        tenant: &Tenant,
        id: &SessionId,
        pinned: Vec<Message>,
        now_ms: u64,
    ) -> Result<(), JournalError> {
        let draft = values::pinned_to(tenant, id, &pinned, now_ms)?;
        let bytes = self.enclose(draft, Draft::is_quick, Draft::close).await?;
        self.commit(Change::Pin { session: name(tenant, id), bytes, now_ms }).await.map(drop)
    }

    async fn drop_topic(&self, tenant: &Tenant, id: &SessionId, topic: &str) -> Result<usize, JournalError> {
        // Turns are read here, so that a long conversation does not keep the committer busy.
        let session = self.session(tenant, id).await?;
        let turns = session.into_iter().flat_map(|session| session.turns);
        let about = turns.filter(|turn| turn.topic.as_deref() == Some(topic));
        let tasks: Vec<_> = about.map(|turn| turn.task).collect();
        if tasks.is_empty() {
            return Ok(0);
        }
        self.commit(Change::RemoveTurns { session: name(tenant, id), tasks }).await
    }

    async fn delete(&self, tenant: &Tenant, id: &SessionId) -> Result<bool, JournalError> {
        Ok(self.commit(Change::Delete { session: name(tenant, id) }).await? > 0)
    }
}
