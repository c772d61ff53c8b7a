//! Sessions in memory: the [`Context`] half of [`MemoryJournal`].

use async_trait::async_trait;
use playhouse_core::{
    id::{SessionId, Tenant},
    message::Message,
    session::{Session, SessionMeta, Turn},
};
use playhouse_ports::{Context, JournalError};

use super::{MemoryJournal, State};

impl State {
    /// The session, made if need be and noted as used at `now_ms`. A late note never makes it look older.
    fn used(&mut self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> &mut Session {
        let fresh = || Session::new(id.clone(), tenant.clone(), now_ms);
        let session = self.sessions.entry((tenant.clone(), id.clone())).or_insert_with(fresh);
        session.used_ms = session.used_ms.max(now_ms);
        session
    }

    pub(super) fn put_turn(&mut self, tenant: &Tenant, id: &SessionId, turn: Turn) {
        let session = self.used(tenant, id, turn.at_ms);
        session.put(turn);
        session.turns.sort_by(|a, b| a.task.cmp(&b.task));
    }
}

#[async_trait]
impl Context for MemoryJournal {
    async fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        Ok(self.lock().sessions.get(&(tenant.clone(), id.clone())).cloned())
    }

    async fn sessions(&self) -> Result<Vec<SessionMeta>, JournalError> {
        let meta = |session: &Session| SessionMeta {
            id: session.id.clone(),
            tenant: session.tenant.clone(),
            used_ms: session.used_ms,
            turns: session.turns.len() as u64,
        };
        Ok(self.lock().sessions.values().map(meta).collect())
    }

    async fn touch(&self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> Result<(), JournalError> {
        if let Some(session) = self.lock().sessions.get_mut(&(tenant.clone(), id.clone())) {
            session.used_ms = session.used_ms.max(now_ms);
        }
        Ok(())
    }

    async fn pin(
        &self,
        tenant: &Tenant,
        id: &SessionId,
        pinned: Vec<Message>,
        now_ms: u64,
    ) -> Result<(), JournalError> {
        self.lock().used(tenant, id, now_ms).pinned = pinned;
        Ok(())
    }

    async fn drop_topic(&self, tenant: &Tenant, id: &SessionId, topic: &str) -> Result<usize, JournalError> {
        let mut state = self.lock();
        let session = state.sessions.get_mut(&(tenant.clone(), id.clone()));
        Ok(session.map_or(0, |session| session.drop_topic(topic)))
    }

    async fn delete(&self, tenant: &Tenant, id: &SessionId) -> Result<bool, JournalError> {
        Ok(self.lock().sessions.remove(&(tenant.clone(), id.clone())).is_some())
    }
}
