//! The planner's dealings with the journal: reading a task back, and writing a step.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::{Seq, TaskId},
    task::{Event, Record, Task},
};
use playhouse_ports::{Batch, Journal, JournalError};
use ractor::ActorProcessingErr;

use crate::ledger::Ledger;

/// Records read at once. A task has some ten per step.
const PAGE: usize = 512;
/// First wait after a refusal; doubles.
const PATIENCE_STEP: Duration = Duration::from_millis(20);
/// Longest wait between two attempts to write while the disk is full or the inbox is.
const PATIENCE_STEP_MAX: Duration = Duration::from_secs(2);
/// Attempts before the planner gives up and lets its supervisor decide: about a day of a full disk.
const ATTEMPTS_MAX: u32 = 43_200;

/// The whole journal of `task`.
pub(crate) async fn read_all(journal: &dyn Journal, task: &TaskId) -> Result<Vec<Record>, JournalError> {
    let mut records = Vec::new();
    loop {
        let page = journal.read(task, records.len() as Seq, PAGE).await?;
        let last = page.len() < PAGE;
        records.extend(page);
        if last {
            return Ok(records);
        }
    }
}

/// Folds the journal of `task` back into its state (J4).
pub(crate) async fn restore(journal: &dyn Journal, task: &TaskId) -> Result<Task, ActorProcessingErr> {
    let records = patiently(task, || read_all(journal, task)).await?;
    Ok(Task::restore(records.into_iter().map(|record| record.event))?)
}

/// The commit of one step: its records, the task's head and, at the end, its turn.
pub(crate) fn batch(task: &Task, first: Seq, events: Vec<Event>, now_ms: u64) -> Batch {
    let (mut asked, mut heard) = (Vec::new(), Vec::new());
    for event in &events {
        match event {
            Event::ChildAsked { child, .. } => asked.push(child.clone()),
            Event::ChildEnded { child, .. } => heard.push(child.clone()),
            _ => {}
        }
    }
    let records = events.into_iter().zip(first..).map(|(event, seq)| Record {
        seq,
        epoch: task.epoch(),
        at_ms: now_ms,
        tenant: task.spec().tenant.clone(),
        labels: task.labels_of(&event),
        event,
    });
    let turn = task.turn(now_ms).and_then(|turn| Some((task.spec().session.clone()?, turn)));
    let wake = task.spec().lineage.parent.clone().filter(|_| task.outcome().is_some());
    Batch { turn, wake, asked, heard, ..Batch::of(task.head(now_ms), records.collect::<Arc<[_]>>()) }
}

/// Whether waiting may help: nothing is wrong with what was asked.
fn is_passing(error: &JournalError) -> bool {
    matches!(error, JournalError::Busy(_) | JournalError::Full(_) | JournalError::Unavailable(_))
}

/// Appends one step. A full disk or inbox is waited out: nothing has been acted on yet, and the task loses
/// only time.
pub(crate) async fn append(ledger: &Ledger, batch: Batch) -> Result<(), JournalError> {
    patiently(&batch.head.task, || ledger.append(batch.clone())).await
}

/// Does something with the journal until it answers.
pub(crate) async fn patiently<T, F>(task: &TaskId, work: impl Fn() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let mut wait = PATIENCE_STEP;
    for attempt in 1.. {
        let error = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if !is_passing(&error) || attempt == ATTEMPTS_MAX {
            return Err(error);
        }
        tracing::warn!(%task, %error, attempt, "the journal is not available; trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(PATIENCE_STEP_MAX);
    }
    unreachable!("the loop returns at the last attempt")
}
