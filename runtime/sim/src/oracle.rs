//! What must hold, checked against everything that crosses a boundary.
//!
//! ```text
//!   journal ──"durable"──▶ Oracle ◀──"dispatched"── models, tools
//!                            ▲ ▲
//!       after a restart ─────┘ └─────── what clients were told
//! ```
//!
//! The oracle believes the journal only: a record counts as durable once the journal has acknowledged it or
//! has shown it. From then on it must be there, unchanged, after every crash.

mod family;
mod forks;
mod gone;
mod mail;
mod people;
mod times;
mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use playhouse_core::{
    id::{EffectId, Seq, SessionId, TaskId, Tenant},
    model::ChatRequest,
    task::{Event, Head, Intent, Lineage, Outcome, Record, Status, Task, Waiting},
    tool::{EffectClass, ToolRequest},
};
use playhouse_ports::Batch;

use crate::plan::Plan;
use family::Family;
use forks::Forks;
use gone::Gone;
use mail::Mail;
pub(crate) use people::Case;
use people::People;
use times::Times;
pub use verdict::{Broken, Invariant, Seen};
pub(crate) use verdict::{Overdue, ensure};

/// A task as its durable records make it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) records: Vec<Record>,
    task: Task,
    /// It has waited for somebody, and goes on.
    was_parked: bool,
}

/// What is known to be durable, and what follows from it.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) tasks: BTreeMap<TaskId, Known>,
    /// Those that are not over.
    open: BTreeSet<TaskId>,
    pub(crate) people: People,
    pub(crate) mail: Mail,
    times: Times,
    family: Family,
    pub(crate) forks: Forks,
    pub(crate) gone: Gone,
    /// Whatever was ever handed to the journal, by place; and when it was decided, by the machine's clock.
    tried: BTreeMap<(TaskId, Seq), Vec<(Record, u64)>>,
    /// Who runs in each session.
    busy: BTreeMap<(Tenant, SessionId), TaskId>,
    /// Prompts that a durable intent stands for.
    asked: BTreeSet<u64>,
    intents: BTreeMap<EffectId, Intent>,
    /// Tasks that somebody wants to end: they give up their place before their end is written.
    unwanted: BTreeSet<TaskId>,
    /// `once` effects whose tool was called.
    started: BTreeSet<EffectId>,
}

impl Oracle {
    /// The oracle of the world of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut oracle = Self::default();
        oracle.people.caution.clone_from(&plan.caution);
        oracle
    }

    /// `batch` is handed to the journal.
    pub(crate) fn tries(&mut self, batch: &Batch, clock_ms: u64) {
        for record in batch.records.iter() {
            let place = (batch.head.task.clone(), record.seq);
            let tried = self.tried.entry(place).or_default();
            if tried.iter().all(|(tried, _)| tried != record) {
                tried.push((record.clone(), clock_ms));
            }
        }
    }

    /// How many records of `task` are durable.
    pub(crate) fn known(&self, task: &TaskId) -> Seq {
        self.tasks.get(task).map_or(0, |known| known.records.len() as Seq)
    }

    /// The journal vouches for `records` of `task`.
    pub(crate) fn durable(&mut self, task: &TaskId, records: &[Record]) -> Result<(), Broken> {
        // Read before it was forgotten, and shown after.
        if self.gone.is_gone(task) {
            return Ok(());
        }
        records.iter().try_for_each(|record| self.durable_record(task, record))
    }

    fn durable_record(&mut self, task: &TaskId, record: &Record) -> Result<(), Broken> {
        let known = self.known(task);
        if record.seq < known {
            let was = &self.tasks[task].records[record.seq as usize];
            return ensure(was == record, Invariant::J4, || {
                format!("record {} of task {task} was {was:?} and is {record:?}", record.seq)
            });
        }
        ensure(record.seq == known, Invariant::J4, || {
            format!("task {task} has record {} and no record {known}", record.seq)
        })?;
        let tried = self.tried.get(&(task.clone(), record.seq));
        let tried = tried.and_then(|tried| tried.iter().find(|(tried, _)| tried == record));
        let Some((_, clock_ms)) = tried else {
            let what = format!("nobody wrote record {} of task {task}: {record:?}", record.seq);
            return Err(Broken { invariant: Invariant::J4, what });
        };
        let clock_ms = *clock_ms;
        self.apply(task, record)?;
        let (tasks, gone) = (&self.tasks, &self.gone);
        let original = |other: &TaskId| Some(&*tasks.get(other).or_else(|| gone.known(other))?.records);
        if self.forks.shares(task, record, original)? {
            return Ok(());
        }
        self.intends(task, &record.event);
        self.people.follow(task, &record.event, clock_ms)?;
        self.mail.follow(task, &record.event, clock_ms)?;
        self.times.follow(self.tasks[task].task.spec(), record, clock_ms)?;
        let tasks = &self.tasks;
        self.family.follow(task, &record.event, |other| tasks.get(other)?.task.outcome())
    }

    fn apply(&mut self, id: &TaskId, record: &Record) -> Result<(), Broken> {
        if let Event::Submitted(spec) = &record.event {
            self.family.born(spec)?;
            self.forks.born(spec)?;
            let task = Task::new((**spec).clone());
            let known = Known { records: vec![record.clone()], task, was_parked: false };
            self.tasks.insert(id.clone(), known);
            self.open.insert(id.clone());
            return Ok(());
        }
        let known = self.tasks.get_mut(id).expect("its first record is `submitted`");
        ensure(known.task.outcome().is_none(), Invariant::J5, || {
            format!("task {id} goes on after its end: {:?}", record.event)
        })?;
        known.task.apply(&record.event).map_err(|error| Broken {
            invariant: Invariant::J4,
            what: format!("the journal of task {id} does not fold: {error}"),
        })?;
        known.records.push(record.clone());
        match &record.event {
            Event::Woken { .. } => known.was_parked = true,
            Event::Finished { .. } => drop(self.open.remove(id)),
            _ => {}
        }
        let spec = known.task.spec();
        let Some(session) = spec.session.clone() else { return Ok(()) };
        let lane = (spec.tenant.clone(), session);
        match &record.event {
            Event::Started { .. } => {
                let other = self.busy.insert(lane, id.clone());
                ensure(other.is_none(), Invariant::J6, || {
                    format!("task {id} started while {other:?} of the same session ran")
                })?;
            }
            Event::Finished { .. } if self.busy.get(&lane) == Some(id) => drop(self.busy.remove(&lane)),
            _ => {}
        }
        Ok(())
    }

    /// What `event` makes right to do.
    fn intends(&mut self, task: &TaskId, event: &Event) {
        match event {
            Event::ModelAsked { .. } => drop(self.asked.insert(hash(&self.tasks[task].task.request()))),
            Event::ToolAsked(intent) => {
                if self.people.wants_again(&intent.effect_id) {
                    self.started.remove(&intent.effect_id);
                }
                self.intents.insert(intent.effect_id.clone(), intent.clone());
            }
            _ => {}
        }
    }

    /// A model is asked.
    pub(crate) fn asks(&self, request: &ChatRequest) -> Result<(), Broken> {
        ensure(self.asked.contains(&hash(request)), Invariant::J1, || {
            format!("a model is asked in {}, and no durable record says so", request.conversation)
        })
    }

    /// A tool is called.
    pub(crate) fn calls(&mut self, request: &ToolRequest) -> Result<(), Broken> {
        let id = &request.effect_id;
        let is_own = id.0.starts_with(&format!("{}/", request.task));
        ensure(is_own, Invariant::Fork, || format!("task {} makes call {id} of another", request.task))?;
        let intent = self.intents.get(id);
        let caused = intent
            .is_some_and(|intent| (&intent.tool, &intent.arguments) == (&request.tool, &request.arguments));
        ensure(caused, Invariant::J1, || {
            format!("effect {id} is dispatched, and no durable record says so")
        })?;
        let is_once = intent.is_some_and(|intent| intent.class == EffectClass::Once);
        ensure(!is_once || self.started.insert(id.clone()), Invariant::J3, || {
            format!("effect {id} is `once` and was started again")
        })
    }

    /// What should have happened by `clock_ms`, if a process that is well has `places` for tasks.
    pub(crate) fn overdue(&self, clock_ms: u64, places: usize) -> BTreeSet<Overdue> {
        if places <= self.at_work() {
            return BTreeSet::new();
        }
        let parked = self.open_tasks().filter(|(_, known)| known.task.status() == Status::Parked);
        let sleeps = parked.filter_map(|(id, known)| {
            let waiting = known.task.head(0).waiting?;
            let of_calls = self.times.due_ms(id).filter(|_| waiting != Waiting::Paused);
            let due_ms = of_calls.into_iter().chain(known.task.spec().until_ms).min()?;
            let what = || format!("task {id} waits on, though it was due at {due_ms}");
            (due_ms <= clock_ms).then(|| Overdue { invariant: Invariant::Timer, what: what() })
        });
        sleeps.chain(self.overdue_children()).collect()
    }

    /// Ends that were not heard of, and tasks that outlive who made them.
    fn overdue_children(&self) -> impl Iterator<Item = Overdue> {
        let unheard = self.family.awaited().filter(|(child, _)| self.outcome(child).is_some());
        let unheard =
            unheard.map(|(child, parent)| format!("task {parent} has not heard that {child} ended"));
        let orphans = self.open_tasks().filter_map(|(id, known)| {
            let parent = known.task.spec().lineage.parent.as_ref()?;
            self.outcome(parent).map(|_| format!("task {id} outlives {parent}, which made it"))
        });
        unheard.chain(orphans).map(|what| Overdue { invariant: Invariant::Child, what })
    }

    /// What there was to look at.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            decisions: self.people.count(),
            signals: self.mail.count(),
            sleeps: self.times.count(),
            children: self.family.count(),
            forks: self.forks.count(),
            forgotten: self.gone.count(),
        }
    }

    /// A client is told that `task` is accepted.
    pub(crate) fn accepted(&self, task: &TaskId) -> Result<(), Broken> {
        ensure(self.known_of(task).is_some(), Invariant::J1, || {
            format!("task {task} was acknowledged before it was durable")
        })
    }

    /// A client is shown `record` as durable.
    pub(crate) fn shown(&self, task: &TaskId, record: &Record) -> Result<(), Broken> {
        let known = self.known_of(task).and_then(|known| known.records.get(record.seq as usize));
        ensure(known == Some(record), Invariant::J1, || {
            format!("a client saw record {} of task {task}, which is not durable so: {record:?}", record.seq)
        })
    }

    /// How a task ended, if it has.
    pub(crate) fn outcome(&self, task: &TaskId) -> Option<&Outcome> {
        self.known_of(task)?.task.outcome()
    }

    /// What is known of `task`, whether or not it is gone.
    fn known_of(&self, task: &TaskId) -> Option<&Known> {
        self.tasks.get(task).or_else(|| self.gone.known(task))
    }

    /// Tasks that no other made.
    pub(crate) fn came(&self) -> impl Iterator<Item = (&TaskId, &str)> {
        let came = self.tasks.iter().filter(|(_, known)| known.task.spec().lineage.parent.is_none());
        came.map(|(id, known)| (id, known.task.spec().input.as_str()))
    }

    /// What was wanted of each task that came from outside.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&TaskId, &str)> {
        let came = self.tasks.iter().filter(|(_, known)| known.task.spec().lineage == Lineage::default());
        came.map(|(id, known)| (id, known.task.spec().input.as_str()))
    }

    /// A client wants `task` to end.
    pub(crate) fn cancels(&mut self, task: &TaskId) {
        self.unwanted.insert(task.clone());
    }

    /// The tasks that are accepted and not over.
    fn open_tasks(&self) -> impl Iterator<Item = (&TaskId, &Known)> {
        self.open.iter().map(|id| (id, &self.tasks[id]))
    }

    /// Tasks that wait for nobody, whether their turn has come or not.
    pub(crate) fn unparked(&self) -> Vec<TaskId> {
        let waits_for_nobody = |known: &Known| known.task.head(0).status != Status::Parked;
        self.open_tasks().filter(|(_, known)| waits_for_nobody(known)).map(|(id, _)| id.clone()).collect()
    }

    /// What is known about the tasks that are not over, for people.
    pub(crate) fn stuck(&self) -> Vec<String> {
        let of_task = |(id, known): (&TaskId, &Known)| {
            let view = known.task.view(0);
            let (status, parked, unbegun) = (view.head.status, view.head.waiting, view.head.unbegun);
            let waits: Vec<_> = view.waits.iter().map(|wait| &wait.wait).collect();
            let last: Vec<_> = known.records.iter().rev().take(4).map(|record| &record.event).collect();
            format!("{id} {status:?} {parked:?} {unbegun} {:?} {waits:?}, last {last:?}", view.head.session)
        };
        self.open_tasks().map(of_task).collect()
    }

    /// Tasks that somebody holds still.
    pub(crate) fn paused(&self) -> Vec<TaskId> {
        let is_paused = |known: &Known| known.task.head(0).waiting == Some(Waiting::Paused);
        self.open_tasks().filter(|(_, known)| is_paused(known)).map(|(id, _)| id.clone()).collect()
    }

    /// How many tasks are neither over nor waiting for somebody.
    pub(crate) fn at_work(&self) -> usize {
        self.open_tasks().filter(|(_, known)| known.task.status() != Status::Parked).count()
    }

    /// How many tasks hold a place that admission gave them: accepted, at work, and still wanted. One that was
    /// parked gave its place away; it is let in again whoever has come meanwhile.
    pub(crate) fn admitted(&self) -> usize {
        // A task that another made is always let in.
        let came = self.open_tasks().filter(|(_, known)| known.task.spec().lineage.parent.is_none());
        let placed = came.filter(|(_, known)| !known.was_parked && known.task.status() != Status::Parked);
        placed.filter(|(id, _)| !self.unwanted.contains(*id)).count()
    }

    /// Tasks that are accepted and not over.
    pub(crate) fn unfinished(&self) -> Vec<TaskId> {
        self.open.iter().cloned().collect()
    }

    /// How many tasks are accepted and not over.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// A head, after a restart, beside the records of its task.
    pub(crate) fn head(&self, head: &Head) -> Result<(), Broken> {
        let Some(Known { task, records, .. }) = self.tasks.get(&head.task) else {
            let what = format!("task {} has a head and no records", head.task);
            return Err(Broken { invariant: Invariant::J4, what });
        };
        let last = records.last().map_or(0, |record| record.at_ms);
        // A sealed journal ends in a state that its records alone do not give.
        let fits = task.head(last) == *head || head.status == Status::Quarantined;
        ensure(fits, Invariant::J4, || {
            format!("the head of task {} is {head:?}, its records say {:?}", head.task, task.head(last))
        })
    }

    /// Tasks whose turn must be in their session, with the session.
    pub(crate) fn turns(&self) -> Vec<(Tenant, SessionId, TaskId)> {
        let done =
            self.tasks.values().filter(|known| matches!(known.task.outcome(), Some(Outcome::Done { .. })));
        let turn = |known: &Known| {
            let spec = known.task.spec();
            Some((spec.tenant.clone(), spec.session.clone()?, spec.id.clone()))
        };
        done.filter_map(turn).collect()
    }
}

/// A number for a prompt that is the same in every process.
fn hash(request: &ChatRequest) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(request).expect("a request is plain data").hash(&mut hasher);
    hasher.finish()
}
