//! A task from submission to its end, seen through its journal.

use anyhow::{Context, Result};
use futures_util::StreamExt;
use playhouse_api::{Caller, RuntimeApi, Submission, TaskEvent};
use playhouse_assembly::Runtime;
use playhouse_core::task::{Event, Outcome, Record};

/// Submits a task and follows its events to the last: all its records, in order.
pub async fn to_the_end(runtime: &Runtime, submission: Submission) -> Result<Vec<Record>> {
    let caller = Caller::local();
    let submitted = runtime.submit(&caller, submission).await.context("the task was not accepted")?;
    let task = submitted.task.head.task;
    let mut events = runtime.events(&caller, &task, 0, false).await.context("the task cannot be followed")?;
    let mut records = Vec::new();
    while let Some(event) = events.next().await {
        if let TaskEvent::Record(record) = event.context("the task's events broke off")? {
            records.push(record);
        }
    }
    Ok(records)
}

/// How the task ended; `None` when its last record is not its end.
pub fn outcome(records: &[Record]) -> Option<&Outcome> {
    match &records.last()?.event {
        Event::Finished { outcome } => Some(outcome),
        _ => None,
    }
}
