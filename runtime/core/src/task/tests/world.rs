//! A world small enough to check: one process that performs effects, dies, and is started again over its
//! journal. It writes down everything the invariants look at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    fixture::effect,
    moves::{Action, Answer, CrashPoint, Move, Ruling, Word},
};
use crate::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    message::Message,
    model::{ChatRequest, Usage},
    task::{
        Decision, Effect, Event, Input, Intent, Outcome, Phase, Record, Signal, Spent, Status, Step, Task,
        TaskSpec,
    },
    tool::{ToolError, ToolErrorKind},
};

/// How many of the last inputs may arrive again: few, so that those still open are among them.
const REPEATABLE: usize = 2;

/// Something the process does for the task; ends with an input, or with the process.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Job {
    Model { step: u32, attempt: u32 },
    Tool(Intent),
    Check(Intent),
    Child(TaskId),
}

/// An effect, and how much was durable when it was performed.
#[derive(Debug)]
pub(super) struct Performed {
    pub(super) effect: Effect,
    pub(super) journaled: usize,
    /// What the model was asked with.
    pub(super) request: Option<ChatRequest>,
}

#[derive(Debug)]
pub(super) struct World {
    /// What was submitted, kept apart from the task.
    pub(super) spec: TaskSpec,
    /// `None` while the process is down.
    pub(super) task: Option<Task>,
    /// What survives, as it reads back from JSON text.
    pub(super) journal: Vec<Event>,
    /// When each of it was written.
    pub(super) times: Vec<u64>,
    /// Length of the journal after each commit.
    pub(super) commits: Vec<usize>,
    /// Labels of each record, as the shell would journal them.
    pub(super) labels: Vec<Labels>,
    pub(super) performed: Vec<Performed>,
    /// What a check can find: here, every call takes effect the moment it is made.
    happened: BTreeSet<EffectId>,
    /// Tasks that were made, and how those that are over ended. They outlive the process.
    children: BTreeMap<TaskId, Option<Outcome>>,
    /// A task that only remembers: it is fed the events as the journal gives them back.
    pub(super) shadow: Task,
    /// When the process looks at the clock for the task.
    pub(super) alarm: Option<u64>,
    pub(super) jobs: Vec<Job>,
    seen: Vec<Input>,
    epoch: u32,
    pub(super) now_ms: u64,
}

impl World {
    pub(super) fn new(spec: TaskSpec) -> Self {
        let task = Task::new(spec.clone());
        let submitted = Event::Submitted(Box::new(spec.clone()));
        Self {
            labels: vec![task.labels_of(&submitted)],
            journal: vec![through_text(&submitted)],
            times: vec![spec.submitted_ms],
            commits: vec![1],
            shadow: task.clone(),
            task: Some(task),
            spec,
            performed: Vec::new(),
            happened: BTreeSet::new(),
            children: BTreeMap::new(),
            alarm: None,
            jobs: Vec::new(),
            seen: Vec::new(),
            epoch: 0,
            now_ms: 2_000,
        }
    }

    /// Plays one move. A process that is down is first started again, and may die in that, too.
    pub(super) fn play(&mut self, Move { action, crash }: &Move) {
        let Some(task) = &self.task else { return self.start_again(*crash) };
        let input = match action {
            Action::Answer(job, answer) => self.answer(|open| job.index(open), answer),
            Action::Repeat(which) => {
                let recent = self.seen.len().min(REPEATABLE);
                (recent > 0).then(|| self.seen[self.seen.len() - 1 - which.index(recent)].clone())
            }
            Action::Stray(answer) => {
                Some(Input::ToolReplied { effect_id: effect(9, 9), called: answer.called() })
            }
            Action::Decide(which, ruling) => {
                let waits = task.view(0).waits;
                let about = waits.get(which.index(waits.len() + 1)).map(|wait| &wait.effect_id);
                Some(self.decision(about.unwrap_or(&effect(1, 0)).clone(), ruling))
            }
            Action::Signal { id, name } => Some(signal(format!("s{id}"), name)),
            Action::Pause => Some(Input::Pause { reason: "look first".into() }),
            Action::Unpause => Some(Input::Unpause),
            Action::Clock { by_ms, look } => {
                self.now_ms = self.now_ms.saturating_add_signed(*by_ms).max(1_000);
                look.then_some(Input::Tick)
            }
            Action::Passivate if task.status() == Status::Parked => {
                self.die();
                return self.start_again(*crash);
            }
            Action::Passivate => None,
            Action::Cancel => Some(Input::Cancel { reason: "enough".into() }),
            Action::TimeIsUp => {
                self.now_ms = u64::MAX / 2;
                Some(Input::Tick)
            }
            Action::Quarantine => Some(Input::Quarantine { reason: "crashed".into() }),
        };
        if let Some(input) = input {
            self.deliver(input, *crash);
        }
    }

    pub(super) fn decision(&self, effect_id: EffectId, Ruling { word, seen }: &Ruling) -> Input {
        let decision = match word {
            Word::Approve => Decision::Approve { arguments: None },
            Word::Change => Decision::Approve { arguments: Some(json!({ "n": 7, "agent": "helper" })) },
            Word::Deny => Decision::Deny { reason: "no".into() },
            Word::Happened => Decision::Happened { output: json!("it did") },
            Word::Retry => Decision::Retry,
        };
        let waits = self.task.as_ref().map(|task| task.view(0).waits).unwrap_or_default();
        let digest =
            waits.iter().find(|wait| wait.effect_id == effect_id).map(|wait| wait.args_digest.clone());
        let args_digest = if *seen { digest } else { Some("of others".into()) };
        Input::Decide { effect_id, args_digest, decision, by: "ada".into() }
    }

    /// The task's turn if it still waits for that, else the end of one open job.
    pub(super) fn answer(&mut self, pick: impl FnOnce(usize) -> usize, answer: &Answer) -> Option<Input> {
        if self.task.as_ref().is_some_and(|task| task.phase == Phase::Queued && task.paused.is_none()) {
            let history = vec![Message::user("earlier")];
            return Some(Input::Begin { history, dropped_turns: 0, labels: Labels::default() });
        }
        if self.jobs.is_empty() {
            return None;
        }
        Some(match self.jobs.remove(pick(self.jobs.len())) {
            Job::Model { step, attempt } => {
                Input::ModelReplied { step, attempt, result: answer.model.clone() }
            }
            Job::Tool(intent) => Input::ToolReplied { effect_id: intent.effect_id, called: answer.called() },
            Job::Check(intent) => {
                let found = self.happened.contains(&intent.effect_id).then(|| "found".into());
                let result = if answer.check_works { Ok(found) } else { Err(check_failed()) };
                Input::ToolChecked { effect_id: intent.effect_id, result }
            }
            Job::Child(child) => {
                let own = match &answer.tool {
                    Ok(output) => Outcome::Done { output: output.to_string() },
                    Err(error) => Outcome::Quarantined { reason: error.message.clone() },
                };
                let end = self.children.get_mut(&child).expect("it was made");
                let outcome = end.get_or_insert(own).clone();
                let usage = Usage { input_tokens: 9, cached_tokens: 0, output_tokens: 1 };
                Input::ChildEnded {
                    child,
                    outcome,
                    spent: Spent { usage, cost_microusd: 12, fuel: answer.fuel.unwrap_or(0) },
                }
            }
        })
    }

    pub(super) fn start_again(&mut self, crash: Option<CrashPoint>) {
        self.task = Some(Task::restore(self.journal.clone()).expect("what a task wrote, a task can read"));
        self.epoch += 1;
        self.deliver(Input::Resume { epoch: self.epoch }, crash);
    }

    /// What the shell does with an input: decide, append, perform.
    pub(super) fn deliver(&mut self, input: Input, crash: Option<CrashPoint>) {
        if !matches!(input, Input::Begin { .. } | Input::Resume { .. }) {
            self.seen.push(input.clone());
        }
        let task = self.task.as_mut().expect("the process is up");
        refused_inputs_change_nothing(task, self.now_ms, &input);
        if input == Input::Tick {
            self.alarm = None;
        }
        let Step { events, effects } = task.step(self.now_ms, input);
        if matches!(crash, Some(CrashPoint::BeforeAppend)) {
            return self.die();
        }
        self.append(&events);
        let until = match crash {
            Some(CrashPoint::AfterEffects(count)) => count,
            _ => effects.len(),
        };
        effects.into_iter().take(until).for_each(|effect| self.perform(effect));
        if crash.is_some() {
            self.die();
        }
    }

    fn append(&mut self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        for event in events.iter().map(through_text) {
            self.labels.push(self.shadow.labels_of(&event));
            self.shadow.apply(&event).expect("what was decided can follow");
            self.journal.push(event);
            self.times.push(self.now_ms);
        }
        self.commits.push(self.journal.len());
    }

    fn perform(&mut self, effect: Effect) {
        let mut request = None;
        match &effect {
            Effect::AskModel { step, attempt, .. } => {
                request = self.task.as_ref().map(Task::request);
                self.jobs.push(Job::Model { step: *step, attempt: *attempt });
            }
            Effect::CallTool(intent) | Effect::RetryTool { intent, .. } => {
                self.happened.insert(intent.effect_id.clone());
                self.jobs.push(Job::Tool(intent.clone()));
            }
            Effect::CheckTool(intent) => self.jobs.push(Job::Check(intent.clone())),
            Effect::SpawnChild(order) => {
                self.children.entry(order.task.clone()).or_default();
                self.watch(&order.task);
            }
            Effect::CancelChild(child) => {
                if let Some(end) = self.children.get_mut(child) {
                    end.get_or_insert(Outcome::Cancelled { reason: "its parent ended".into() });
                    self.watch(child);
                }
            }
            Effect::WakeAt { at_ms } => self.alarm = Some(*at_ms),
            // What was told to stop may still report: replies race with cancellation.
            Effect::AbortModel | Effect::AbortTool(_) => {}
            Effect::Park { .. } | Effect::Conclude(_) => {}
        }
        self.performed.push(Performed { effect, journaled: self.journal.len(), request });
    }

    /// The process will report the end of this child.
    fn watch(&mut self, child: &TaskId) {
        let job = Job::Child(child.clone());
        if !self.jobs.contains(&job) {
            self.jobs.push(job);
        }
    }

    /// The process is gone, and with it everything it was doing and every message under way to it.
    fn die(&mut self) {
        self.task = None;
        self.alarm = None;
        self.jobs.clear();
        self.seen.clear();
    }

    /// The journal as records.
    pub(super) fn records(&self) -> Vec<Record> {
        let record = |(seq, (event, at_ms)): (usize, (&Event, &u64))| Record {
            seq: seq as u64,
            epoch: 0,
            at_ms: *at_ms,
            tenant: Tenant::local(),
            labels: Labels::default(),
            event: event.clone(),
        };
        self.journal.iter().zip(&self.times).enumerate().map(record).collect()
    }
}

pub(super) fn signal(id: String, name: &str) -> Input {
    Input::Signal(Signal { id, name: name.into(), payload: json!(name) })
}

/// What a caller is told was refused must not have been done, but for what the time alone does.
fn refused_inputs_change_nothing(task: &Task, now_ms: u64, input: &Input) {
    let answered =
        matches!(input, Input::Decide { .. } | Input::Signal(_) | Input::Pause { .. } | Input::Unpause);
    if answered && task.accepts(now_ms, input).is_err() {
        let did = task.clone().step(now_ms, input.clone()).events;
        let time = task.clone().step(now_ms, Input::Tick).events;
        assert!(did.is_empty() || did == time, "{input:?} was refused, but did {did:#?}");
    }
}

fn check_failed() -> ToolError {
    ToolError::new(ToolErrorKind::Upstream, "cannot say")
}

/// What a journal does to an event.
fn through_text(event: &Event) -> Event {
    let text = serde_json::to_string(event).expect("an event has a JSON form");
    let back = serde_json::from_str(&text).expect("an event can be read back");
    assert_eq!(*event, back, "J4: an event survives its journal");
    back
}
