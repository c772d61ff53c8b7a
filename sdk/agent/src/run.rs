//! A task under way: its events as they come, and its answer in the end.

use futures_util::{StreamExt, stream::Fuse};
use playhouse_api::{Caller, EventStream, RuntimeApi, Submission, TaskEvent};
use playhouse_assembly::Runtime;
use playhouse_core::id::{Seq, TaskId};

use crate::{Answer, Error, TaskRef};

/// A task under way. Dropping it does not end the task: [`Run::cancel`] does.
pub struct Run {
    runtime: Runtime,
    task: TaskId,
    events: Fuse<EventStream>,
    /// Position of the next journaled event.
    next: Seq,
    declared: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("task", &self.task).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Run {
    /// Submits and follows. When this returns, the task is durable.
    pub(crate) async fn start(
        runtime: Runtime,
        submission: Submission,
        declared: bool,
    ) -> Result<Self, Error> {
        let caller = Caller::local();
        let task = runtime.submit(&caller, submission).await?.task.head.task;
        Self::follow(runtime, task, declared).await
    }

    /// Follows a task that exists from its first event.
    pub(crate) async fn follow(runtime: Runtime, task: TaskId, declared: bool) -> Result<Self, Error> {
        let events = runtime.events(&Caller::local(), &task, 0, true).await?.fuse();
        Ok(Self { runtime, task, events, next: 0, declared })
    }

    /// The task.
    pub fn task(&self) -> &TaskId {
        &self.task
    }

    /// The task by its name, to hold it still, decide for it, write to it or fork it.
    pub fn handle(&self) -> TaskRef {
        TaskRef::new(self.runtime.clone(), self.task.clone(), self.declared)
    }

    /// The next event, `None` after the last: journaled ones in order, none lost and none twice, and between
    /// them the model's text as it is written.
    pub async fn next(&mut self) -> Option<Result<TaskEvent, Error>> {
        let event = self.events.next().await?;
        if let Ok(TaskEvent::Record(record)) = &event {
            self.next = record.seq + 1;
        }
        Some(event.map_err(Error::from))
    }

    /// Waits for the answer.
    pub async fn answer(mut self) -> Result<Answer, Error> {
        let caller = Caller::local();
        loop {
            while let Some(event) = self.next().await {
                event?;
            }
            let view = self.runtime.task(&caller, &self.task).await?;
            if view.head.status.is_final() {
                return Answer::of(view, self.declared);
            }
            // The stream broke off, not the task: read on from where it did.
            self.events = self.runtime.events(&caller, &self.task, self.next, false).await?.fuse();
        }
    }

    /// Asks the task to end.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<(), Error> {
        self.handle().cancel(reason).await
    }
}
