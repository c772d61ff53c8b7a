//! A conversation of many turns.

use playhouse_api::{Caller, RuntimeApi};
use playhouse_core::{id::SessionId, session::Session as History};

use crate::{AgentRef, Answer, Error, Run};

/// A named conversation with one agent: each turn sees the turns before it, as far as the agent's window
/// reaches. It lives in the house's data directory, so the same name in the same directory goes on where it
/// left off. Turns run one after the other, whoever submits them.
#[derive(Debug, Clone)]
pub struct Session {
    agent: AgentRef,
    id: SessionId,
    topic: Option<String>,
}

impl Session {
    pub(crate) fn new(agent: AgentRef, id: SessionId) -> Self {
        Self { agent, id, topic: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.id.as_str()
    }

    /// The same conversation, its next turns marked as being about `topic`.
    pub fn about(self, topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    /// Takes a turn and waits for the answer.
    pub async fn run(&self, input: impl Into<String>) -> Result<Answer, Error> {
        self.stream(input).await?.answer().await
    }

    /// Takes a turn and follows it.
    pub async fn stream(&self, input: impl Into<String>) -> Result<Run, Error> {
        let mut submission = self.agent.submission(input.into());
        submission.session = Some(self.id.clone());
        submission.topic.clone_from(&self.topic);
        self.agent.submit(submission).await
    }

    /// What was said so far. An error of kind `NotFound` before the first turn has ended.
    pub async fn history(&self) -> Result<History, Error> {
        Ok(self.agent.runtime.session(&Caller::local(), &self.id).await?)
    }

    /// Removes the turns about `topic`; returns how many left.
    pub async fn drop_topic(&self, topic: &str) -> Result<usize, Error> {
        Ok(self.agent.runtime.drop_topic(&Caller::local(), &self.id, topic).await?)
    }

    /// Removes the conversation.
    pub async fn forget(self) -> Result<(), Error> {
        Ok(self.agent.runtime.delete_session(&Caller::local(), &self.id).await?)
    }
}
