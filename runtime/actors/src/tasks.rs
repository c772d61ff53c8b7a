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

use std::{collections::HashMap, sync::Arc};

use playhouse_core::{
    id::TaskId,
    schedule::{Lane, Schedule},
    task::{Event, Head, Input, Status, Task, TaskSpec},
};
use playhouse_ports::{JournalError, Submission};
use playhouse_supervise::{Slot, StartChildError};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

use crate::{
    planner::{PlannerMsg, batch, restore},
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
    /// Tasks that wait in memory, just submitted; tasks found in the journal are read when they start.
    fresh: HashMap<TaskId, Task>,
    live: HashMap<TaskId, Slot<PlannerMsg>>,
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
                state.fresh.insert(id.clone(), *task);
                let started = state.schedule.accept(id, lane);
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
            TasksMsg::Count(reply) => drop(reply.send((state.schedule.live(), state.schedule.waiting()))),
        }
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
        let (ledger, myself) = (self.services.ledger.clone(), myself.clone());
        state.jobs.spawn(async move {
            let submitted = Event::Submitted(Box::new(task.spec().clone()));
            let mut batch = batch(&task, 0, vec![submitted], task.spec().submitted_ms);
            batch.key = key;
            // A failed cast means that this actor is gone; its successor finds the task in the journal.
            match ledger.append(batch).await {
                Ok(()) => {
                    let _ = myself.cast(TasksMsg::Durable(Box::new(task)));
                    let _ = reply.send(Ok(()));
                }
                // The answer may have been lost after the write: what is there, is accepted.
                Err(_) if matches!(ledger.journal.head(&task.spec().id).await, Ok(Some(_))) => {
                    let _ = myself.cast(TasksMsg::Durable(Box::new(task)));
                    let _ = reply.send(Ok(()));
                }
                Err(error) => {
                    let _ = myself.cast(TasksMsg::Refused);
                    let _ = reply.send(Err(NotAccepted::Journal(error)));
                }
            }
        });
    }

    fn start(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, tasks: Vec<TaskId>) {
        for task in tasks {
            let fresh = state.fresh.remove(&task);
            let (slot, starting) = self.planners.start(&self.services, task.clone(), fresh);
            state.live.insert(task.clone(), slot);
            let myself = myself.clone();
            state.jobs.spawn(async move {
                if let Err(StartChildError::Failed(error)) = starting.await {
                    let reason = format!("{error}: {}", error.source);
                    // Fails only when this actor has stopped; its successor starts the task anew.
                    let _ = myself.cast(TasksMsg::GaveUp(task, reason));
                }
            });
        }
    }

    fn conclude(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: &TaskId) {
        state.live.remove(task);
        state.fresh.remove(task);
        let started = state.schedule.conclude(task);
        self.start(myself, state, started);
    }

    fn cancel(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, reason: String) {
        match state.live.get(&task).and_then(|planner| planner.get().ok()) {
            Some(planner) => crate::planner::happened(&planner, Input::Cancel { reason }),
            // Waiting, or its planner is just being restarted: the journal is the only writer's seat, and
            // fencing keeps it to one writer.
            None if state.schedule.is_waiting(&task) || state.schedule.is_live(&task) => {
                self.end(myself, state, task, Input::Cancel { reason });
            }
            None => {}
        }
    }

    /// Ends a task that has no planner.
    fn end(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, id: TaskId, input: Input) {
        let (ledger, myself) = (self.services.ledger.clone(), myself.clone());
        state.jobs.spawn(async move {
            let ended = async {
                let mut task = restore(&*ledger.journal, &id).await?;
                let first = task.next_seq();
                let step = task.step(input);
                if !step.events.is_empty() {
                    ledger.append(batch(&task, first, step.events, ledger.clock.now_ms())).await?;
                }
                Ok::<_, ActorProcessingErr>(())
            };
            if let Err(error) = ended.await {
                tracing::error!(task = %id, %error, "task could not be ended; the next start resumes it");
            }
            let _ = myself.cast(TasksMsg::Concluded(id));
        });
    }
}

fn lane(spec: &TaskSpec) -> Lane {
    spec.session.clone().map(|session| (spec.tenant.clone(), session))
}

fn lane_of_head(head: &Head) -> Lane {
    head.session.clone().map(|session| (head.tenant.clone(), session))
}
