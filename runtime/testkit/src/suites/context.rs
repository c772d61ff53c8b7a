//! What every [`Context`] must do. Run with [`context_suite!`](crate::context_suite).

use playhouse_core::{
    id::{SessionId, Tenant},
    message::Message,
    session::{Session, SessionMeta, Turn},
};
use playhouse_ports::{Batch, Context, Journal};

use super::{Fixture, sample::Script};

fn chat() -> SessionId {
    SessionId::new("chat").expect("a name")
}

fn local() -> Tenant {
    Tenant::local()
}

/// The session that must be there.
async fn session(store: &impl Context) -> Session {
    store.session(&local(), &chat()).await.expect("read").expect("the session exists")
}

fn texts(session: &Session) -> Vec<usize> {
    session.turns.iter().flat_map(|turn| &turn.messages).map(Message::text_bytes).collect()
}

/// A finished task is in its session, in one commit (J2).
pub async fn a_turn_is_committed_with_its_task(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut task = Script::new("t");
    store.append(task.end_in(&chat(), "hello", 50)).await.expect("appended");

    let session = session(&store).await;
    assert_eq!(session.turns, [task.turn("hello", 50)]);
    assert_eq!((session.id, session.tenant, session.used_ms), (chat(), local(), 50));
}

/// All of a batch or none of it.
pub async fn a_refused_batch_leaves_no_turn(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut task = Script::new("t");
    let mut stale = task.clone();
    store.append(task.say(["a"])).await.expect("appended");
    store.append(stale.end_in(&chat(), "hello", 50)).await.expect_err("it is behind");
    assert_eq!(store.session(&local(), &chat()).await, Ok(None));
}

/// Tasks are named in the order of their submission, whatever order they end in.
pub async fn turns_come_in_the_order_of_their_tasks(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for (name, at_ms) in [("t2", 10), ("t1", 20), ("t3", 30)] {
        store.append(Script::new(name).end_in(&chat(), name, at_ms)).await.expect("appended");
    }
    let session = session(&store).await;
    let order: Vec<_> = session.turns.iter().map(|turn| turn.task.as_str()).collect();
    assert_eq!(order, ["t1", "t2", "t3"]);
    assert_eq!(session.used_ms, 30);
}

/// The task is the key of its turn. The first is large, so that remains of it would show.
pub async fn writing_a_turn_again_replaces_it(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut task = Script::new("t");
    let large = "x".repeat(200_000);
    for (text, at_ms) in [(large.as_str(), 10), ("short", 20)] {
        let turn = task.turn(text, at_ms);
        store.append(Batch { turn: Some((chat(), turn)), ..task.say(["a"]) }).await.expect("appended");
    }
    assert_eq!(texts(&session(&store).await), ["short".len()]);
    let metas = store.sessions().await.expect("sessions");
    assert_eq!(metas, [SessionMeta { id: chat(), tenant: local(), used_ms: 20, turns: 1 }]);
}

/// The same name under another tenant is another session, for every operation.
pub async fn tenants_never_see_each_other(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let other = Tenant::new("other").expect("a name");
    store.append(Script::new("t1").end_in(&chat(), "ours", 1)).await.expect("appended");
    assert_eq!(store.session(&other, &chat()).await, Ok(None));
    store.append(Script::new("t2").of(&other).end_in(&chat(), "theirs!", 2)).await.expect("appended");

    assert_eq!(texts(&session(&store).await), ["ours".len()]);
    store.touch(&other, &chat(), 99).await.expect("touched");
    store.pin(&other, &chat(), vec![Message::user("p")], 99).await.expect("pinned");
    assert_eq!(store.delete(&other, &chat()).await, Ok(true));
    let ours = session(&store).await;
    assert_eq!((ours.used_ms, ours.pinned, ours.turns.len()), (1, vec![], 1));
    assert_eq!(store.sessions().await.expect("sessions").len(), 1);
}

/// Retention relies on both.
pub async fn a_touch_only_moves_forward_and_creates_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.touch(&local(), &chat(), 5).await.expect("touched");
    assert_eq!(store.sessions().await, Ok(vec![]));

    store.append(Script::new("t").end_in(&chat(), "hello", 50)).await.expect("appended");
    for (now_ms, expected) in [(70, 70), (60, 70)] {
        store.touch(&local(), &chat(), now_ms).await.expect("touched");
        assert_eq!(session(&store).await.used_ms, expected);
    }
}

/// The new list replaces the old one, also by nothing.
pub async fn pinned_messages_are_replaced_as_a_whole(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let large = vec![Message::system("x".repeat(100_000)), Message::user("two")];
    for pinned in [large, vec![Message::user("one")], vec![]] {
        store.pin(&local(), &chat(), pinned.clone(), 7).await.expect("pinned");
        let session = session(&store).await;
        assert!(session.pinned == pinned, "what was pinned came back otherwise");
        assert_eq!((session.used_ms, session.turns.len()), (7, 0));
    }
}

/// Only that topic, and the count of turns follows.
pub async fn a_dropped_topic_is_gone_and_counted(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for (name, topic) in [("t1", Some("trip")), ("t2", None), ("t3", Some("trip")), ("t4", Some("cat"))] {
        let mut task = Script::new(name);
        let turn = Turn { topic: topic.map(str::to_owned), ..task.turn("x", 1) };
        store.append(Batch { turn: Some((chat(), turn)), ..task.end() }).await.expect("appended");
    }
    assert_eq!(store.drop_topic(&local(), &chat(), "trip").await, Ok(2));
    assert_eq!(store.drop_topic(&local(), &chat(), "trip").await, Ok(0));
    let left = session(&store).await.turns;
    assert!(left.iter().map(|turn| turn.task.as_str()).eq(["t2", "t4"]));
    assert_eq!(store.sessions().await.expect("sessions")[0].turns, 2);
}

/// Nothing of the old session is in a new one of its name.
pub async fn a_deleted_session_is_gone_entirely(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.delete(&local(), &chat()).await, Ok(false));
    store.append(Script::new("t1").end_in(&chat(), "hello", 50)).await.expect("appended");
    store.pin(&local(), &chat(), vec![Message::user("p")], 60).await.expect("pinned");

    assert_eq!(store.delete(&local(), &chat()).await, Ok(true));
    assert_eq!(store.session(&local(), &chat()).await, Ok(None));
    assert_eq!(store.sessions().await, Ok(vec![]));

    store.append(Script::new("t2").end_in(&chat(), "new", 5)).await.expect("appended");
    let session = session(&store).await;
    assert_eq!((session.used_ms, session.pinned, session.turns.len()), (5, vec![], 1));
}

/// A session is as durable as a task.
pub async fn sessions_survive_reopening(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(Script::new("t").end_in(&chat(), "hello", 50)).await.expect("appended");
    store.pin(&local(), &chat(), vec![Message::user("p")], 60).await.expect("pinned");
    store.touch(&local(), &chat(), 70).await.expect("touched");
    let before = session(&store).await;
    fixture.close(store).await;

    let store = fixture.open().await;
    assert_eq!(session(&store).await, before);
    let meta = SessionMeta { id: chat(), tenant: local(), used_ms: 70, turns: 1 };
    assert_eq!(store.sessions().await, Ok(vec![meta]));
}
