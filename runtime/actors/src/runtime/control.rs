//! What can be done with a task that exists: hold it still, decide, write to it, fork, export, forget.

use std::sync::Arc;

use playhouse_api::{ApiError, ApiErrorKind, Caller, Export, ForkRequest, Verdict};
use playhouse_core::{
    admission::RETRY_AFTER_MS,
    agent::{AgentDef, LimitsOverride, Pinned},
    id::{TaskId, check_sender_id},
    task::{Event, Fork, Input, Record, Refusal, Signal, TaskSpec, TaskView, fits_journal, fork},
};
use playhouse_schema::Schema;
use serde_json::Value;

use super::{Runtime, journal_error, no_answer, not_found, read_all, submit::not_accepted};
use crate::{services::ask, tasks::TasksMsg, timers::parent};

impl Runtime {
    /// Gives an open task an input; durable when this returns.
    pub(super) async fn deliver(
        &self,
        caller: &Caller,
        id: &TaskId,
        input: Input,
    ) -> Result<TaskView, ApiError> {
        if self.head(caller, id).await?.status.is_final() {
            return Err(refused(Refusal::Over));
        }
        let deliver = |reply| TasksMsg::Deliver(id.clone(), input, reply);
        let answer = ask("the task's planner", &self.services.tasks, deliver).await.map_err(no_answer)?;
        answer.map_err(refused)?;
        let (task, updated_ms) = self.restore(caller, id).await?;
        Ok(task.view(updated_ms))
    }

    pub(super) async fn take_decision(
        &self,
        caller: &Caller,
        id: &TaskId,
        verdict: Verdict,
    ) -> Result<TaskView, ApiError> {
        let Verdict { effect_id, args_digest, decision, by } = verdict;
        if !serde_json::to_value(&decision).is_ok_and(|value| fits_journal(&value)) {
            return Err(bad("the decision is nested too deeply to be kept".into()));
        }
        self.deliver(caller, id, Input::Decide { effect_id, args_digest, decision, by }).await
    }

    pub(super) async fn take_signal(
        &self,
        caller: &Caller,
        id: &TaskId,
        signal: Signal,
    ) -> Result<TaskView, ApiError> {
        let Signal { id: signal_id, name, payload } = &signal;
        check_sender_id(signal_id).map_err(|why| bad(format!("the signal's id {why}")))?;
        if !fits_journal(payload) {
            return Err(bad("the payload is nested too deeply to be kept".into()));
        }
        let spec = self.spec(caller, id).await?;
        if let Some(schema) = spec.pinned.agent.policy.signals.get(name) {
            check_payload(name, schema, payload)?;
        }
        self.deliver(caller, id, Input::Signal(signal)).await
    }

    pub(super) async fn make_fork(
        &self,
        caller: &Caller,
        id: &TaskId,
        request: ForkRequest,
    ) -> Result<TaskView, ApiError> {
        if let Some(input) = &request.input {
            self.check_input(input)?;
        }
        self.check_rest()?;
        let records = self.records(caller, id).await?;
        let spec = submitted(&records)?;
        let now_ms = self.services.ledger.clock.now_ms();
        let changed = Fork {
            id: self.ids.next(now_ms),
            step: request.at.unwrap_or(1),
            input: request.input.clone(),
            pinned: self.repin(spec, &request)?,
            now_ms,
        };
        let (task, events) = fork(&records, changed).map_err(|error| bad(error.to_string()))?;
        let view = task.view(now_ms);
        let events = events.into_iter().skip(1).collect();
        let submit = |reply| TasksMsg::Submit { task: Box::new(task), events, key: None, reply };
        match ask("the dispatcher", &self.services.tasks, submit).await.map_err(no_answer)? {
            Ok(()) => Ok(view),
            Err(error) => Err(not_accepted(error)),
        }
    }

    /// What the fork runs on: what its origin ran on, but for what was asked to be different.
    fn repin(&self, spec: &TaskSpec, request: &ForkRequest) -> Result<Pinned, ApiError> {
        let catalog = &self.services.catalog;
        let mut pinned = match &request.agent {
            None => spec.pinned.clone(),
            Some(name) => {
                let agent = catalog.agent(name).ok_or_else(|| not_found("agent", name))?;
                catalog.pin(agent, &LimitsOverride::default())
            }
        };
        if let Some(model) = &request.model {
            if !catalog.models.contains_key(model) {
                return Err(not_found("model", model));
            }
            let agent = Arc::new(AgentDef { model: model.clone(), ..(*pinned.agent).clone() });
            pinned = Pinned { tools: pinned.tools, ..catalog.pin(&agent, &LimitsOverride::default()) };
        }
        Ok(pinned)
    }

    pub(super) async fn write_export(&self, caller: &Caller, id: &TaskId) -> Result<Export, ApiError> {
        let records = self.records(caller, id).await?;
        Ok(Export {
            format: Export::FORMAT.to_owned(),
            task: id.clone(),
            exported_ms: self.services.ledger.clock.now_ms(),
            records,
        })
    }

    pub(super) async fn forget_task(&self, caller: &Caller, id: &TaskId) -> Result<(), ApiError> {
        let (journal, head) = (&self.services.ledger.journal, self.head(caller, id).await?);
        let parent = parent(&**journal, &head).await.map_err(journal_error)?;
        if !head.may_go(parent.as_ref()) {
            let message = match (head.status.is_final(), head.parent) {
                (true, Some(parent)) => {
                    format!(
                        "task {parent} made task {id} and is not over; forget it after that one has ended"
                    )
                }
                _ => format!("task {id} is not over; cancel it first"),
            };
            return Err(ApiError::new(ApiErrorKind::Conflict, message));
        }
        // `false`: somebody else was faster, and it is gone all the same.
        journal.forget(id).await.map(drop).map_err(journal_error)
    }

    async fn records(&self, caller: &Caller, id: &TaskId) -> Result<Vec<Record>, ApiError> {
        self.head(caller, id).await?;
        read_all(&*self.services.ledger.journal, id).await.map_err(journal_error)
    }

    /// What was submitted, without reading what followed.
    async fn spec(&self, caller: &Caller, id: &TaskId) -> Result<TaskSpec, ApiError> {
        self.head(caller, id).await?;
        let first = self.services.ledger.journal.read(id, 0, 1).await.map_err(journal_error)?;
        submitted(&first).cloned()
    }
}

fn submitted(records: &[Record]) -> Result<&TaskSpec, ApiError> {
    match records.first().map(|record| &record.event) {
        Some(Event::Submitted(spec)) => Ok(spec),
        _ => Err(ApiError::new(ApiErrorKind::Internal, "the journal does not begin with a submission")),
    }
}

fn check_payload(name: &str, schema: &Value, payload: &Value) -> Result<(), ApiError> {
    let schema = Schema::compile(schema).map_err(|problem| {
        let message = format!("the agent's schema of signal `{name}` cannot be used: {problem}");
        ApiError::new(ApiErrorKind::Internal, message)
    })?;
    schema
        .check(payload)
        .map_err(|complaint| bad(format!("the payload does not fit signal `{name}`: {complaint}")))
}

fn bad(message: String) -> ApiError {
    ApiError::new(ApiErrorKind::BadRequest, message)
}

fn refused(refusal: Refusal) -> ApiError {
    let kind = match &refusal {
        Refusal::UnknownSignal { .. } | Refusal::TooDeep => ApiErrorKind::BadRequest,
        Refusal::InboxFull(_) => ApiErrorKind::TooBusy,
        _ => ApiErrorKind::Conflict,
    };
    let error = ApiError::new(kind, refusal.to_string());
    if kind == ApiErrorKind::TooBusy { error.retry_after(RETRY_AFTER_MS) } else { error }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_that_does_not_fit_is_refused_with_the_place() {
        let schema = json!({ "properties": { "amount": { "type": "integer" } } });
        check_payload("paid", &schema, &json!({ "amount": 5 })).unwrap();
        let refused = check_payload("paid", &schema, &json!({ "amount": "five" })).unwrap_err();
        assert_eq!(refused.kind, ApiErrorKind::BadRequest);
        assert!(refused.message.contains("does not fit signal `paid`: `amount`: "), "{}", refused.message);
    }

    #[test]
    fn a_payload_that_would_be_checked_for_ever_is_refused() {
        let both = json!({ "items": { "$ref": "#" } });
        let deep = (0..60).fold(json!([]), |inner, _| json!([inner]));
        let refused = check_payload("paid", &json!({ "allOf": [both, both] }), &deep).unwrap_err();
        assert!(refused.message.contains("too much work"), "{}", refused.message);
    }
}
