//! The actor that starts planners and keeps their order.
//!
//! ```text
//! Runtime ──Submit───▶ Tasks ──append──▶ Ledger
//!         ──Deliver──▶   │ schedule (core, pure): bounds, one task per session at a time (J6)
//! Timers  ──Wake─────▶   └──start──▶ planners (dynamic supervisor): 3 crashes in 60 s → quarantine
//! ```
//!
//! A submission is durable before its caller hears of it (J1); the append runs as a job here, so a caller
//! that hangs up cannot leave a durable task without a planner.
//!
//! A parked task has no planner. Whoever has something for it comes here: a planner is started, gets it, and
//! leaves again when the task is still parked. It leaves only with this actor's consent, so that nothing
//! is ever sent to one that is gone:
//!
//! ```text
//! planner ──Leave──▶ Tasks ──Go──▶ planner ──Left──▶ Tasks     (or ──Stayed──▶, if something came meanwhile)
//! ```

mod jobs;
mod lanes;
mod live;
mod messages;
mod waiting;

use std::{collections::BTreeMap, sync::Arc};

use playhouse_core::{
    id::TaskId,
    schedule::Schedule,
    task::{ChildOrder, Event, Head, Input, Refusal, Status, Task},
};
use playhouse_ports::Submission;
use playhouse_supervise::{StartChildError, note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

use crate::{
    planner::{Delivery, PlannerMsg},
    planners::Planners,
    services::Services,
    timers::TimersMsg,
};
use lanes::{lane, lane_of_head};
use live::Live;
pub(crate) use messages::{Ended, NotAccepted, TasksMsg};

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

/// Who runs, who waits, and how to reach them. In order, so that a simulation of its end repeats itself.
#[derive(Debug)]
pub(crate) struct TasksState {
    schedule: Schedule,
    /// Tasks that were just submitted and start at once; all others are read when they start.
    fresh: BTreeMap<TaskId, Task>,
    live: BTreeMap<TaskId, Live>,
    /// Tasks that are being written for the first time, and what they are to be given once they are there. Others
    /// may find one in the journal before this actor hears that it is.
    making: BTreeMap<TaskId, Vec<Delivery>>,
    /// Tasks that are being written to, and what is to be written next: one at a time, so none sees what is past.
    writing: BTreeMap<TaskId, Vec<Delivery>>,
    /// What woken tasks are to be given once they have a planner.
    for_woken: BTreeMap<TaskId, Vec<Delivery>>,
    jobs: JoinSet<()>,
    /// The next look at who ran out of time while waiting.
    look: Option<waiting::Look>,
}

impl Actor for Tasks {
    type Msg = TasksMsg;
    type State = TasksState;
    type Arguments = ();

    /// Finds the tasks that a crash left open. Started ones go first, so that a session goes on in order.
    async fn pre_start(&self, myself: ActorRef<TasksMsg>, (): ()) -> Result<TasksState, ActorProcessingErr> {
        // The planners started below have something to say before this actor counts as started.
        self.services.tasks.fill(myself.clone());
        let journal = &self.services.ledger.journal;
        let mut open = journal.open().await?;
        open.sort_by(|a, b| {
            (a.status == Status::Queued, &a.task).cmp(&(b.status == Status::Queued, &b.task))
        });
        let mut state = TasksState {
            schedule: self.schedule.clone(),
            fresh: BTreeMap::new(),
            live: BTreeMap::new(),
            making: BTreeMap::new(),
            writing: BTreeMap::new(),
            for_woken: BTreeMap::new(),
            jobs: JoinSet::new(),
            look: None,
        };
        if !open.is_empty() {
            tracing::info!(tasks = open.len(), "resuming the tasks that were open");
        }
        for (task, session) in journal.lanes().await? {
            state.schedule.restore_parked(task, session);
        }
        for head in &open {
            state.schedule.restore(head.task.clone(), lane_of_head(head));
        }
        let mut started = Vec::new();
        for task in journal.wakes().await? {
            started.extend(state.schedule.wake(task));
        }
        started.extend(state.schedule.start_what_can());
        self.start(&myself, &mut state, started);
        let waits = |head: &Head| head.status == Status::Queued && !state.schedule.is_live(&head.task);
        let waiting = open.into_iter().filter(waits).map(|head| head.task).collect();
        state.jobs.spawn(jobs::deadlines(self.services.clone(), myself, waiting));
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
            TasksMsg::Submit { task, events, key, reply } => {
                self.submit(&myself, state, *task, events, key, reply);
            }
            TasksMsg::SpawnChild(order) => self.spawn_child(&myself, state, *order),
            TasksMsg::CancelChild(child) => {
                self.cancel(&myself, state, child, "the task that made it has ended".into());
            }
            TasksMsg::Deliver(task, input, reply) => {
                let delivery = Delivery { input: Box::new(input), reply: Some(reply) };
                self.deliver(&myself, state, task, delivery);
            }
            TasksMsg::Wake(task) => {
                if state.schedule.has_room_to_wake() {
                    let started = state.schedule.wake(task);
                    self.start(&myself, state, started);
                }
            }
            TasksMsg::Durable(task) => self.take_on(&myself, state, *task),
            TasksMsg::Written(id, task) => self.written(&myself, state, &id, task),
            TasksMsg::Deadlines(deadlines) => self.time_them(&myself, state, deadlines),
            TasksMsg::Look => self.look(&myself, state),
            TasksMsg::Found(task, delivery) => self.wake_for(&myself, state, task, delivery),
            TasksMsg::Leave(task) => leave(state, &task),
            TasksMsg::Left(task, due_ms, unbegun) => self.left(&myself, state, &task, due_ms, unbegun),
            TasksMsg::Stayed(task) => stayed(state, &task),
            TasksMsg::Concluded(task, ended) => {
                self.conclude(&myself, state, &task);
                if let Some(ended) = ended {
                    self.child_over(&myself, state, *ended);
                }
            }
            TasksMsg::NotMade(child, ended) => self.not_made(&myself, state, &child, ended),
            TasksMsg::GaveUp(task, reason) => {
                tracing::error!(%task, reason, "task quarantined: its planner crashed too often");
                self.end(&myself, state, task, Input::Quarantine { reason });
            }
            TasksMsg::Cancel(task, reason, reply) => {
                self.cancel(&myself, state, task, reason);
                let _ = reply.send(());
            }
            TasksMsg::Up(task, planner) => up(state, &task, &planner),
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
        events: Vec<Event>,
        key: Option<Submission>,
        reply: RpcReplyPort<Result<(), NotAccepted>>,
    ) {
        if !state.schedule.reserve() {
            let _ = reply.send(Err(NotAccepted::TooBusy(state.schedule.waiting())));
            return;
        }
        state.making.insert(task.spec().id.clone(), Vec::new());
        let (services, myself) = (self.services.clone(), myself.clone());
        state.jobs.spawn(jobs::submit(services, myself, task, events, key, reply));
    }

    fn spawn_child(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, order: ChildOrder) {
        if state.making.contains_key(&order.task) {
            return; // A planner that crashed has ordered it a moment ago.
        }
        state.schedule.reserve_child();
        state.making.insert(order.task.clone(), Vec::new());
        state.jobs.spawn(jobs::spawn_child(self.services.clone(), myself.clone(), order));
    }

    fn not_made(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        child: &TaskId,
        ended: Option<Box<Ended>>,
    ) {
        state.schedule.withdraw();
        for delivery in state.making.remove(child).unwrap_or_default() {
            match ended {
                Some(_) => delivery.answer(Err(Refusal::Over)),
                None => self.deliver(myself, state, child.clone(), delivery),
            }
        }
        if let Some(ended) = ended {
            self.child_over(myself, state, *ended);
        }
    }

    fn child_over(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, ended: Ended) {
        let Ended { parent, child, outcome, spent } = ended;
        let delivery = Delivery::of(Input::ChildEnded { child, outcome, spent });
        self.deliver(myself, state, parent, delivery);
    }

    /// A durable task gets its place in the schedule.
    fn take_on(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: Task) {
        let (id, lane) = (task.spec().id.clone(), lane(task.spec()));
        let started = state.schedule.accept(id.clone(), lane);
        // A task that has to wait is read again when it starts: waiting costs a name, not an input.
        if started.contains(&id) {
            state.fresh.insert(id.clone(), task);
        } else {
            self.time_them(myself, state, vec![(id.clone(), task.deadline_ms())]);
        }
        self.start(myself, state, started);
        for delivery in state.making.remove(&id).unwrap_or_default() {
            self.deliver(myself, state, id.clone(), delivery);
        }
    }

    fn start(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, tasks: Vec<TaskId>) {
        for task in tasks {
            let fresh = state.fresh.remove(&task);
            let (slot, starting) = self.planners.start(&self.services, task.clone(), fresh);
            let deliveries = state.for_woken.remove(&task).unwrap_or_default();
            state.live.insert(task.clone(), Live::new(slot, deliveries));
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

    /// Brings something to an open task, wherever it stands: to its planner, into the journal of one that has
    /// not begun, or to a planner that is started for it.
    fn deliver(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, delivery: Delivery) {
        let (services, dispatcher) = (self.services.clone(), myself.clone());
        if let Some(live) = state.live.get_mut(&task) {
            live.deliver(delivery);
        } else if let Some(deliveries) = state.making.get_mut(&task) {
            deliveries.push(delivery);
        } else if state.schedule.is_woken(&task) {
            state.for_woken.entry(task).or_default().push(delivery);
        } else if let Some(later) = state.writing.get_mut(&task) {
            later.push(delivery);
        } else {
            state.writing.insert(task.clone(), Vec::new());
            match state.schedule.hold(&task) {
                true => state.jobs.spawn(jobs::write(services, dispatcher, task, delivery)),
                false => state.jobs.spawn(jobs::find(services, dispatcher, task, delivery)),
            };
        }
    }

    /// Starts a planner for a parked task, unless it has one by now.
    fn wake_for(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        task: TaskId,
        delivery: Delivery,
    ) {
        let mut all = vec![delivery];
        all.extend(state.writing.remove(&task).unwrap_or_default());
        if let Some(live) = state.live.get_mut(&task) {
            return all.into_iter().for_each(|delivery| live.deliver(delivery));
        }
        state.for_woken.entry(task.clone()).or_default().extend(all);
        let mut started = state.schedule.release(&task);
        started.extend(state.schedule.wake(task));
        self.start(myself, state, started);
    }

    fn left(
        &self,
        myself: &ActorRef<TasksMsg>,
        state: &mut TasksState,
        task: &TaskId,
        due_ms: Option<u64>,
        unbegun: bool,
    ) {
        let Some(live) = state.live.remove(task) else { return };
        due_ms.into_iter().for_each(|due_ms| self.services.cast_timers(TimersMsg::Parked(due_ms)));
        let deliveries = live.into_undelivered();
        if unbegun {
            // It gives its session back, and gets what is for it written.
            let started = state.schedule.conclude(task);
            self.start(myself, state, started);
            return deliveries.into_iter().for_each(|it| self.deliver(myself, state, task.clone(), it));
        }
        let mut started = state.schedule.park(task);
        if !deliveries.is_empty() {
            state.for_woken.insert(task.clone(), deliveries);
            started.extend(state.schedule.wake(task.clone()));
        }
        self.start(myself, state, started);
    }

    fn conclude(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: &TaskId) {
        let live = state.live.remove(task).map(Live::into_undelivered);
        let woken = state.for_woken.remove(task);
        for delivery in live.into_iter().chain(woken).flatten() {
            delivery.answer(Err(Refusal::Over));
        }
        state.fresh.remove(task);
        let started = state.schedule.conclude(task);
        self.start(myself, state, started);
    }

    /// A live or parked task's planner is told, and told again if it is a new one; a waiting task never
    /// starts.
    fn cancel(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, reason: String) {
        let input = Input::Cancel { reason };
        if let Some(live) = state.live.get_mut(&task) {
            live.cancel(input);
        } else if state.schedule.is_waiting(&task) && !state.schedule.is_woken(&task) {
            state.schedule.forget(&task);
            self.end(myself, state, task, input);
        } else {
            self.deliver(myself, state, task, Delivery::of(input));
        }
    }

    fn end(&self, myself: &ActorRef<TasksMsg>, state: &mut TasksState, task: TaskId, input: Input) {
        state.jobs.spawn(jobs::end(self.services.clone(), myself.clone(), task, input));
    }
}

fn up(state: &mut TasksState, task: &TaskId, planner: &ActorRef<PlannerMsg>) {
    if let Some(live) = state.live.get_mut(task) {
        live.is_up(planner);
    }
}

fn leave(state: &mut TasksState, task: &TaskId) {
    if let Some(live) = state.live.get_mut(task) {
        live.leaves();
    }
}

fn stayed(state: &mut TasksState, task: &TaskId) {
    if let Some(live) = state.live.get_mut(task) {
        live.stays();
    }
}
