//! What the fake does when tasks are held, decided about, forked and forgotten.

use playhouse_api::{ApiError, ApiErrorKind, Caller, Export, ForkRequest, Submission, TaskEvent, Verdict};
use playhouse_core::{
    id::TaskId,
    task::{Signal, Status, TaskView, Waiting},
};
use serde_json::{Map, Value};

use super::{Fake, Heard, api::refused};

impl Fake {
    /// Changes the task and gives it as it then is.
    fn change(&self, id: &TaskId, change: impl FnOnce(&mut TaskView)) -> TaskView {
        let mut state = self.state();
        let view = &mut state.tasks.get_mut(id).unwrap().view;
        change(view);
        view.clone()
    }

    fn note(&self, heard: Heard) {
        self.state().heard.push(heard);
    }

    pub(super) fn hold_still(&self, id: &TaskId, reason: String) -> Result<TaskView, ApiError> {
        self.note(Heard::Pause(reason.clone()));
        Ok(self.change(id, |view| {
            view.head.status = Status::Parked;
            view.head.waiting = Some(Waiting::Paused);
            view.reason = Some(reason);
        }))
    }

    pub(super) fn go_on(&self, id: &TaskId) -> Result<TaskView, ApiError> {
        if self.state().tasks[id].view.head.waiting != Some(Waiting::Paused) {
            return refused(ApiErrorKind::Conflict, "the task is not paused");
        }
        Ok(self.change(id, |view| {
            view.head.status = Status::Running;
            (view.head.waiting, view.reason) = (None, None);
        }))
    }

    pub(super) fn settle(&self, id: &TaskId, verdict: Verdict) -> Result<TaskView, ApiError> {
        let waits = |view: &TaskView| view.waits.iter().any(|wait| wait.effect_id == verdict.effect_id);
        if !waits(&self.state().tasks[id].view) {
            return refused(ApiErrorKind::Conflict, format!("no call `{}` waits", verdict.effect_id));
        }
        self.note(Heard::Decide(verdict.clone()));
        Ok(self.change(id, |view| {
            view.waits.retain(|wait| wait.effect_id != verdict.effect_id);
            view.head.status = Status::Running;
            (view.head.waiting, view.head.due_ms) = (None, None);
        }))
    }

    pub(super) fn hear(&self, id: &TaskId, signal: Signal) -> Result<TaskView, ApiError> {
        self.note(Heard::Signal(signal));
        Ok(self.change(id, |_| ()))
    }

    pub(super) fn reply(&self, number: u64, answer: Option<Map<String, Value>>) -> Result<(), ApiError> {
        let before = self.state().questions.len();
        self.state().questions.retain(|question| question.number != number);
        if self.state().questions.len() == before {
            return refused(ApiErrorKind::NotFound, format!("nobody asks question {number}"));
        }
        self.note(Heard::Answer(number, answer));
        Ok(())
    }

    pub(super) fn branch(&self, caller: &Caller, id: &TaskId, request: ForkRequest) -> TaskView {
        self.note(Heard::Fork(request.clone()));
        let input = request.input.unwrap_or_else(|| self.state().tasks[id].view.input.clone());
        let fork = self.accept(caller, Submission { agent: "helper".into(), input, ..Submission::default() });
        let step = request.at.unwrap_or(1);
        self.change(&fork.head.task, |view| view.forked = Some((id.clone(), step)))
    }

    pub(super) fn write_out(&self, id: &TaskId) -> Export {
        let state = self.state();
        let record = |event: &TaskEvent| match event {
            TaskEvent::Record(record) => Some(record.clone()),
            TaskEvent::Delta { .. } | TaskEvent::Progress { .. } => None,
        };
        let records = state.tasks[id].feed.iter().filter_map(record).collect();
        Export { format: Export::FORMAT.into(), task: id.clone(), exported_ms: 7, records }
    }

    pub(super) fn throw_away(&self, id: &TaskId) -> Result<(), ApiError> {
        let mut state = self.state();
        if !state.tasks[id].view.head.status.is_final() {
            return refused(ApiErrorKind::Conflict, "the task is not over; cancel it first");
        }
        state.tasks.remove(id);
        Ok(())
    }
}
