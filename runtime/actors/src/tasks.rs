//! The actor that starts planners and keeps their order.
//!
//! ```text
//! Runtime ──Submit──▶ Tasks ──append──▶ Ledger
//!                       │ schedule (core, pure): bounds, one task per session at a time (J6)
//!                       └──start──▶ planners (dynamic supervisor): 3 crashes in 60 s → quarantine
//! ```
//!
//! A submission is durable before its caller hears of it (J1); the append runs as a job here, so a caller
//! that hangs up cannot leave a durable task without a planner.

mod jobs;

use std::{collections::HashMap, sync::Arc};

use playhouse_core::{
    id::TaskId,
    schedule::{Lane, Schedule},
    task::{Head, Input, Status, Task, TaskSpec},
};
use playhouse_ports::{JournalError, Submission};
use playhouse_supervise::{Slot, StartChildError, note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

use crate::{
    planner::{PlannerMsg, happened},
    planners::Planners,
    services::Services,
};

/// Why a submission was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAccepted {
    /// The bounds of admission are reached.
    #[error("{0} tasks are already waiting; try again in a moment")]
    TooBusy(usize),
    /// The journal refused.
    #[error(transparent)]
    Journal(JournalError),
}

/// What may arrive in the mailbox.
#[derive(Debug)]
pub(crate) enum TasksMsg {
    /// Make this task durable and run it.
    Submit {
        /// The new task.
        task: Box<Task>,
        /// Its idempotency key.
        key: Option<Submission>,
        /// Answered when the task is durable, or is not.
        reply: RpcReplyPort<Result<(), NotAccepted>>,
    },
    /// End a task. Answered when the wish is on its way; a task that is over is left alone.
    Cancel(TaskId, String, RpcReplyPort<()>),
    /// How many tasks are live, and how many wait.
    Count(RpcReplyPort<(usize, usize)>),
    /// Sent by the append job: the task is durable.
    Durable(Box<Task>),
    /// Sent by the append job: the task never was.
    Refused,
    /// Sent by planners: a new one carries the task.
    Up(TaskId, ActorRef<PlannerMsg>),
    /// Sent by planners: the task is over.
    Concluded(TaskId),
    /// Sent by the planners' supervisor: it crashed too often.
    GaveUp(TaskId, String),
}

/// Starts planners and keeps their order.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    /// What planners may use.
    pub(crate) services: Arc<Services>,
    /// Where planners live.
    pub(crate) planners: Planners,
    /// An empty schedule with the daemon's bounds.
    pub(crate) schedule: Schedule,
}

/// Who runs, who waits, and how to reach them.
#[derive(Debug)]
pub(crate) struct TasksState {
    schedule: Schedule,
    /// Tasks that were just submitted and start at once; all others are read when they start.
    fresh: HashMap<TaskId, Task>,
    live: HashMap<TaskId, Slot<PlannerMsg>>,
    /// Wishes that a planner which crashes must not forget.
    cancelling: HashMap<TaskId, Input>,
    jobs: JoinSet<()>,
}

impl Actor for Tasks {
    type Msg = TasksMsg;
    type State = TasksState;
    type Arguments = ();

    /// Finds the tasks that a crash left open. Started ones go first, so that a session goes on in order.
    async fn pre_start(&self, myself: ActorRef<TasksMsg>, (): ()) -> Result<TasksState, ActorProcessingErr> {
        let mut open = self.services.ledger.journal.open().await?;
        open.sort_by(|a, b| {
            (a.status == Status::Queued, &a.task).cmp(&(b.status == Status::Queued, &b.task))
        });
        let mut state = TasksState {
            schedule: self.schedule.clone(),
            fresh: HashMap::new(),
            live: HashMap::new(),
            cancelling: HashMap::new(),
            jobs: JoinSet::new(),
        };
        if !open.is_empty() {
            tracing::info!(tasks = open.len(), "resuming the tasks that were open");
        }
        for head in open {
            state.schedule.restore(head.task.clone(), lane_of_head(&head));
        }
        let started = state.schedule.start_what_can();
        self.start(&myself, &mut state, started);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<TasksMsg>,
        message: TasksMsg,
        state: &mut TasksState,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message {
            TasksMsg::Submit { task, key, reply } => self.submit(&myself, state, *task, key, reply),
            TasksMsg::Durable(task) => {
                let (id, lane) = (task.spec().id.clone(), lane(task.spec()));
                let started = state.schedule.accept(id.clone(), lane);
                // A task that has to wait is read again when it starts: waiting costs a name, not an input.
                if started.contains(&id) {
                    state.fresh.insert(id, *task);
                }
                self.start(&myself, state, started);
            }
            TasksMsg::Refused => state.schedule.withdraw(),
            TasksMsg::Concluded(task) => self.conclude(&myself, state, &task),
            TasksMsg::GaveUp(task, reason) => {
                tracing::error!(%task, reason, "task quarantined: its planner crashed too often");
                self.end(&myself, state, task, Input::Quarantine { reason });
            }
            TasksMsg::Cancel(task, reason, reply) => {
                self.cancel(&myself, state, task, reason);
                let _ = reply.send(());
            }
            TasksMsg::Up(task, planner) => {
                if let Some(cancel) = state.cancelling.get(&task) {
                    happened(&planner, cancel.clone());
                }
            }
            TasksMsg::Count(reply) => drop(reply.send((state.schedule.live(), state.schedule.waiting()))),
        }
        note(&myself, &[("live", state.schedule.live()), ("waiting", state.schedule.waiting())]);
        Ok(())
    }
}

impl Tasks {
    fn submit(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        task: Task,
        key: Option<Submission>,
        reply: RpcReplyPort<Result<(), NotAccepted>>,
    ) {
        if !state.schedule.reserve() {
            let _ = reply.send(Err(NotAccepted::TooBusy(state.schedule.waiting())));
            return;
        }
        state.jobs.spawn(jobs::submit(self.services.clone(), myself.clone(), task, key, reply));
    }

    fn start(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, tasks: Vec<TaskId>) {
        for task in tasks {
            let fresh = state.fresh.remove(&task);
            let (slot, starting) = self.planners.start(&self.services, task.clone(), fresh);
            state.live.insert(task.clone(), slot);
            let myself = myself.clone();
            state.jobs.spawn(async move {
                match starting.await {
                    // Without a supervisor there is no dispatcher either: both are started again together.
                    Ok(()) | Err(StartChildError::Unavailable(_) | StartChildError::Stopped(_)) => {}
                    Err(StartChildError::Failed(error)) => {
                        let reason = format!("{error}: {}", error.source);
                        // Fails only when this actor has stopped; its successor starts the task anew.
                        let _ = tell(&myself, TasksMsg::GaveUp(task, reason));
                    }
                    Err(error) => drop(tell(&myself, TasksMsg::GaveUp(task, error.to_string()))),
                }
            });
        }
    }

    fn conclude(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: &TaskId) {
        state.live.remove(task);
        state.fresh.remove(task);
        state.cancelling.remove(task);
        let started = state.schedule.conclude(task);
        self.start(myself, state, started);
    }

    /// A live task's planner is told, and told again if it is a new one; a waiting task never starts.
    fn cancel(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, reason: String) {
        let input = Input::Cancel { reason };
        if state.schedule.is_live(&task) {
            if let Some(Ok(planner)) = state.live.get(&task).map(Slot::get) {
                happened(&planner, input.clone());
            }
            state.cancelling.insert(task, input);
        } else if state.schedule.is_waiting(&task) {
            state.schedule.forget(&task);
            self.end(myself, state, task, input);
        }
    }

    fn end(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, input: Input) {
        state.jobs.spawn(jobs::end(self.services.clone(), myself.clone(), task, input));
    }
}

fn lane(spec: &TaskSpec) -> Lane {
    spec.session.clone().map(|session| (spec.tenant.clone(), session))
}

fn lane_of_head(head: &Head) -> Lane {
    head.session.clone().map(|session| (head.tenant.clone(), session))
}
