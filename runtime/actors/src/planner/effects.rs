//! How effects leave the planner: as messages to other actors, each with a promise to come back as an input.

use std::{sync::Arc, time::Duration};

use playhouse_core::{
    id::EffectId,
    model::{ModelError, ModelErrorKind},
    task::{Input, Intent},
    tool::{Called, ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::{
    Delta, Deltas,
    crash::{Point, around},
    nobody,
};
use ractor::ActorRef;

use super::{
    Planner, PlannerMsg, PlannerState, answered,
    caller::{Asking, Caller},
    happened,
};
use crate::{
    ledger::Note,
    llm_backend::{Ask, Asker, DeltaSink, LlmBackendMsg},
    promise::Promise,
    tool_executor::{Job, ToolExecutorMsg, Work},
};

impl Planner {
    pub(super) fn ask_model(
        &self,
        myself: &ActorRef<PlannerMsg>,
        state: &PlannerState,
        step: u32,
        attempt: u32,
    ) {
        if !state.task.is_thinking(step, attempt) {
            return; // The backoff outlived its question.
        }
        if self.services.drain.is_on() {
            return; // The question is in the journal; the next start asks it.
        }
        let pinned = &state.task.spec().pinned;
        let agent = &pinned.agent;
        if let Some(problem) = self.services.catalog.model_changed(pinned) {
            let result = Err(ModelError::new(ModelErrorKind::BadRequest, problem));
            return happened(myself, Input::ModelReplied { step, attempt, result });
        }
        let (planner, alias, drain) = (myself.clone(), agent.model.clone(), self.services.drain.clone());
        let answer = Promise::new(model_crashed, move |result| {
            answered(&planner, drain.busy(), Input::ModelReplied { step, attempt, result });
        });
        let ask = Ask {
            by: Asker::Task(self.task.clone()),
            request: state.task.request(),
            deltas: DeltaSink(self.deltas(step)),
            timeout: Duration::from_millis(agent.limits.model_time_ms),
            answer,
            span: state.step.clone(),
        };
        // When the backend is just being restarted, the dropped promise reports a retryable crash.
        around(Point::AskModel, || self.services.cast_model(&alias, LlmBackendMsg::Do(Box::new(ask))));
    }

    /// Shows provisional text to those who watch.
    fn deltas(&self, step: u32) -> Deltas {
        let (ledger, task) = (self.services.ledger.clone(), self.task.clone());
        Arc::new(move |delta| {
            if let Delta::Text(text) = delta {
                ledger.tell(&task, || Note::Delta { step, text });
            }
        })
    }

    pub(super) fn call_tool(&self, myself: &ActorRef<PlannerMsg>, state: &PlannerState, intent: Intent) {
        if let Some(problem) = self.services.catalog.tool_changed(&state.task.spec().pinned, &intent.tool) {
            let called = Err(ToolError::new(ToolErrorKind::Conflict, problem)).into();
            return happened(myself, Input::ToolReplied { effect_id: intent.effect_id, called });
        }
        let (planner, effect_id, busy) =
            (myself.clone(), intent.effect_id.clone(), self.services.drain.busy());
        let caller = Arc::new(self.caller(state, &intent));
        let counted = caller.clone();
        let answer = Promise::new(
            || Err(tool_crashed()).into(),
            move |called: Called| {
                let called = Called { asked: counted.asked(), ..called };
                answered(&planner, busy, Input::ToolReplied { effect_id, called });
            },
        );
        let request = self.tool_request(state, intent);
        let job = Job { request, caller, answer, span: state.step.clone() };
        around(Point::CallTool, || self.services.cast_tools(ToolExecutorMsg::Do(Work::Call(Box::new(job)))));
    }

    pub(super) fn check_tool(&self, myself: &ActorRef<PlannerMsg>, state: &PlannerState, intent: Intent) {
        let (planner, effect_id, busy) =
            (myself.clone(), intent.effect_id.clone(), self.services.drain.busy());
        let answer = Promise::new(
            || Err(tool_crashed()),
            move |result| {
                answered(&planner, busy, Input::ToolChecked { effect_id, result });
            },
        );
        let request = self.tool_request(state, intent);
        let job = Job { request, caller: nobody(), answer, span: state.step.clone() };
        around(Point::CheckTool, || {
            self.services.cast_tools(ToolExecutorMsg::Do(Work::Check(Box::new(job))))
        });
    }

    fn tool_request(&self, state: &PlannerState, intent: Intent) -> ToolRequest {
        let spec = state.task.spec();
        ToolRequest {
            effect_id: intent.effect_id,
            tenant: spec.tenant.clone(),
            task: self.task.clone(),
            tool: intent.tool.clone(),
            arguments: intent.arguments,
            grant: intent.grant,
            others: Some(spec.pinned.agent.callable()),
            labels: state.task.labels().clone(),
            timeout_ms: spec.pinned.agent.limits.tool_time_ms,
            fuel: state.task.fuel_left(),
            reached: state.task.reached(&intent.tool),
        }
    }

    /// This task, as a call of it sees it.
    fn caller(&self, state: &PlannerState, intent: &Intent) -> Caller {
        let pinned = &state.task.spec().pinned;
        let (tokens_left, cost_left) = state.task.budget_left();
        Caller::new(
            self.services.clone(),
            Asking {
                task: self.task.clone(),
                effect_id: intent.effect_id.clone(),
                tool: intent.tool.clone(),
                model: pinned.agent.model.clone(),
                sampling: pinned.agent.sampling.clone(),
                timeout: Duration::from_millis(pinned.agent.limits.model_time_ms),
                tokens_left,
                cost_left,
                price: pinned.price,
                span: state.step.clone(),
            },
        )
    }

    pub(super) fn abort_model(&self, state: &PlannerState) {
        let alias = &state.task.spec().pinned.agent.model;
        // crash: an abort that is lost costs a call that nobody waits for.
        self.services.cast_model(alias, LlmBackendMsg::Abort(Asker::Task(self.task.clone())));
    }

    pub(super) fn abort_tool(&self, effect_id: EffectId) {
        // crash: an abort that is lost costs a call that nobody waits for.
        self.services.cast_tools(ToolExecutorMsg::Abort(effect_id));
    }
}

pub(super) fn model_crashed<T>() -> Result<T, ModelError> {
    Err(ModelError::new(ModelErrorKind::Crashed, "the model's backend stopped before it answered"))
}

fn tool_crashed() -> ToolError {
    ToolError::new(ToolErrorKind::Crashed, "the tool crashed before it gave a result")
}
