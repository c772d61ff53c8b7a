//! One life of a task, driven by verbs and written down as it happens.

use serde_json::Value;

use super::{
    fixture::{asked, call, effect, receipt, reply, spec},
    transcript,
};
use crate::{
    agent::Limits,
    id::{TaskId, Tenant},
    labels::Labels,
    model::{Finish, ModelError, ModelErrorKind, Reply, Usage},
    task::{
        Decision, Divergence, Event, Input, Outcome, Record, Signal, Spent, Task, TaskError, TaskErrorKind,
        TaskSpec, replay,
    },
    tool::{Called, ToolError, ToolErrorKind},
};

/// One life of a task. Whoever reads its transcript also has it proven that the journal restores the task
/// (J4) and replays without a difference.
pub(super) struct Run {
    task: Task,
    journal: Vec<Record>,
    transcript: String,
    now_ms: u64,
}

impl Run {
    /// A task under default limits that has begun, so that its model was asked once.
    pub(super) fn begun() -> Self {
        Self::of(spec(Limits::default()))
    }

    /// The task of `spec`, begun.
    pub(super) fn of(spec: TaskSpec) -> Self {
        let mut run = Self::queued(spec);
        run.begin();
        run.transcript.clear();
        run
    }

    /// A task nothing has happened to.
    pub(super) fn queued(spec: TaskSpec) -> Self {
        let task = Task::new(spec.clone());
        Self::with_journal(task, vec![Event::Submitted(Box::new(spec))])
    }

    /// A task with a past: it goes on from there.
    pub(super) fn with_journal(task: Task, journal: Vec<Event>) -> Self {
        let mut run = Self { task, journal: Vec::new(), transcript: String::new(), now_ms: 2_000 };
        run.append(journal);
        run
    }

    fn append(&mut self, events: Vec<Event>) {
        for event in events {
            self.journal.push(Record {
                seq: self.journal.len() as u64,
                epoch: self.task.epoch(),
                at_ms: self.now_ms,
                tenant: Tenant::local(),
                labels: Labels::default(),
                event,
            });
        }
    }

    /// Hands `input` over and writes down what follows. What a task refuses it is not handed.
    pub(super) fn input(&mut self, input: Input) -> &mut Self {
        self.transcript += &format!("> {}\n", transcript::input(&input));
        let answered =
            matches!(input, Input::Decide { .. } | Input::Signal(_) | Input::Pause { .. } | Input::Unpause);
        if let Err(refusal) = self.task.accepts(self.now_ms, &input)
            && answered
        {
            self.transcript += &format!("  - {refusal}\n");
            return self;
        }
        let step = self.task.step(self.now_ms, input);
        for event in &step.events {
            self.transcript += &format!("  + {}\n", transcript::event(event));
        }
        for effect in &step.effects {
            self.transcript += &format!("  ! {}\n", transcript::effect(effect));
        }
        self.append(step.events);
        self
    }

    /// The time passes, and nobody looks at the clock.
    pub(super) fn later(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self
    }

    /// The time passes, and somebody looks at the clock.
    pub(super) fn at(&mut self, now_ms: u64) -> &mut Self {
        self.later(now_ms).input(Input::Tick)
    }

    /// Whatever the task's limit, it is over.
    pub(super) fn time_is_up(&mut self) -> &mut Self {
        self.at(u64::MAX / 2)
    }

    pub(super) fn begin(&mut self) -> &mut Self {
        self.input(Input::Begin { history: Vec::new(), dropped_turns: 0, labels: Labels::default() })
    }

    pub(super) fn replied(&mut self, step: u32, reply: Reply) -> &mut Self {
        self.input(Input::ModelReplied { step, attempt: 1, result: Ok(reply) })
    }

    pub(super) fn says(&mut self, step: u32, content: &str) -> &mut Self {
        self.replied(step, reply(content, Vec::new(), Finish::Stop))
    }

    pub(super) fn calls<const N: usize>(&mut self, step: u32, calls: [(&str, &str, &str); N]) -> &mut Self {
        let calls = calls.into_iter().map(|(id, name, arguments)| call(id, name, arguments)).collect();
        self.replied(step, reply("", calls, Finish::ToolCalls))
    }

    pub(super) fn model_fails(&mut self, attempt: u32, kind: ModelErrorKind) -> &mut Self {
        let error = ModelError::new(kind, "the model is out");
        self.input(Input::ModelReplied { step: 1, attempt, result: Err(error) })
    }

    pub(super) fn tool(&mut self, step: u32, ordinal: usize, output: Value) -> &mut Self {
        self.input(Input::ToolReplied { effect_id: effect(step, ordinal), called: Ok(output).into() })
    }

    /// A call in the sandbox ends, and took so much.
    pub(super) fn tool_took(&mut self, step: u32, ordinal: usize, output: Value, fuel: u64) -> &mut Self {
        let called = Called { receipt: Some(receipt(fuel)), ..Ok(output).into() };
        self.input(Input::ToolReplied { effect_id: effect(step, ordinal), called })
    }

    /// A call ends that asked the model for something of so many tokens.
    pub(super) fn tool_asked(&mut self, step: u32, ordinal: usize, output: Value, tokens: u64) -> &mut Self {
        let called = Called { asked: Some(asked(tokens)), ..Ok(output).into() };
        self.input(Input::ToolReplied { effect_id: effect(step, ordinal), called })
    }

    pub(super) fn tool_fails(&mut self, step: u32, ordinal: usize, kind: ToolErrorKind) -> &mut Self {
        let result = Err(ToolError::new(kind, "no luck"));
        self.input(Input::ToolReplied { effect_id: effect(step, ordinal), called: result.into() })
    }

    /// The call that takes a call of `step` back ends.
    pub(super) fn undone(
        &mut self,
        step: u32,
        ordinal: usize,
        result: Result<Value, ToolErrorKind>,
    ) -> &mut Self {
        let mut effect_id = effect(step, ordinal);
        effect_id.0 += "~undo";
        let result = result.map_err(|kind| ToolError::new(kind, "no luck"));
        self.input(Input::ToolReplied { effect_id, called: result.into() })
    }

    pub(super) fn checked(&mut self, ordinal: usize, result: Result<Option<Value>, ToolError>) -> &mut Self {
        self.input(Input::ToolChecked { effect_id: effect(1, ordinal), result })
    }

    /// Ada decides about a call of the first step, having seen it as it is.
    pub(super) fn decides(&mut self, ordinal: usize, decision: Decision) -> &mut Self {
        self.decides_about(ordinal, None, decision)
    }

    pub(super) fn decides_about(
        &mut self,
        ordinal: usize,
        args_digest: Option<String>,
        decision: Decision,
    ) -> &mut Self {
        self.input(Input::Decide { effect_id: effect(1, ordinal), args_digest, decision, by: "ada".into() })
    }

    pub(super) fn approves(&mut self, ordinal: usize) -> &mut Self {
        self.decides(ordinal, Decision::Approve { arguments: None })
    }

    pub(super) fn signal(&mut self, id: &str, name: &str, payload: Value) -> &mut Self {
        self.input(Input::Signal(Signal { id: id.into(), name: name.into(), payload }))
    }

    pub(super) fn pause(&mut self) -> &mut Self {
        self.input(Input::Pause { reason: "look first".into() })
    }

    pub(super) fn unpause(&mut self) -> &mut Self {
        self.input(Input::Unpause)
    }

    /// A child gives its answer, for 100 tokens and 7 millionths of a dollar.
    pub(super) fn child_answers(&mut self, child: &str, answer: &str) -> &mut Self {
        self.child_ends(child, Outcome::Done { output: answer.into() })
    }

    pub(super) fn child_fails(&mut self, child: &str) -> &mut Self {
        let error = TaskError { kind: TaskErrorKind::Model, message: "the model is out".into() };
        self.child_ends(child, Outcome::Failed { error })
    }

    fn child_ends(&mut self, child: &str, outcome: Outcome) -> &mut Self {
        let usage = Usage { input_tokens: 60, cached_tokens: 0, output_tokens: 40 };
        let spent = Spent { usage, cost_microusd: 7, fuel: 0 };
        self.input(Input::ChildEnded { child: TaskId::new(child).unwrap(), outcome, spent })
    }

    pub(super) fn cancel(&mut self) -> &mut Self {
        self.input(Input::Cancel { reason: "changed my mind".into() })
    }

    /// The process dies and another finds the journal.
    pub(super) fn crash(&mut self) -> &mut Self {
        self.transcript += "~ crash\n";
        self.passivate();
        self.input(Input::Resume { epoch: self.task.epoch() + 1 })
    }

    /// The actor goes, and a new one reads the journal.
    pub(super) fn passivate(&mut self) -> &mut Self {
        self.task = Task::restore(self.events()).expect("what a task wrote, a task can read");
        self
    }

    /// The messages the model would be asked with now, one line each.
    pub(super) fn prompt(&self) -> String {
        self.task.request().messages.iter().map(transcript::message).collect()
    }

    /// What happened since the start or since the last call of this.
    pub(super) fn transcript(&mut self) -> String {
        assert_eq!(Task::restore(self.events()).as_ref(), Ok(&self.task), "J4");
        assert_eq!(self.divergence(), None, "what was recorded happens again");
        std::mem::take(&mut self.transcript)
    }

    /// Where the machine would now act otherwise than it did.
    pub(super) fn divergence(&self) -> Option<Divergence> {
        replay(&self.journal, None).expect("what a task wrote, a task can read").divergence
    }

    /// The last answer of a tool as its caller reads it.
    pub(super) fn last_message(&self) -> String {
        self.task.messages().last().map(transcript::message).unwrap_or_default()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.journal.iter().map(|record| record.event.clone()).collect()
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.journal
    }

    pub(super) fn task(&self) -> &Task {
        &self.task
    }
}
