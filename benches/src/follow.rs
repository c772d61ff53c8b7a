//! A task from submission to its end, seen through its journal.

use anyhow::{Context, Result};
use futures_util::StreamExt;
use playhouse_api::{Caller, RuntimeApi, Submission, TaskEvent};
use playhouse_assembly::Runtime;
use playhouse_core::task::Record;

/// Submits a task and follows its events to the last: all its records, in order.
pub async fn to_the_end(runtime: &Runtime, submission: Submission) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    each(runtime, submission, |record| records.push(record)).await?;
    Ok(records)
}

/// Submits a task and follows its events to the last. `seen` gets each record; a caller that keeps few of them
/// costs little memory of its own.
pub async fn each(runtime: &Runtime, submission: Submission, mut seen: impl FnMut(Record)) -> Result<()> {
    let caller = Caller::local();
    let submitted = runtime.submit(&caller, submission).await.context("the task was not accepted")?;
    let task = submitted.task.head.task;
    let mut events = runtime.events(&caller, &task, 0, false).await.context("the task cannot be followed")?;
    while let Some(event) = events.next().await {
        if let TaskEvent::Record(record) = event.context("the task's events broke off")? {
            seen(record);
        }
    }
    Ok(())
}
