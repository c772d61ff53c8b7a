//! An agent: what it is told, what it may call, what it answers.

use std::{collections::BTreeMap, fmt, sync::Arc};

use playhouse_assembly::check_agent;
use playhouse_core::{
    agent::{AgentDef, Limits},
    id::SessionId,
    model::Sampling,
    policy::{OnUnknown, Policy, Retry, UndoRule},
    tool::Grant,
    window::WindowPolicy,
};
use playhouse_ports::ChatModel;
use schemars::JsonSchema;
use serde_json::Value;

use crate::{Answer, Approval, Error, Playhouse, Tool, schema, toolbox::NativeTools};

/// A checked definition. Clones are the same agent.
#[derive(Clone)]
pub struct Agent {
    pub(crate) def: AgentDef,
    pub(crate) tools: Vec<Tool>,
    /// A model that the program brings, under the alias that `def.model` names.
    pub(crate) own_model: Option<Arc<dyn ChatModel>>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("def", &self.def).finish_non_exhaustive()
    }
}

impl Agent {
    /// Begins an agent called `name`.
    pub fn builder(name: impl Into<String>) -> AgentBuilder {
        AgentBuilder::new(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.def.name
    }

    /// Answers one question in a house of its own, which is gone afterwards. For more than a question or two,
    /// [start a house](Playhouse::builder) and keep it.
    pub async fn run(&self, input: impl Into<String>) -> Result<Answer, Error> {
        let house = Playhouse::builder().agent(self.clone()).start().await?;
        let answer = house.agent(self.name()).run(input).await;
        house.stop().await;
        answer
    }
}

/// An agent in the making.
pub struct AgentBuilder {
    def: AgentDef,
    tools: Vec<Tool>,
    own_model: Option<Arc<dyn ChatModel>>,
}

impl fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentBuilder").field("def", &self.def).finish_non_exhaustive()
    }
}

impl AgentBuilder {
    fn new(name: String) -> Self {
        let def = AgentDef {
            name,
            description: String::new(),
            instructions: String::new(),
            model: "default".into(),
            tools: BTreeMap::new(),
            sampling: Sampling::default(),
            limits: Limits::default(),
            window: WindowPolicy::default(),
            output_schema: None,
            policy: Policy::default(),
        };
        Self { def, tools: Vec::new(), own_model: None }
    }

    /// One line for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.def.description = text.into();
        self
    }

    /// The system prompt.
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.def.instructions = text.into();
        self
    }

    /// Gives it a native tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.def.tools.insert(tool.spec.name.clone(), Grant::default());
        self.tools.push(tool);
        self
    }

    /// Lets it call a tool of the configuration, such as the shipped `calculator` and `convert`, or one that the
    /// runtime performs itself, such as `sleep`.
    pub fn uses(self, tool: impl Into<String>) -> Self {
        self.uses_with(tool, Grant::default())
    }

    /// The same for a tool that must be granted something, such as the shipped `lookup` and its table.
    pub fn uses_with(mut self, tool: impl Into<String>, grant: Grant) -> Self {
        self.def.tools.insert(tool.into(), grant);
        self
    }

    /// Wants a person's agreement before a call; the first approval that fits decides.
    pub fn approve(mut self, approval: Approval) -> Self {
        self.def.policy.approvals.push(approval.0);
        self
    }

    /// Tries a failed call of `tool` again. Only tools that promise it does no harm are: see [`Tool::pure`] and
    /// [`Tool::idempotent`].
    pub fn retry(mut self, tool: impl Into<String>, retry: Retry) -> Self {
        self.def.policy.rules.entry(tool.into()).or_default().retry = retry;
        self
    }

    /// Takes calls of `tool` back when their task is cancelled or fails, newest first, by calling `with`.
    /// In `arguments`, `"$output/…"` and `"$arguments/…"` (a JSON pointer behind the word) stand for what the call
    /// gave and was given.
    pub fn undo(mut self, tool: impl Into<String>, with: impl Into<String>, arguments: Value) -> Self {
        let rule = UndoRule { tool: with.into(), arguments };
        self.def.policy.rules.entry(tool.into()).or_default().undo = Some(rule);
        self
    }

    /// Lets its tasks wait for the signal `name`, whose payload is a `T`. Gives it the tool `wait_signal`.
    pub fn signal<T: JsonSchema>(mut self, name: impl Into<String>) -> Self {
        self.def.policy.signals.insert(name.into(), schema::of::<T>().0);
        self.uses("wait_signal")
    }

    /// The agents it may give work to, with one of the tools `run_task`, `spawn_task`, `map_tasks` and `hand_off`:
    /// say which with [`uses`](Self::uses).
    pub fn agents<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.def.policy.agents.extend(names.into_iter().map(Into::into));
        self
    }

    /// Who hears of a call whose outcome nobody knows: the model, unless said otherwise.
    pub fn on_unknown(mut self, who: OnUnknown) -> Self {
        self.def.policy.on_unknown = who;
        self
    }

    /// Lets no argument pass that does not fit its schema as the model wrote it; otherwise common mistakes, such as a
    /// number written as text, are put right.
    pub fn strict_arguments(mut self) -> Self {
        self.def.policy.strict_arguments = true;
        self
    }

    /// Asks the model of this alias in the configuration; the configuration's default when not said.
    pub fn model(mut self, alias: impl Into<String>) -> Self {
        self.def.model = alias.into();
        self.own_model = None;
        self
    }

    /// Asks this model, which the program brings: a [scripted](crate::testing::ScriptedModel) one, or an
    /// implementation of [`ChatModel`]. When all agents of a house bring theirs, no configured model is started.
    pub fn own_model(mut self, model: impl ChatModel) -> Self {
        self.def.model = format!("own:{}", self.def.name);
        self.own_model = Some(Arc::new(model));
        self
    }

    /// Makes every answer a `T`, in JSON; read it with [`Answer::typed`]. A reply that is not JSON goes back
    /// to the model for repair.
    pub fn returns<T: JsonSchema>(mut self) -> Self {
        let (mut schema, description) = schema::of::<T>();
        if let (Some(text), Some(schema)) = (description, schema.as_object_mut()) {
            schema.insert("description".into(), text.into());
        }
        self.def.output_schema = Some(schema);
        self
    }

    /// How tokens are chosen, and how many at most.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.def.sampling = sampling;
        self
    }

    /// Bounds of one task: steps, time, repairs.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.def.limits = limits;
        self
    }

    /// How much of a session's past goes into the prompt.
    pub fn window(mut self, window: WindowPolicy) -> Self {
        self.def.window = window;
        self
    }

    /// Checks all that shows in the definition itself. Whether model and configured tools exist shows when a house
    /// is started.
    pub fn build(self) -> Result<Agent, Error> {
        let Self { def, tools, own_model } = self;
        check(&def, &tools).map_err(|problem| Error::Definition { agent: def.name.clone(), problem })?;
        Ok(Agent { def, tools, own_model })
    }
}

fn check(def: &AgentDef, tools: &[Tool]) -> Result<(), String> {
    // Agents are named as sessions are: both become storage keys.
    SessionId::new(&def.name).map_err(|why| why.to_string())?;
    let mut names = NativeTools::default();
    for tool in tools {
        names.add(tool)?;
    }
    check_agent(def).map_err(|flaw| flaw.problem)
}
