//! What every [`Journal`] must do. Run with [`journal_suite!`](crate::journal_suite).

use std::collections::BTreeSet;

use playhouse_core::{
    id::{EffectId, TaskId},
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
    assert_eq!(journal.read(task.task(), 0, ALL).await, Ok(batch.records));
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
