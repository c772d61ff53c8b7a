//! What every test of the machine needs: a submission, replies, and a [`Run`] that keeps the transcript.

use std::sync::Arc;

use serde_json::{Value, json};

use super::transcript;
use crate::{
    agent::{AgentDef, Limits, Pinned},
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    message::{Arguments, Assistant, ToolCall},
    model::{Finish, ModelError, ModelErrorKind, Reply, Sampling, Usage},
    policy::Policy,
    task::{Event, Input, Lineage, Task, TaskSpec},
    tool::{EffectClass, Grant, ToolError, ToolSpec},
    window::WindowPolicy,
};

/// One tool per effect class, named so that a transcript explains itself.
pub(super) const TOOLS: [(&str, EffectClass); 4] = [
    ("lookup", EffectClass::Pure),
    ("book", EffectClass::Idempotent),
    ("transfer", EffectClass::Checkable),
    ("mail", EffectClass::Once),
];

fn tool((name, effect): (&str, EffectClass)) -> Arc<ToolSpec> {
    Arc::new(ToolSpec {
        name: name.into(),
        version: "1.0.0".into(),
        description: format!("does {name}"),
        input_schema: json!({ "type": "object" }),
        output_schema: json!({}),
        effect,
        digest: "d1".into(),
    })
}

/// A submission of `clerk`, which has all of [`TOOLS`], under `limits`.
pub(super) fn spec(limits: Limits) -> TaskSpec {
    let agent = AgentDef {
        name: "clerk".into(),
        description: "a clerk".into(),
        instructions: "Be brief.".into(),
        model: "nano".into(),
        tools: TOOLS.iter().map(|(name, _)| ((*name).to_owned(), Grant::default())).collect(),
        sampling: Sampling::default(),
        limits,
        window: WindowPolicy::default(),
        output_schema: None,
        policy: Policy::default(),
    };
    TaskSpec {
        id: TaskId::new("t1").unwrap(),
        tenant: Tenant::local(),
        session: None,
        topic: None,
        input: "How far is Berlin?".into(),
        pinned: Pinned {
            agent: Arc::new(agent),
            tools: TOOLS.into_iter().map(tool).collect(),
            model_version: "nano-1".into(),
            price: None,
        },
        labels: Labels::of(["key:k1"]),
        submitted_ms: 1_000,
        until_ms: None,
        lineage: Lineage::default(),
    }
}

/// `spec`, whose final answer must be JSON.
pub(super) fn wants_json(mut spec: TaskSpec) -> TaskSpec {
    let agent = AgentDef { output_schema: Some(json!({ "type": "object" })), ..(*spec.pinned.agent).clone() };
    spec.pinned.agent = Arc::new(agent);
    spec
}

/// The effect id of the `ordinal`-th call of `step`.
pub(super) fn effect(step: u32, ordinal: usize) -> EffectId {
    EffectId::new(&TaskId::new("t1").unwrap(), step, ordinal)
}

/// A reply of 10 tokens read and 5 written.
pub(super) fn reply(content: &str, tool_calls: Vec<ToolCall>, finish: Finish) -> Reply {
    let usage = Usage { input_tokens: 10, cached_tokens: 0, output_tokens: 5 };
    let message = Assistant { content: content.into(), tool_calls, provider: None };
    Reply { message, usage, finish, model: "nano-1".into() }
}

/// A call of `name`; arguments that are not JSON stay as they came, as a backend would keep them.
pub(super) fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    let arguments = match serde_json::from_str(arguments) {
        Ok(value) => Arguments::Json(value),
        Err(error) => Arguments::Malformed { raw: arguments.into(), error: error.to_string() },
    };
    ToolCall { id: id.into(), name: name.into(), arguments }
}

/// One life of a task, written down as it happens.
pub(super) struct Run {
    task: Task,
    journal: Vec<Event>,
    transcript: String,
    now_ms: u64,
}

impl Run {
    /// A task under default limits that has begun, so that its model was asked once.
    pub(super) fn begun() -> Self {
        let mut run = Self::queued(spec(Limits::default()));
        run.begin();
        run.transcript.clear();
        run
    }

    /// A task nothing has happened to.
    pub(super) fn queued(spec: TaskSpec) -> Self {
        let journal = vec![Event::Submitted(Box::new(spec.clone()))];
        Self { task: Task::new(spec), journal, transcript: String::new(), now_ms: 2_000 }
    }

    /// Hands `input` over and writes down what follows.
    pub(super) fn input(&mut self, input: Input) -> &mut Self {
        self.transcript += &format!("> {}\n", transcript::input(&input));
        let step = self.task.step(self.now_ms, input);
        for event in &step.events {
            self.transcript += &format!("  + {}\n", transcript::event(event));
        }
        for effect in &step.effects {
            self.transcript += &format!("  ! {}\n", transcript::effect(effect));
        }
        self.journal.extend(step.events);
        self
    }

    /// The time passes, and somebody looks at the clock.
    pub(super) fn at(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self.input(Input::Tick)
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
        self.input(Input::ToolReplied { effect_id: effect(step, ordinal), result: Ok(output) })
    }

    pub(super) fn checked(&mut self, ordinal: usize, result: Result<Option<Value>, ToolError>) -> &mut Self {
        self.input(Input::ToolChecked { effect_id: effect(1, ordinal), result })
    }

    pub(super) fn cancel(&mut self) -> &mut Self {
        self.input(Input::Cancel { reason: "changed my mind".into() })
    }

    /// The process dies and another finds the journal.
    pub(super) fn crash(&mut self) -> &mut Self {
        self.transcript += "~ crash\n";
        self.task = Task::restore(self.journal.clone()).expect("what a task wrote, a task can read");
        self.input(Input::Resume { epoch: self.task.epoch() + 1 })
    }

    /// The messages the model would be asked with now, one line each.
    pub(super) fn prompt(&self) -> String {
        self.task.request().messages.iter().map(transcript::message).collect()
    }

    /// What happened since the start or since the last call of this.
    pub(super) fn transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    pub(super) fn task(&self) -> &Task {
        &self.task
    }
}
