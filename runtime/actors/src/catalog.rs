//! What a daemon has to offer: agents, tools, models. Fixed while it runs; tasks pin what they use.

use std::{collections::BTreeMap, sync::Arc};

use playhouse_core::{
    agent::{AgentDef, LimitsOverride, Pinned},
    digest,
    model::{ModelInfo, Price, UNUSABLE},
    task::control,
    tool::ToolSpec,
};
use playhouse_ports::{ChatModel, ToolBox};

/// Agents, tools and models by name.
#[derive(Clone)]
pub struct Catalog {
    agents: BTreeMap<String, Arc<AgentDef>>,
    /// Every tool of every source.
    pub tools: Arc<dyn ToolBox>,
    /// By alias.
    pub models: BTreeMap<String, Arc<dyn ChatModel>>,
    /// What a model's tokens cost, by alias.
    prices: BTreeMap<String, Price>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog")
            .field("agents", &self.agents.keys())
            .field("models", &self.models.keys())
            .finish_non_exhaustive()
    }
}

/// An agent that cannot work as it is defined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("agent `{agent}`: {problem}")]
pub struct BadAgent {
    /// Which agent.
    pub agent: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Catalog {
    /// Checks that every agent's model and tools exist and that its grants suffice.
    pub fn new(
        agents: impl IntoIterator<Item = AgentDef>,
        tools: Arc<dyn ToolBox>,
        models: BTreeMap<String, Arc<dyn ChatModel>>,
    ) -> Result<Self, BadAgent> {
        let mut catalog = Self { agents: BTreeMap::new(), tools, models, prices: BTreeMap::new() };
        for agent in agents {
            catalog.check(&agent).map_err(|problem| BadAgent { agent: agent.name.clone(), problem })?;
            catalog.agents.insert(agent.name.clone(), Arc::new(agent));
        }
        catalog.check_agents()?;
        Ok(catalog)
    }

    fn check(&self, agent: &AgentDef) -> Result<(), String> {
        if self.agents.contains_key(&agent.name) {
            return Err("it is defined twice; rename one".into());
        }
        if !self.models.contains_key(&agent.model) {
            let known = names(self.models.keys());
            return Err(format!("there is no model `{}`; the models are: {known}", agent.model));
        }
        let specs: Vec<_> = self.tools.specs().into_iter().chain(control::specs()).collect();
        for (tool, grant) in &agent.tools {
            if control::specs().iter().any(|spec| spec.name == *tool) {
                continue;
            }
            if !specs.iter().any(|spec| spec.name == *tool) {
                let known = names(specs.iter().map(|spec| &spec.name));
                return Err(format!("there is no tool `{tool}`; the tools are: {known}"));
            }
            self.tools.permits(tool, grant).map_err(|error| error.message)?;
        }
        for undo in agent.policy.rules.values().filter_map(|rules| rules.undo.as_ref()) {
            if !agent.tools.contains_key(&undo.tool) {
                return Err(format!("`{}` is to undo a call but is not among its tools; add it", undo.tool));
            }
        }
        Ok(())
    }

    /// Checks what only holds for all of them together: that agents give work to agents that exist.
    fn check_agents(&self) -> Result<(), BadAgent> {
        for agent in self.agents.values() {
            let unknown = agent.policy.agents.iter().find(|name| !self.agents.contains_key(*name));
            if let Some(name) = unknown {
                let known = names(self.agents.keys());
                let problem = format!("there is no agent `{name}` to give work to; the agents are: {known}");
                return Err(BadAgent { agent: agent.name.clone(), problem });
            }
        }
        Ok(())
    }

    /// The same, with what the tokens of models cost, by alias.
    #[must_use]
    pub fn with_prices(self, prices: BTreeMap<String, Price>) -> Self {
        Self { prices, ..self }
    }

    /// All agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<AgentDef>> {
        self.agents.values()
    }

    /// The agent called `name`.
    pub fn agent(&self, name: &str) -> Option<&Arc<AgentDef>> {
        self.agents.get(name)
    }

    /// Fixes what a task of `agent` will run on (J8).
    pub fn pin(&self, agent: &Arc<AgentDef>, limits: &LimitsOverride) -> Pinned {
        let limits = agent.limits.tightened(limits);
        let agent = match limits == agent.limits {
            true => agent.clone(),
            false => Arc::new(AgentDef { limits, ..(**agent).clone() }),
        };
        let mut tools: Vec<Arc<ToolSpec>> = self.tools.specs();
        tools.retain(|spec| agent.tools.contains_key(&spec.name));
        tools.extend(control::specs().into_iter().filter(|spec| agent.tools.contains_key(&spec.name)));
        let model_version = self.models[&agent.model].info().version;
        let price = self.prices.get(&agent.model).copied();
        Pinned { agent, tools, model_version, price }
    }

    /// Why a task may not use its model: after a restart the alias may mean another one (J8).
    pub(crate) fn model_changed(&self, pinned: &Pinned) -> Option<String> {
        let alias = &pinned.agent.model;
        let Some(model) = self.models.get(alias) else {
            return Some(format!(
                "the configuration no longer has the model `{alias}` that this task began with"
            ));
        };
        let (now, then) = (model.info().version, &pinned.model_version);
        // A model that cannot be used says better than this why.
        (now != *then && now != UNUSABLE).then(|| {
            format!("model `{alias}` was {then} when this task began and is {now} now; submit the task again")
        })
    }

    /// Why a task may not use a tool: after a restart the name may mean another one (J8).
    pub(crate) fn tool_changed(&self, pinned: &Pinned, name: &str) -> Option<String> {
        let specs = self.tools.specs();
        let now = specs.iter().find(|spec| spec.name == name).map(|spec| &spec.digest);
        let then = pinned.tool(name).map(|spec| &spec.digest);
        (now != then)
            .then(|| format!("tool `{name}` has changed since this task began; it cannot be used in it"))
    }

    /// All models, by alias.
    pub fn model_infos(&self) -> Vec<ModelInfo> {
        self.models.values().map(|model| model.info()).collect()
    }

    /// SHA-256 of an agent's definition.
    pub fn digest(agent: &AgentDef) -> String {
        digest::of_json(agent)
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}
