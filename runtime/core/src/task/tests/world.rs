//! A world small enough to check: one process that performs effects, dies, and is started again over its
//! journal. It writes down everything the invariants look at.

use std::collections::BTreeSet;

use super::{
    fixture::effect,
    moves::{Action, Answer, CrashPoint, Move},
};
use crate::{
    id::EffectId,
    labels::Labels,
    message::Message,
    model::ChatRequest,
    task::{Effect, Event, Input, Intent, Step, Task, TaskSpec},
    tool::{ToolError, ToolErrorKind},
};

/// How many of the last inputs may arrive again: few, so that those still open are among them.
const REPEATABLE: usize = 2;

/// Something the process does for the task; ends with an input, or with the process.
#[derive(Debug, Clone)]
enum Job {
    Model { step: u32, attempt: u32 },
    Tool(Intent),
    Check(Intent),
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
    /// Length of the journal after each commit.
    pub(super) commits: Vec<usize>,
    /// Labels of each record, as the shell would journal them.
    pub(super) labels: Vec<Labels>,
    pub(super) performed: Vec<Performed>,
    /// What a check can find: here, every call takes effect the moment it is made.
    happened: BTreeSet<EffectId>,
    /// A task that only remembers: it is fed the events as the journal gives them back.
    pub(super) shadow: Task,
    jobs: Vec<Job>,
    seen: Vec<Input>,
    epoch: u32,
    now_ms: u64,
}

impl World {
    pub(super) fn new(spec: TaskSpec) -> Self {
        let task = Task::new(spec.clone());
        let submitted = Event::Submitted(Box::new(spec.clone()));
        Self {
            labels: vec![task.labels_of(&submitted)],
            journal: vec![through_text(&submitted)],
            commits: vec![1],
            shadow: task.clone(),
            task: Some(task),
            spec,
            performed: Vec::new(),
            happened: BTreeSet::new(),
            jobs: Vec::new(),
            seen: Vec::new(),
            epoch: 0,
            now_ms: 2_000,
        }
    }

    /// Plays one move. A process that is down is first started again, and may die in that, too.
    pub(super) fn play(&mut self, Move { action, crash }: &Move) {
        if self.task.is_none() {
            return self.start_again(*crash);
        }
        let input = match action {
            Action::Answer(job, answer) => self.answer(|open| job.index(open), answer),
            Action::Repeat(which) => {
                let recent = self.seen.len().min(REPEATABLE);
                (recent > 0).then(|| self.seen[self.seen.len() - 1 - which.index(recent)].clone())
            }
            Action::Stray(answer) => {
                Some(Input::ToolReplied { effect_id: effect(9, 9), result: answer.tool.clone() })
            }
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

    /// Starts the process if it is down, and answers whatever is open first. `false`: nothing is open.
    pub(super) fn play_fair(&mut self, answer: &Answer) -> bool {
        if self.task.is_none() {
            self.start_again(None);
            return true;
        }
        let next = self.answer(|_| 0, answer);
        let answered = next.is_some();
        next.into_iter().for_each(|input| self.deliver(input, None));
        answered
    }

    /// The task's turn if it still waits for that, else the end of one open job.
    fn answer(&mut self, pick: impl FnOnce(usize) -> usize, answer: &Answer) -> Option<Input> {
        if self.journal.len() == 1 {
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
            Job::Tool(intent) => {
                Input::ToolReplied { effect_id: intent.effect_id, result: answer.tool.clone() }
            }
            Job::Check(intent) => {
                let found = self.happened.contains(&intent.effect_id).then(|| "found".into());
                let result = if answer.check_works { Ok(found) } else { Err(check_failed()) };
                Input::ToolChecked { effect_id: intent.effect_id, result }
            }
        })
    }

    fn start_again(&mut self, crash: Option<CrashPoint>) {
        self.task = Some(Task::restore(self.journal.clone()).expect("what a task wrote, a task can read"));
        self.epoch += 1;
        self.deliver(Input::Resume { epoch: self.epoch }, crash);
    }

    /// What the shell does with an input: decide, append, perform.
    fn deliver(&mut self, input: Input, crash: Option<CrashPoint>) {
        if !matches!(input, Input::Begin { .. } | Input::Resume { .. }) {
            self.seen.push(input.clone());
        }
        let task = self.task.as_mut().expect("the process is up");
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
            Effect::CallTool(intent) => {
                self.happened.insert(intent.effect_id.clone());
                self.jobs.push(Job::Tool(intent.clone()));
            }
            Effect::CheckTool(intent) => self.jobs.push(Job::Check(intent.clone())),
            // What was told to stop may still report: replies race with cancellation.
            Effect::AbortModel | Effect::AbortTool(_) => {}
            Effect::RetryTool { intent, .. } => self.jobs.push(Job::Tool(intent.clone())),
            Effect::SpawnChild(_) | Effect::CancelChild(_) | Effect::Park { .. } => {}
            Effect::WakeAt { .. } | Effect::Conclude(_) => {}
        }
        self.performed.push(Performed { effect, journaled: self.journal.len(), request });
    }

    /// The process is gone, and with it everything it was doing and every message under way to it.
    fn die(&mut self) {
        self.task = None;
        self.jobs.clear();
        self.seen.clear();
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
