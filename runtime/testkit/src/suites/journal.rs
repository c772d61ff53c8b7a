//! What every [`Journal`] must do. Run with [`journal_suite!`](crate::journal_suite).

use std::collections::BTreeSet;

use playhouse_core::{
    id::{EffectId, SessionId, TaskId},
    task::Event,
};
use playhouse_ports::{Batch, Journal, JournalError};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    Fixture,
    sample::{Script, key, texts},
};

/// More than any case writes.
const ALL: usize = 10_000;

/// Order is the order of positions, however records were batched.
pub async fn records_come_back_in_order(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut task = Script::new("t");
    journal.append(task.say(["a", "b"])).await.expect("appended");
    journal.append(task.say(["c"])).await.expect("appended");

    let records = journal.read(task.task(), 0, ALL).await.expect("read");
    assert_eq!(texts(&records), ["a", "b", "c"]);
    assert!(records.iter().map(|record| record.seq).eq(0..3));
    assert_eq!(journal.head(task.task()).await, Ok(Some(task.head)));
}

/// `from` and `max` mean what they say, also beyond the end.
pub async fn reading_is_bounded_and_starts_anywhere(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut task = Script::new("t");
    journal.append(task.say(["a", "b", "c", "d"])).await.expect("appended");

    let cases =
        [(1, 2, vec!["b", "c"]), (3, 9, vec!["d"]), (0, 0, vec![]), (9, 9, vec![]), (u64::MAX, 9, vec![])];
    for (from, max, expected) in cases {
        let records = journal.read(task.task(), from, max).await.expect("read");
        assert_eq!(texts(&records), expected, "from {from}, at most {max}");
    }
}

/// Unknown is empty, not an error; a name that begins alike is another task.
pub async fn a_task_that_never_was_is_empty(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    journal.append(Script::new("t1").say(["a"])).await.expect("appended");

    let task = TaskId::new("t").expect("a name");
    assert_eq!(journal.read(&task, 0, ALL).await, Ok(vec![]));
    assert_eq!(journal.head(&task).await, Ok(None));
    assert_eq!(journal.submission("no such key").await, Ok(None));
}

/// A writer that is behind learns where the journal is, and changes nothing.
pub async fn a_stale_writer_is_fenced_and_leaves_no_trace(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut task = Script::new("t");
    let mut stale = task.clone();
    journal.append(task.say(["a", "b"])).await.expect("appended");

    let refused = journal.append(Batch { key: key("k", "d"), ..stale.end() }).await;
    let (expected, actual) = (0, 2);
    assert_eq!(refused, Err(JournalError::Fenced { task: task.task().clone(), expected, actual }));
    assert_eq!(journal.head(task.task()).await, Ok(Some(task.head.clone())));
    assert_eq!(journal.submission("k").await, Ok(None));

    // One that is ahead is as wrong as one that is behind.
    let mut ahead = task.clone();
    ahead.say(["lost"]);
    let refused = journal.append(ahead.say(["c"])).await;
    assert!(matches!(refused, Err(JournalError::Fenced { expected: 3, actual: 2, .. })), "{refused:?}");
}

/// Two planners over one task: for every position exactly one is acknowledged.
pub async fn of_writers_that_race_one_wins_each_position(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut task = Script::new("t");
    for round in 0..10 {
        let writers = ["left", "right", "middle"];
        let mut race = JoinSet::new();
        for name in writers {
            let (journal, batch) = (journal.clone(), task.clone().say([name]));
            race.spawn(async move { journal.append(batch).await });
        }
        let won = race.join_all().await.into_iter().filter(Result::is_ok).count();
        assert_eq!(won, 1, "in round {round}");
        task.say(["the winner's"]);
    }
    assert_eq!(journal.read(task.task(), 0, ALL).await.expect("read").len(), 10);
}

/// Many tasks at once, each in order.
pub async fn tasks_do_not_disturb_each_other(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let journal = journal.clone();
        tasks.spawn(async move {
            let mut task = Script::new(&format!("t{n}"));
            for step in 0..20 {
                journal.append(task.say([&format!("{n}.{step}")])).await.expect("appended");
            }
            (n, task)
        });
    }
    for (n, task) in tasks.join_all().await {
        let records = journal.read(task.task(), 0, ALL).await.expect("read");
        let expected: Vec<_> = (0..20).map(|step| format!("{n}.{step}")).collect();
        assert_eq!(texts(&records), expected);
    }
}

/// The point of it all.
pub async fn what_was_acknowledged_survives_reopening(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut one, mut two) = (Script::new("t1"), Script::new("t2"));
    journal.append(Batch { key: key("k", "d"), ..one.say(["a", "b"]) }).await.expect("appended");
    journal.append(two.end()).await.expect("appended");
    fixture.close(journal).await;

    let journal = fixture.open().await;
    let records = journal.read(one.task(), 0, ALL).await.expect("read");
    assert_eq!(texts(&records), ["a", "b"]);
    assert_eq!(journal.submission("k").await, Ok(Some((one.task().clone(), "d".to_owned()))));
    assert_eq!(journal.heads(None, ALL).await, Ok(vec![two.head, one.head.clone()]));
    assert_eq!(journal.open().await, Ok(vec![one.head]));
}

/// Positions are remembered, of open tasks and of finished ones.
pub async fn a_reopened_journal_still_fences(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut running, mut over) = (Script::new("running"), Script::new("over"));
    let (mut late_running, mut late_over) = (running.clone(), over.clone());
    journal.append(running.say(["a"])).await.expect("appended");
    journal.append(over.end()).await.expect("appended");
    fixture.close(journal).await;

    let journal = fixture.open().await;
    for late in [late_running.say(["late"]), late_over.say(["late"])] {
        let refused = journal.append(late).await;
        assert!(matches!(refused, Err(JournalError::Fenced { actual: 1, .. })), "{refused:?}");
    }
    journal.append(running.say(["b"])).await.expect("appended");
}

/// The second use of a key is told about the first, and leaves no trace.
pub async fn a_key_is_used_once(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut first, mut second) = (Script::new("t1"), Script::new("t2"));
    journal.append(Batch { key: key("k", "digest"), ..first.say(["a"]) }).await.expect("appended");

    let used = JournalError::KeyUsed { task: first.task().clone(), digest: "digest".to_owned() };
    let again = Batch { key: key("k", "other"), ..second.say(["b"]) };
    assert_eq!(journal.append(again).await, Err(used));
    assert_eq!(journal.head(second.task()).await, Ok(None));
    assert_eq!(journal.submission("k").await, Ok(Some((first.task().clone(), "digest".to_owned()))));
}

/// A client that sends twice at once gets one task.
pub async fn of_submissions_that_race_for_a_key_one_wins(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut race = JoinSet::new();
    for n in 0..16 {
        let (journal, mut task) = (journal.clone(), Script::new(&format!("t{n}")));
        let batch = Batch { key: key("k", "d"), ..task.say(["a"]) };
        race.spawn(async move { journal.append(batch).await.map(|()| task.task().clone()) });
    }
    let mut won = Vec::new();
    let mut told = BTreeSet::new();
    for result in race.join_all().await {
        match result {
            Ok(task) => won.push(task),
            Err(JournalError::KeyUsed { task, .. }) => drop(told.insert(task)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(told, won.into_iter().collect());
    assert_eq!(journal.heads(None, ALL).await.expect("heads").len(), 1);
}

/// A tool's output of a megabyte, and sizes around every likely boundary.
pub async fn large_values_come_back_whole(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let sizes = [1 << 20, 0, 1 << 15, (1 << 15) - 200, (1 << 16) + 1, 300_000];
    let large: Vec<String> = sizes.iter().map(|size| "playhouse".repeat(size / 9 + 1)).collect();
    let mut task = Script::new("t");
    for text in &large {
        journal.append(task.say([text, "between"])).await.expect("appended");
    }
    fixture.close(journal).await;

    let journal = fixture.open().await;
    let records = journal.read(task.task(), 0, ALL).await.expect("read");
    let expected: Vec<&str> = large.iter().flat_map(|text| [text.as_str(), "between"]).collect();
    assert!(texts(&records) == expected, "a large value changed");
    let middle = journal.read(task.task(), 3, 2).await.expect("read");
    assert!(texts(&middle) == expected[3..5], "a large value changed");
}

/// A digest of the arguments is compared after a restart, so not even the last bit may differ.
pub async fn numbers_come_back_exactly(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let numbers =
        json!([0.1 + 0.2, 1e-300, 1.797e308, 5e-324, u64::MAX, i64::MIN, -0.0, 122.416_294_033_786_58]);
    let mut task = Script::new("t");
    let effect_id = EffectId::new(task.task(), 1, 0);
    let batch = task.record([Event::ToolDone { effect_id, output: numbers }]);
    journal.append(batch.clone()).await.expect("appended");
    assert_eq!(journal.read(task.task(), 0, ALL).await, Ok(batch.records.to_vec()));
}

/// Pages join without gap or overlap.
pub async fn heads_come_newest_first_in_pages(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    // Written in another order than that of their names, and with names that are prefixes of others.
    for name in ["t3", "t1", "t2-a", "t2", "t10"] {
        journal.append(Script::new(name).say(["a"])).await.expect("appended");
    }
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut before = None;
    loop {
        let page = journal.heads(before.as_ref(), 2).await.expect("heads");
        let Some(last) = page.last() else { break };
        before = Some(last.task.clone());
        pages.push(page.iter().map(|head| head.task.to_string()).collect());
    }
    assert_eq!(pages, [vec!["t3", "t2-a"], vec!["t2", "t10"], vec!["t1"]]);
}

/// What a start-up resumes.
pub async fn open_tasks_are_listed_until_they_are_over(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut one, mut two, mut three) = (Script::new("t1"), Script::new("t2"), Script::new("t3"));
    for batch in [three.say(["a"]), one.say(["a"]), two.say(["a"]), one.say(["b"]), two.end()] {
        journal.append(batch).await.expect("appended");
    }
    assert_eq!(journal.open().await, Ok(vec![one.head.clone(), three.head]));
    fixture.close(journal).await;

    let journal = fixture.open().await;
    assert_eq!(journal.open().await.expect("open").len(), 2);
    journal.append(one.end()).await.expect("appended");
    assert_eq!(journal.open().await.expect("open").len(), 1);
}

/// A start-up finds waiting tasks by time alone.
pub async fn parked_tasks_are_found_by_their_due_time_and_not_among_the_open(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    for (name, due_ms) in [("a", Some(300)), ("b", Some(100)), ("c", None), ("d", Some(200))] {
        let mut task = Script::new(name);
        journal.append(task.say(["works"])).await.expect("appended");
        journal.append(task.park(due_ms)).await.expect("appended");
    }
    journal.append(Script::new("e").say(["works"])).await.expect("appended");

    fixture.close(journal).await;
    let journal = fixture.open().await;
    let due = async |until, max| {
        let due = journal.due(until, max).await.expect("read");
        due.into_iter().map(|(at, task)| (at, task.to_string())).collect::<Vec<_>>()
    };
    let at = |at: u64, name: &str| (at, name.to_owned());
    assert_eq!(due(u64::MAX, ALL).await, [at(100, "b"), at(200, "d"), at(300, "a")]);
    assert_eq!(due(u64::MAX, 1).await, [at(100, "b")]);
    assert_eq!(due(200, ALL).await, [at(100, "b"), at(200, "d")]);
    assert_eq!(due(99, ALL).await, []);
    assert_eq!(open_names(&journal).await, ["e"]);
}

/// The index never names a time that is no longer true.
pub async fn a_task_parked_again_is_due_at_its_new_time_only(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut task = Script::new("t");
    journal.append(task.park(Some(100))).await.expect("appended");
    journal.append(task.park(Some(200))).await.expect("appended");
    let due = async || journal.due(u64::MAX, ALL).await.expect("read");
    assert_eq!(due().await, [(200, task.task().clone())]);
    journal.append(task.wake()).await.expect("appended");
    assert_eq!(due().await, []);
    assert_eq!(open_names(&journal).await, ["t"]);
    journal.append(task.park(Some(300))).await.expect("appended");
    journal.append(task.end()).await.expect("appended");
    assert_eq!(due().await, []);
    assert_eq!(open_names(&journal).await, [""; 0]);
}

/// J6: who waits keeps its place in the session.
pub async fn a_parked_task_holds_its_session_until_it_goes_on(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let session = SessionId::new("s").expect("a name");
    let mut task = Script::new("t");
    task.head.session = Some(session.clone());
    journal.append(task.park(None)).await.expect("appended");
    journal.append(Script::new("u").park(None)).await.expect("appended");
    let mut unbegun = Script::new("v");
    (unbegun.head.session, unbegun.head.unbegun) = (task.head.session.clone(), true);
    journal.append(unbegun.park(None)).await.expect("appended");
    let held = (task.task().clone(), (task.head.tenant.clone(), session));
    assert_eq!(journal.lanes().await, Ok(vec![held]));
    journal.append(task.wake()).await.expect("appended");
    assert_eq!(journal.lanes().await, Ok(vec![]));
}

/// The end of a child reaches its parent, whatever crashes between.
pub async fn a_wake_stays_until_its_task_has_heard_of_every_child(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut parent, children) = (Script::new("p"), ["p.1", "p.2"]);
    journal.append(parent.park(None)).await.expect("appended");
    for child in children {
        let ended = Batch { wake: Some(parent.task().clone()), ..Script::new(child).end() };
        journal.append(ended).await.expect("appended");
    }

    fixture.close(journal).await;
    let journal = fixture.open().await;
    let name = |child: &str| TaskId::new(child).expect("a name");
    journal.append(parent.say(["something else"])).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![parent.task().clone()]));
    let heard = Batch { heard: vec![name("p.1")], ..parent.wake() };
    journal.append(heard).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![parent.task().clone()]));
    let heard = Batch { heard: vec![name("p.2")], ..parent.say(["done"]) };
    journal.append(heard).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![]));
}

/// A crash between asking for a child and making it leaves a parked parent: a start must find it.
pub async fn a_child_that_was_asked_for_is_looked_for_until_its_end_is_heard_of(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let mut parent = Script::new("p");
    let child = TaskId::new("p.1").expect("a name");
    let asked = Batch { asked: vec![child.clone()], ..parent.park(None) };
    journal.append(asked).await.expect("appended");

    fixture.close(journal).await;
    let journal = fixture.open().await;
    assert_eq!(journal.wakes().await, Ok(vec![parent.task().clone()]));
    let ended = Batch { wake: Some(parent.task().clone()), ..Script::new("p.1").end() };
    journal.append(ended).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![parent.task().clone()]));
    let heard = Batch { heard: vec![child], ..parent.wake() };
    journal.append(heard).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![]));
}

/// Nobody is woken for nothing.
pub async fn a_wake_of_a_task_that_is_over_is_nothing(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut parent, mut child) = (Script::new("p"), Script::new("p.1"));
    journal.append(parent.end()).await.expect("appended");
    let ended = Batch { wake: Some(parent.task().clone()), ..child.end() };
    journal.append(ended).await.expect("appended");
    assert_eq!(journal.wakes().await, Ok(vec![]));
}

/// What is forgotten leaves nothing behind, and its key can be used again.
pub async fn only_finished_tasks_are_forgotten_and_then_entirely(fixture: &impl Fixture) {
    let journal = fixture.open().await;
    let (mut task, mut other) = (Script::new("t"), Script::new("t2"));
    journal.append(Batch { key: key("k", "d"), ..task.say(["a"]) }).await.expect("appended");
    journal.append(other.say(["b"])).await.expect("appended");
    assert_eq!(journal.forget(task.task()).await, Ok(false));
    journal.append(task.end()).await.expect("appended");
    assert_eq!(journal.forget(task.task()).await, Ok(true));
    assert_eq!(journal.forget(task.task()).await, Ok(false));

    assert_eq!(journal.head(task.task()).await, Ok(None));
    assert_eq!(journal.read(task.task(), 0, ALL).await, Ok(vec![]));
    assert_eq!(journal.submission("k").await, Ok(None));
    assert_eq!(journal.heads(None, ALL).await, Ok(vec![other.head.clone()]));
    fixture.close(journal).await;
    let journal = fixture.open().await;
    assert_eq!(journal.head(task.task()).await, Ok(None));
    assert_eq!(journal.read(other.task(), 0, ALL).await.expect("read").len(), 1);
}

async fn open_names(journal: &impl Journal) -> Vec<String> {
    journal.open().await.expect("read").into_iter().map(|head| head.task.to_string()).collect()
}
