//! What the dispatcher hears, and what it answers.

use playhouse_core::{
    id::TaskId,
    task::{ChildOrder, Event, Input, Outcome, Refusal, Spent, Task},
};
use playhouse_ports::{JournalError, Submission};
use ractor::{ActorRef, RpcReplyPort};

use crate::planner::{Delivery, PlannerMsg};

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

/// The end of a task that another made.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(super) parent: TaskId,
    pub(super) child: TaskId,
    pub(super) outcome: Outcome,
    pub(super) spent: Spent,
}

impl Ended {
    /// The end of `task`, if it is over and has a parent to hear of it.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        let outcome = task.outcome()?.clone();
        let parent = task.spec().lineage.parent.clone()?;
        Some(Self { parent, child: task.spec().id.clone(), outcome, spent: task.spent() })
    }
}

/// What may arrive in the mailbox.
#[derive(Debug)]
pub(crate) enum TasksMsg {
    /// Make this task durable and run it.
    Submit {
        /// The new task.
        task: Box<Task>,
        /// Its journal so far, without the submission: what a fork shares.
        events: Vec<Event>,
        /// Its idempotency key.
        key: Option<Submission>,
        /// Answered when the task is durable, or is not.
        reply: RpcReplyPort<Result<(), NotAccepted>>,
    },
    /// Sent by planners: make this task, or say how it ended.
    SpawnChild(Box<ChildOrder>),
    /// Sent by planners: end this task, for its parent has.
    CancelChild(TaskId),
    /// Give an open task something; answered when it is durable there.
    Deliver(TaskId, Input, RpcReplyPort<Result<(), Refusal>>),
    /// Sent by timers: this parked task is due.
    Wake(TaskId),
    /// End a task. Answered when the wish is on its way; a task that is over is left alone.
    Cancel(TaskId, String, RpcReplyPort<()>),
    /// How many tasks are live, and how many wait.
    Count(RpcReplyPort<(usize, usize)>),
    /// Sent by the append job: the task is durable.
    Durable(Box<Task>),
    /// Sent by the job that was to write a new task: there was no need to, or no way; and its end, if it has one.
    NotMade(TaskId, Option<Box<Ended>>),
    /// Sent by the jobs that write to tasks without a planner: how it stands now, if somebody must act on that.
    Written(TaskId, Option<Box<Task>>),
    /// Sent by the job that reads waiting tasks: when the time of each is up, in milliseconds since 1970.
    Deadlines(Vec<(TaskId, u64)>),
    /// Sent to itself: somebody may have run out of time while waiting.
    Look,
    /// Sent by the job that looked for a parked task: it has begun, and needs a planner for this.
    Found(TaskId, Delivery),
    /// Sent by planners: a new one carries the task.
    Up(TaskId, ActorRef<PlannerMsg>),
    /// Sent by planners: the task is parked; may I go?
    Leave(TaskId),
    /// Sent by planners: gone; when the task is due, and whether its turn has not come.
    Left(TaskId, Option<u64>, bool),
    /// Sent by planners: the task is not parked any more.
    Stayed(TaskId),
    /// Sent by planners: the task is over, and what its parent should hear.
    Concluded(TaskId, Option<Box<Ended>>),
    /// Sent by the planners' supervisor: it crashed too often.
    GaveUp(TaskId, String),
}
