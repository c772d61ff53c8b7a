//! Sessions: what is kept of a conversation, and for how long.

use serde::{Deserialize, Serialize};

use crate::{
    id::{SessionId, TaskId, Tenant},
    labels::Labels,
    message::Message,
};

/// What one finished task adds to its session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The task; also the turn's key, so that writing it twice changes nothing.
    pub task: TaskId,
    /// What this turn was about, when the caller said so; a finished topic can be dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// When the task ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// Input, calls, results and answer.
    pub messages: Vec<Message>,
    /// Where they came from (J9).
    #[serde(default)]
    pub labels: Labels,
}

/// A persistent conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Messages that never leave the window.
    pub pinned: Vec<Message>,
    /// Finished tasks, oldest first.
    pub turns: Vec<Turn>,
    /// Last read or write, in milliseconds since 1970.
    pub used_ms: u64,
}

/// A session without its content: what retention looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMeta {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Last read or write, in milliseconds since 1970.
    pub used_ms: u64,
    /// Number of turns.
    pub turns: u64,
}

/// How long sessions and finished tasks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// A session unused for longer is removed, in seconds.
    pub ttl_s: u64,
    /// At most this many are kept; the least recently used leave first.
    pub sessions: usize,
    /// A task that has been over for longer is forgotten, in seconds; 0 keeps all.
    pub tasks_s: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl_s: 30 * 24 * 3600, sessions: 10_000, tasks_s: 0 }
    }
}

/// Which sessions to remove at `now_ms`: those past their time to live, then the least recently used
/// beyond the bound. The order of `sessions` does not matter.
pub fn expired<'a>(sessions: &'a [SessionMeta], policy: &Retention, now_ms: u64) -> Vec<&'a SessionMeta> {
    let ttl_ms = policy.ttl_s.saturating_mul(1000);
    let is_dead = |meta: &&SessionMeta| now_ms.saturating_sub(meta.used_ms) > ttl_ms;
    let (mut leaving, mut staying): (Vec<_>, Vec<_>) = sessions.iter().partition(is_dead);
    staying.sort_by_key(|meta| (std::cmp::Reverse(meta.used_ms), &meta.id));
    leaving.extend(staying.into_iter().skip(policy.sessions));
    leaving
}

impl Session {
    /// An empty session.
    pub fn new(id: SessionId, tenant: Tenant, now_ms: u64) -> Self {
        Self { id, tenant, pinned: Vec::new(), turns: Vec::new(), used_ms: now_ms }
    }

    /// Adds `turn`, or replaces the turn of the same task.
    pub fn put(&mut self, turn: Turn) {
        match self.turns.iter_mut().find(|old| old.task == turn.task) {
            Some(old) => *old = turn,
            None => self.turns.push(turn),
        }
    }

    /// Removes every turn about `topic`; returns how many left.
    pub fn drop_topic(&mut self, topic: &str) -> usize {
        let before = self.turns.len();
        self.turns.retain(|turn| turn.topic.as_deref() != Some(topic));
        before - self.turns.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn turn(n: u32, text: &str) -> Turn {
        Turn {
            task: TaskId::new(format!("t{n}")).unwrap(),
            topic: None,
            at_ms: u64::from(n),
            messages: vec![Message::user(text)],
            labels: Labels::default(),
        }
    }

    pub(crate) fn session(id: &str, turns: impl IntoIterator<Item = Turn>) -> Session {
        let mut session = Session::new(SessionId::new(id).unwrap(), Tenant::local(), 0);
        turns.into_iter().for_each(|turn| session.put(turn));
        session
    }

    fn meta(id: &str, used_ms: u64) -> SessionMeta {
        SessionMeta { id: SessionId::new(id).unwrap(), tenant: Tenant::local(), used_ms, turns: 1 }
    }

    fn names(metas: Vec<&SessionMeta>) -> Vec<&str> {
        metas.into_iter().map(|meta| meta.id.as_str()).collect()
    }

    #[test]
    fn sessions_past_their_time_to_live_leave() {
        let sessions = [meta("old", 0), meta("young", 9_000)];
        assert_eq!(
            names(expired(&sessions, &Retention { ttl_s: 5, sessions: 9, tasks_s: 0 }, 10_000)),
            ["old"]
        );
    }

    #[test]
    fn beyond_the_bound_the_least_recently_used_leave() {
        let sessions = [meta("b", 2), meta("a", 1), meta("c", 3)];
        assert_eq!(names(expired(&sessions, &Retention { ttl_s: 99, sessions: 2, tasks_s: 0 }, 10)), ["a"]);
    }

    #[test]
    fn the_same_task_never_adds_two_turns() {
        let session = session("s", [turn(1, "first"), turn(1, "again")]);
        assert_eq!(session.turns.len(), 1);
        assert_eq!(session.turns[0].messages, [Message::user("again")]);
    }

    #[test]
    fn a_finished_topic_can_be_dropped() {
        let about = |n, topic: &str| Turn { topic: Some(topic.into()), ..turn(n, "x") };
        let mut session = session("s", [about(1, "trip"), turn(2, "y"), about(3, "trip")]);
        assert_eq!(session.drop_topic("trip"), 2);
        assert_eq!(session.turns, [turn(2, "y")]);
    }
}
