//! Definitions that can be read and still cannot work, wherever they come from.

use playhouse_core::{
    agent::AgentDef,
    policy::{ApprovalRule, UndoRule},
    task::control::WAIT_MS_MAX,
};
use playhouse_schema::Schema;
use serde_json::Value;

/// Control tools that make tasks, for which an agent needs other agents.
const MAKERS: [&str; 4] = ["hand_off", "map_tasks", "run_task", "spawn_task"];
/// The control tool that takes signals.
const LISTENER: &str = "wait_signal";

/// Where in a definition something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nowhere in particular; the problem names the key.
    Whole,
    /// At this tool.
    Tool(String),
    /// At the approval of this index.
    Approval(usize),
    /// At this signal.
    Signal(String),
    /// At the agents it may give work to.
    Agents,
    /// At the schema of its answers.
    OutputSchema,
}

/// A definition that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Flaw {
    /// Where.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub problem: String,
}

fn flaw(place: Place, problem: impl Into<String>) -> Result<(), Flaw> {
    Err(Flaw { place, problem: problem.into() })
}

/// Checks everything that shows without knowing the other agents, the tools and the models of a house.
pub fn check_agent(agent: &AgentDef) -> Result<(), Flaw> {
    check_numbers(agent)?;
    if let Some(schema) = &agent.output_schema {
        check_schema(Place::OutputSchema, "`output_schema`", schema)?;
    }
    for (index, rule) in agent.policy.approvals.iter().enumerate() {
        check_approval(agent, rule).or_else(|problem| flaw(Place::Approval(index), problem))?;
    }
    for (tool, rules) in &agent.policy.rules {
        let place = || Place::Tool(tool.clone());
        if !agent.tools.contains_key(tool) {
            return flaw(
                place(),
                format!("there are rules for the tool `{tool}`, which the agent does not have"),
            );
        }
        if let Some(undo) = &rules.undo {
            check_undo(agent, tool, undo).or_else(|problem| flaw(place(), problem))?;
        }
    }
    check_signals(agent)?;
    check_agents(agent)
}

fn check_numbers(agent: &AgentDef) -> Result<(), Flaw> {
    let at_least_one = [
        ("limits.steps", u64::from(agent.limits.steps)),
        ("limits.time_ms", agent.limits.time_ms),
        ("limits.tokens", agent.limits.tokens.unwrap_or(1)),
        ("limits.fuel", agent.limits.fuel.unwrap_or(1)),
        ("limits.parallel_tools", u64::from(agent.limits.parallel_tools)),
        ("limits.tool_time_ms", agent.limits.tool_time_ms),
        ("limits.model_time_ms", agent.limits.model_time_ms),
        ("sampling.max_tokens", u64::from(agent.sampling.max_tokens)),
    ];
    if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
        return flaw(Place::Whole, format!("`{key}` is 0: nothing could ever run; set it to 1 or more"));
    }
    let (temperature, top_p) = (agent.sampling.temperature, agent.sampling.top_p);
    if !(0.0..=2.0).contains(&temperature) {
        return flaw(Place::Whole, format!("`sampling.temperature` is {temperature}; it must be 0 to 2"));
    }
    if !(top_p > 0.0 && top_p <= 1.0) {
        return flaw(Place::Whole, format!("`sampling.top_p` is {top_p}; it must be above 0 and at most 1"));
    }
    Ok(())
}

fn check_schema(place: Place, what: &str, schema: &Value) -> Result<(), Flaw> {
    match Schema::compile(schema) {
        Ok(_) => Ok(()),
        Err(problem) => flaw(place, format!("{what} is no JSON Schema that can be used: {problem}")),
    }
}

fn check_approval(agent: &AgentDef, rule: &ApprovalRule) -> Result<(), String> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => agent.tools.keys().any(|tool| tool.starts_with(start)),
        None => agent.tools.contains_key(pattern),
    };
    if let Some(stranger) = rule.tools.iter().find(|pattern| !fits(pattern)) {
        return Err(format!(
            "an approval names the tool `{stranger}`, which the agent does not have; its tools are: {}",
            tools_of(agent)
        ));
    }
    let is_pointer = |argument: &str| argument.is_empty() || argument.starts_with('/');
    if let Some(when) = rule.when.iter().find(|when| !is_pointer(&when.argument)) {
        return Err(format!(
            "an approval looks at the argument `{0}`; write where it is as a JSON pointer: `/{0}`",
            when.argument
        ));
    }
    if rule.expires_ms == 0 || rule.expires_ms > WAIT_MS_MAX {
        return Err(format!(
            "an approval has `expires_ms` {}; it must be 1 to {WAIT_MS_MAX}, which is a year",
            rule.expires_ms
        ));
    }
    Ok(())
}

fn check_undo(agent: &AgentDef, tool: &str, undo: &UndoRule) -> Result<(), String> {
    if agent.tools.contains_key(&undo.tool) {
        return Ok(());
    }
    Err(format!(
        "tool `{tool}` is undone by `{}`, which the agent does not have; give it that tool too, or name one of: {}",
        undo.tool,
        tools_of(agent)
    ))
}

fn check_signals(agent: &AgentDef) -> Result<(), Flaw> {
    let signals = &agent.policy.signals;
    let listens = agent.tools.contains_key(LISTENER);
    if let (Some(name), false) = (signals.keys().next(), listens) {
        let problem = format!("signal `{name}` could never be taken: give the agent the tool `{LISTENER}`");
        return flaw(Place::Signal(name.clone()), problem);
    }
    if signals.is_empty() && listens {
        let problem = format!("tool `{LISTENER}` could wait for nothing: name at least one signal");
        return flaw(Place::Tool(LISTENER.into()), problem);
    }
    for (name, schema) in signals {
        // Signals are named as sessions are: both stand in addresses.
        playhouse_core::id::SessionId::new(name)
            .map(drop)
            .or_else(|why| flaw(Place::Signal(name.clone()), format!("signal `{name}`: {why}")))?;
        check_schema(Place::Signal(name.clone()), &format!("the payload of signal `{name}`"), schema)?;
    }
    Ok(())
}

fn check_agents(agent: &AgentDef) -> Result<(), Flaw> {
    let maker = MAKERS.iter().find(|tool| agent.tools.contains_key(**tool));
    match (agent.policy.agents.is_empty(), maker) {
        (false, None) => {
            let makers = MAKERS.join(", ");
            flaw(Place::Agents, format!("`agents` is set, but no tool makes tasks: give it one of {makers}"))
        }
        (true, Some(tool)) => {
            let problem = format!("tool `{tool}` makes tasks, but `agents` names nobody to give work to");
            flaw(Place::Tool((*tool).into()), problem)
        }
        _ => Ok(()),
    }
}

fn tools_of(agent: &AgentDef) -> String {
    let tools: Vec<_> = agent.tools.keys().map(String::as_str).collect();
    if tools.is_empty() { "none".to_owned() } else { tools.join(", ") }
}
