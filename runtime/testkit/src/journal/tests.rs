//! The journal in memory passes the suites, and its faults are as advertised.

use playhouse_ports::{Journal, JournalError};

use super::MemoryJournal;
use crate::suites::{Fixture, Script};

/// Memory "survives" for as long as the fixture does.
struct InMemory(MemoryJournal);

impl Fixture for InMemory {
    type Store = MemoryJournal;

    async fn open(&self) -> MemoryJournal {
        self.0.clone()
    }

    async fn close(&self, _: MemoryJournal) {}
}

crate::journal_suite!(InMemory(MemoryJournal::new()));
crate::context_suite!(InMemory(MemoryJournal::new()));

fn full() -> JournalError {
    JournalError::Full("no space left on device".to_owned())
}

/// The outcome of three appends, one after the other.
async fn three(journal: &MemoryJournal) -> [Result<(), JournalError>; 3] {
    let mut tasks = ["t1", "t2", "t3"].map(Script::new);
    let [one, two, three] = tasks.each_mut().map(|task| journal.append(task.say(["a"])));
    [one.await, two.await, three.await]
}

#[tokio::test]
async fn one_append_fails_and_the_next_works() {
    let journal = MemoryJournal::failing_at(2, full());
    assert_eq!(three(&journal).await, [Ok(()), Err(full()), Ok(())]);
    assert_eq!((journal.count(), journal.attempts()), (2, 3));
}

#[tokio::test]
async fn all_appends_fail_until_healed() {
    let journal = MemoryJournal::failing_from(2, full());
    assert_eq!(three(&journal).await, [Ok(()), Err(full()), Err(full())]);
    journal.heal();
    assert_eq!(journal.append(Script::new("t4").say(["a"])).await, Ok(()));
}

#[tokio::test]
async fn a_lost_answer_hides_a_durable_batch() {
    let journal = MemoryJournal::losing_ack_at(1);
    let mut task = Script::new("t");
    journal.append(task.say(["a"])).await.unwrap_err();
    assert_eq!(journal.records(task.task()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_append_waits_for_its_release() {
    let journal = MemoryJournal::new();
    journal.hold();
    let batch = Script::new("t").say(["a"]);
    let append = journal.append(batch);
    tokio::pin!(append);
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), &mut append).await;
    assert!(waited.is_err() && journal.count() == 0);
    journal.release();
    append.await.unwrap();
    assert_eq!(journal.count(), 1);
}
