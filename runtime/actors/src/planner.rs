//! The actor that carries one task.
//!
//! ```text
//! Tasks ── Planner ──Ask──▶ LlmBackend      ┐ every answer comes back
//!            │  ▲  └─Call─▶ ToolExecutor    ┤ as a message: the mailbox
//!       step │  └──Input── promises, timers ┘ stays open meanwhile
//!            ▼
//!      core::task::Task (pure)   events ──▶ Ledger (durable) ──▶ then, and only then, effects
//! ```
//!
//! The planner decides nothing. It turns messages into [`Input`]s, appends the events that come back, and
//! performs the effects (J1). Everything it knows is in the journal, so it may die at any moment: the next
//! one restores the task and goes on.

mod caller;
mod effects;
mod journal;

use std::sync::{Arc, Mutex, PoisonError};

use playhouse_core::{
    id::TaskId,
    labels::Labels,
    message::Message,
    task::{Effect, Input, Intent, Refusal, Status, Step, Task},
    window::Window,
};
use playhouse_ports::crash::{Point, around};
use playhouse_supervise::{note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

use crate::{
    drain::Busy,
    ledger::Note,
    services::Services,
    tasks::{Ended, TasksMsg},
};
pub(crate) use journal::{append, batch, patiently, read_all, restore};

/// Longest wait between two looks at the clock for a task that is due some time.
const LOOK_MS_MAX: u64 = 60_000;

/// What may arrive in a planner's mailbox.
#[derive(Debug)]
pub(crate) enum PlannerMsg {
    /// Something happened to the task.
    Happened(Box<Input>),
    /// Something came from outside; answered once it is durable, or with why it does not fit.
    Deliver(Delivery),
    /// The dispatcher agrees that a parked task needs no planner.
    Go,
    /// The same, and the runtime does not come to rest before it is dealt with.
    Answered(Box<Input>, Busy),
    /// The planner cannot go on; its supervisor decides.
    Fail(String),
    /// A backoff is over: ask the model, if that is still the open call.
    AskNow {
        /// Which step.
        step: u32,
        /// Which attempt.
        attempt: u32,
    },
    /// A backoff is over: call the tool, if that call is still open.
    CallNow(Box<Intent>),
}

/// An input on its way to a task, and who waits to hear that it arrived.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The input.
    pub(crate) input: Box<Input>,
    /// Nobody, for what the runtime itself sends.
    pub(crate) reply: Option<RpcReplyPort<Result<(), Refusal>>>,
}

impl Delivery {
    /// What nobody waits for.
    pub(crate) fn of(input: Input) -> Self {
        Self { input: Box::new(input), reply: None }
    }

    /// Tells whoever waits.
    pub(crate) fn answer(self, answer: Result<(), Refusal>) {
        if let Some(reply) = self.reply {
            // Fails only when the caller has gone.
            // crash: whoever calls this stands at `acknowledge`.
            let _ = reply.send(answer);
        }
    }
}

/// Carries one task; the half that never changes.
#[derive(Debug, Clone)]
pub(crate) struct Planner {
    services: Arc<Services>,
    task: TaskId,
    /// The task as it was just submitted, so that the first start reads nothing.
    fresh: Arc<Mutex<Option<Task>>>,
}

/// The half that changes, rebuilt from the journal by every start but the first.
#[derive(Debug)]
pub(crate) struct PlannerState {
    task: Task,
    /// Timers and look-ups; they die with the planner.
    jobs: JoinSet<()>,
    /// The next look at the clock; a new one takes its place.
    tick: Option<AbortHandle>,
    span: tracing::Span,
    /// The current step's span; its model call and tool calls hang under it.
    step: tracing::Span,
}

impl Planner {
    /// A planner of `task`; `fresh` is the task if nothing but its submission is in the journal.
    pub(crate) fn new(services: Arc<Services>, task: TaskId, fresh: Option<Task>) -> Self {
        Self { services, task, fresh: Arc::new(Mutex::new(fresh)) }
    }

    fn take_fresh(&self) -> Option<Task> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Actor for Planner {
    type Msg = PlannerMsg;
    type State = PlannerState;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<PlannerMsg>,
        (): (),
    ) -> Result<PlannerState, ActorProcessingErr> {
        let task = match self.take_fresh() {
            Some(task) => task,
            None => restore(&*self.services.ledger.journal, &self.task).await?,
        };
        let span = task_span(&task);
        let step = span.clone();
        let mut state = PlannerState { task, jobs: JoinSet::new(), tick: None, span, step };
        self.services.planner_is_up(&self.task, &myself);
        if state.task.is_unbegun() {
            // The time runs since submission, also while the session's past is being read.
            let deadline_ms = state.task.deadline_ms();
            self.arm_deadline(&myself, &mut state, deadline_ms);
            self.begin(&myself, &mut state);
        } else {
            self.follow_parent(&myself, &mut state);
            let epoch = state.task.epoch() + 1;
            happened(&myself, Input::Resume { epoch });
            if state.task.status() == Status::Parked {
                happened(&myself, Input::Tick);
            }
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<PlannerMsg>,
        message: PlannerMsg,
        state: &mut PlannerState,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        let span = state.span.clone();
        match message {
            PlannerMsg::Fail(reason) => return Err(reason.into()),
            PlannerMsg::AskNow { step, attempt } => self.ask_model(&myself, state, step, attempt),
            PlannerMsg::CallNow(intent) if state.task.is_calling(&intent.effect_id) => {
                self.call_tool(&myself, state, *intent);
            }
            PlannerMsg::CallNow(_) => {} // The backoff outlived its call.
            PlannerMsg::Deliver(delivery) => {
                let answer = state.task.accepts(self.services.ledger.clock.now_ms(), &delivery.input);
                if answer.is_ok() {
                    self.advance(&myself, state, (*delivery.input).clone()).instrument(span).await?;
                }
                around(Point::Acknowledge, || delivery.answer(answer));
            }
            PlannerMsg::Go => self.go(&myself, state),
            PlannerMsg::Happened(input) => self.advance(&myself, state, *input).instrument(span).await?,
            PlannerMsg::Answered(input, busy) => {
                self.advance(&myself, state, *input).instrument(span).await?;
                drop(busy); // What follows from it is durable, and counts for itself if it was begun.
            }
        }
        note(&myself, &[("records", usize::try_from(state.task.next_seq()).unwrap_or(usize::MAX))]);
        Ok(())
    }
}

impl Planner {
    /// Decide, write, act: in this order (J1).
    async fn advance(
        &self,
        myself: &ActorRef<PlannerMsg>,
        state: &mut PlannerState,
        input: Input,
    ) -> Result<(), ActorProcessingErr> {
        let ledger = &self.services.ledger;
        let (before, now_ms) = (state.task.next_seq(), ledger.clock.now_ms());
        let was_unbegun = state.task.is_unbegun();
        let Step { events, effects } = state.task.step(now_ms, input);
        if !events.is_empty() {
            append(ledger, batch(&state.task, before, events, now_ms)).await?;
        }
        for effect in effects {
            self.perform(myself, state, effect);
        }
        if !was_unbegun && state.task.is_unbegun() {
            // It was paused before it had begun, and what would have begun it came meanwhile.
            self.begin(myself, state);
        }
        Ok(())
    }

    fn perform(&self, myself: &ActorRef<PlannerMsg>, state: &mut PlannerState, effect: Effect) {
        match effect {
            Effect::AskModel { step, attempt, after_ms: 0 } => {
                state.step = tracing::info_span!(parent: &state.span, "step", playhouse.step = step);
                self.ask_model(myself, state, step, attempt);
            }
            Effect::AskModel { step, attempt, after_ms } => {
                drop(self.after(myself, state, after_ms, PlannerMsg::AskNow { step, attempt }));
            }
            Effect::CallTool(intent) => self.call_tool(myself, state, intent),
            Effect::CheckTool(intent) => self.check_tool(myself, state, intent),
            Effect::AbortModel => self.abort_model(state),
            Effect::AbortTool(effect_id) => self.abort_tool(effect_id),
            Effect::RetryTool { intent, after_ms } => {
                drop(self.after(myself, state, after_ms, PlannerMsg::CallNow(Box::new(intent))));
            }
            Effect::WakeAt { at_ms } => self.arm_deadline(myself, state, at_ms),
            Effect::SpawnChild(order) => {
                around(Point::SpawnChild, || self.services.cast_tasks(TasksMsg::SpawnChild(order)));
            }
            Effect::CancelChild(child) => self.services.cast_tasks(TasksMsg::CancelChild(child)),
            Effect::Park { .. } => self.services.cast_tasks(TasksMsg::Leave(self.task.clone())),
            Effect::Conclude(outcome) => {
                tracing::debug!(parent: &state.span, task = %self.task, ?outcome, "task over");
                // A watcher may have missed the note of a last append whose answer was lost.
                self.services.ledger.tell(&self.task, || Note::Appended(Arc::default()));
                let ended = Ended::of(&state.task).map(Box::new);
                let concluded = TasksMsg::Concluded(self.task.clone(), ended);
                around(Point::Conclude, || self.services.cast_tasks(concluded));
                myself.stop(None);
            }
        }
    }

    /// Leaves a task that is parked; whoever wakes it starts another planner. If something came meanwhile,
    /// this one stays.
    fn go(&self, myself: &ActorRef<PlannerMsg>, state: &PlannerState) {
        if state.task.status() != Status::Parked {
            return self.services.cast_tasks(TasksMsg::Stayed(self.task.clone()));
        }
        let unbegun = state.task.head(0).unbegun;
        self.services.cast_tasks(TasksMsg::Left(self.task.clone(), state.task.due_ms(), unbegun));
        myself.stop(None);
    }

    /// A task whose parent ended while nobody could tell it ends, too.
    fn follow_parent(&self, myself: &ActorRef<PlannerMsg>, state: &mut PlannerState) {
        let Some(parent) = state.task.spec().lineage.parent.clone() else { return };
        let (services, myself) = (self.services.clone(), myself.clone());
        state.jobs.spawn(async move {
            let head = patiently(&parent, || services.ledger.journal.head(&parent)).await;
            if head.is_ok_and(|head| head.is_none_or(|head| head.status.is_final())) {
                happened(&myself, Input::Cancel { reason: "the task that made it has ended".into() });
            }
        });
    }

    /// Gets the session's past, then begins.
    fn begin(&self, myself: &ActorRef<PlannerMsg>, state: &mut PlannerState) {
        let Some(session) = state.task.spec().session.clone() else {
            return happened(
                myself,
                Input::Begin { history: Vec::new(), dropped_turns: 0, labels: Labels::default() },
            );
        };
        let (services, myself) = (self.services.clone(), myself.clone());
        let spec = state.task.spec().clone();
        state.jobs.spawn(async move {
            match services.recall(&spec, &session).await {
                Ok(window) => {
                    let Window { messages, dropped_turns, labels } = window;
                    happened(
                        &myself,
                        Input::Begin { history: without_system(messages), dropped_turns, labels },
                    );
                }
                // Without its past the task must not answer; a new planner tries again.
                Err(error) => {
                    drop(tell(&myself, PlannerMsg::Fail(format!("failed to read the session: {error}"))))
                }
            }
        });
    }

    fn arm_deadline(&self, myself: &ActorRef<PlannerMsg>, state: &mut PlannerState, at_ms: u64) {
        let left_ms = at_ms.saturating_sub(self.services.ledger.clock.now_ms());
        // A clock that jumps must not make the next look a year late; looking early does no harm.
        let wait_ms = left_ms.min(LOOK_MS_MAX);
        let look = PlannerMsg::Happened(Box::new(Input::Tick));
        let tick = self.after(myself, state, wait_ms, look);
        if let Some(earlier) = state.tick.replace(tick) {
            earlier.abort();
        }
    }

    fn after(
        &self,
        myself: &ActorRef<PlannerMsg>,
        state: &mut PlannerState,
        ms: u64,
        message: PlannerMsg,
    ) -> AbortHandle {
        let myself = myself.clone();
        state.jobs.spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            // Fails only when the planner has stopped: then nobody needs the message.
            let _ = tell(&myself, message);
        })
    }
}

/// Tells a planner that something happened.
pub(crate) fn happened(planner: &ActorRef<PlannerMsg>, input: Input) {
    // Fails only when the planner has stopped: then its successor asks again.
    let _ = tell(planner, PlannerMsg::Happened(Box::new(input)));
}

/// Tells a planner what its model or tool answered.
pub(crate) fn answered(planner: &ActorRef<PlannerMsg>, busy: Busy, input: Input) {
    // As above.
    let _ = tell(planner, PlannerMsg::Answered(Box::new(input), busy));
}

/// Providers accept one system message, the agent's; pinned ones become words of the user.
fn without_system(history: Vec<Message>) -> Vec<Message> {
    let soften = |message| match message {
        Message::System { content } => Message::User { content },
        other => other,
    };
    history.into_iter().map(soften).collect()
}

/// The span of the whole task, named by the OpenTelemetry conventions for generative AI.
fn task_span(task: &Task) -> tracing::Span {
    let spec = task.spec();
    let agent = &spec.pinned.agent.name;
    tracing::info_span!(
        parent: None,
        "invoke_agent",
        otel.name = %format!("invoke_agent {agent}"),
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.name = %agent,
        gen_ai.agent.id = %spec.pinned.digest(),
        gen_ai.conversation.id = spec.session.as_ref().map(tracing::field::display),
        playhouse.task.id = %spec.id,
    )
}
