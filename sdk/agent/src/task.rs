//! A task by its name: looking at it, and everything one may say to it.

use futures_util::StreamExt;
use playhouse_api::{ApiError, ApiErrorKind, Caller, Export, ForkRequest, RuntimeApi, TaskEvent, Verdict};
use playhouse_assembly::Runtime;
use playhouse_core::{
    id::TaskId,
    task::{Decision, Event, Signal, TaskView, WaitView},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Answer, Error, Run};

/// A task of a house, running or not. Cheap to clone; [`Run::handle`] and [`Playhouse::task`] give one.
///
/// Whatever is said to the task is durable when the call returns.
///
/// [`Playhouse::task`]: crate::Playhouse::task
#[derive(Debug, Clone)]
pub struct TaskRef {
    runtime: Runtime,
    id: TaskId,
    declared: bool,
}

impl TaskRef {
    pub(crate) fn new(runtime: Runtime, id: TaskId, declared: bool) -> Self {
        Self { runtime, id, declared }
    }

    /// Its name.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// The task as it stands.
    pub async fn view(&self) -> Result<TaskView, Error> {
        Ok(self.runtime.task(&Caller::local(), &self.id).await?)
    }

    /// Follows it from its first event.
    pub async fn follow(&self) -> Result<Run, Error> {
        Run::follow(self.runtime.clone(), self.id.clone(), self.declared).await
    }

    /// Waits for the answer.
    pub async fn answer(&self) -> Result<Answer, Error> {
        self.follow().await?.answer().await
    }

    /// Waits until it waits for something outside, or is over; gives it as it then is.
    pub async fn parked(&self) -> Result<TaskView, Error> {
        let mut events = self.runtime.events(&Caller::local(), &self.id, 0, false).await?;
        while let Some(event) = events.next().await {
            // An event of the past may be a wait that has ended since: the task itself knows.
            if let TaskEvent::Record(record) = event?
                && matches!(record.event, Event::Parked { .. } | Event::Paused { .. })
            {
                let view = self.view().await?;
                if view.head.waiting.is_some() {
                    return Ok(view);
                }
            }
        }
        self.view().await
    }

    /// Asks it to end.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<(), Error> {
        self.runtime.cancel(&Caller::local(), &self.id, reason.into()).await?;
        Ok(())
    }

    /// Holds it still until it is [resumed](Self::resume).
    pub async fn pause(&self, reason: impl Into<String>) -> Result<(), Error> {
        self.runtime.pause(&Caller::local(), &self.id, reason.into()).await?;
        Ok(())
    }

    /// Lets it go on.
    pub async fn resume(&self) -> Result<(), Error> {
        self.runtime.resume(&Caller::local(), &self.id).await?;
        Ok(())
    }

    /// Agrees to a call, one of [`TaskView::waits`], in the name of `by`.
    pub async fn approve(&self, call: &WaitView, by: impl Into<String>) -> Result<(), Error> {
        self.decide(call, by, Decision::Approve { arguments: None }).await
    }

    /// Agrees to a call with other arguments than the model's.
    pub async fn approve_with(
        &self,
        call: &WaitView,
        by: impl Into<String>,
        arguments: impl Into<Value>,
    ) -> Result<(), Error> {
        self.decide(call, by, Decision::Approve { arguments: Some(arguments.into()) }).await
    }

    /// Does not agree to a call; the model is told why.
    pub async fn deny(
        &self,
        call: &WaitView,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), Error> {
        self.decide(call, by, Decision::Deny { reason: reason.into() }).await
    }

    /// Decides about a call. Holds only while the call's arguments are those of `call`.
    pub async fn decide(
        &self,
        call: &WaitView,
        by: impl Into<String>,
        decision: Decision,
    ) -> Result<(), Error> {
        let verdict = Verdict {
            effect_id: call.effect_id.clone(),
            args_digest: Some(call.args_digest.clone()),
            decision,
            by: by.into(),
        };
        self.runtime.decide(&Caller::local(), &self.id, verdict).await?;
        Ok(())
    }

    /// Sends it a message, which it keeps until `wait_signal` takes it.
    pub async fn signal(&self, name: impl Into<String>, payload: impl Serialize) -> Result<(), Error> {
        self.signal_once(ulid::Ulid::generate().to_string(), name, payload).await
    }

    /// The same under a name of your own: the same `id` is the same message, however often it is sent.
    pub async fn signal_once(
        &self,
        id: impl Into<String>,
        name: impl Into<String>,
        payload: impl Serialize,
    ) -> Result<(), Error> {
        let unreadable = |problem: serde_json::Error| {
            ApiError::new(
                ApiErrorKind::BadRequest,
                format!("the payload cannot be written as JSON: {problem}"),
            )
        };
        let payload = serde_json::to_value(payload).map_err(unreadable)?;
        let signal = Signal { id: id.into(), name: name.into(), payload };
        self.runtime.signal(&Caller::local(), &self.id, signal).await?;
        Ok(())
    }

    /// Makes a task that shares its history up to a step, and goes on from there by itself.
    pub async fn fork(&self, request: ForkRequest) -> Result<Run, Error> {
        let fork = self.runtime.fork(&Caller::local(), &self.id, request).await?.head.task;
        Run::follow(self.runtime.clone(), fork, self.declared).await
    }

    /// The task with its whole journal, for a file: [`replay`](crate::replay) runs it anywhere.
    pub async fn export(&self) -> Result<Export, Error> {
        Ok(self.runtime.export(&Caller::local(), &self.id).await?)
    }

    /// Removes it for good, once it is over.
    pub async fn forget(self) -> Result<(), Error> {
        Ok(self.runtime.forget(&Caller::local(), &self.id).await?)
    }
}
