//! Components by themselves: looked at, explained or called, without a house.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use playhouse_core::{agent::AgentDef, labels::Labels, tool::Grant};
use playhouse_ports::ToolBox;
pub use playhouse_tools_host::{
    About, Allow, Config as HostConfig, Import, Inspection, Isolation, LoadError, Question, Standing,
    StoreConfig, Table, ToolConfig, WasmToolBox, inspect, inspect_bytes,
};

use crate::{
    BadConfig, BuildError, Config, agents,
    shipped::Shelf,
    tool_config::{SecretEntry, ToolEntry},
    toolbox,
};

/// Where this user's components are kept compiled: what is looked at today is loaded at once by the daemon of tomorrow,
/// unless that has a `cache` of its own. `None` if no folder can be written.
pub fn compiled() -> Option<PathBuf> {
    Shelf::open(&Config::default()).ok().map(|shelf| shelf.compiled())
}

/// Why a call of `tool` may do something or may not: with what `agent` grants it, or with everything that the operator
/// allows (its table, if it has only one), in a task whose values come from `labels`.
///
/// # Errors
/// If the configuration cannot be used, there is no such agent, or it does not have the tool; or the question makes no
/// sense.
pub fn explain(
    config: &Config,
    agent: Option<&str>,
    tool: &str,
    labels: &Labels,
    question: &Question,
) -> Result<Vec<Standing>, BuildError> {
    sandboxed(config, tool)?;
    // Whoever asks what is allowed need not have the secrets.
    let secrets = config.secrets.keys().map(|name| (name.clone(), SecretEntry::Unread)).collect();
    let unread = Config { secrets, ..config.clone() };
    let components = toolbox::components(&unread, &Shelf::open(config)?, Isolation::Thread)?;
    let entry = entry_of(config, &components, tool)?;
    let grant = granted(config, agent, tool, entry)?;
    if let (Some(name), Question::Tool(other)) = (agent, question)
        && !named(config, name)?.callable().contains_key(other)
    {
        let why = format!("the agent `{name}` does not have `{other}`, or a person must agree to its calls");
        return Ok(vec![Standing { about: other.clone(), granted: false, why }]);
    }
    components.explain(tool, &grant, labels, question).map_err(|error| bare(error.message))
}

/// What is granted to a call by hand.
#[derive(Debug)]
pub struct ByHand {
    /// The sandboxed tools of the configuration.
    pub tools: WasmToolBox,
    /// To the tool.
    pub grant: Grant,
    /// To those that it calls; not set if no agent was named.
    pub others: Option<BTreeMap<String, Grant>>,
}

/// The sandboxed tools of `config` without a house, and what of `tool` to grant a call: as `agent` does, or everything that
/// the operator allows, with its table if it has only one. Tables that they may write lie in `stores`, for those of the data
/// are a daemon's alone.
///
/// # Errors
/// As [`explain`].
pub fn by_hand(
    config: &Config,
    agent: Option<&str>,
    tool: &str,
    stores: &Path,
) -> Result<ByHand, BuildError> {
    sandboxed(config, tool)?;
    let shelf = Shelf::open(config)?;
    let aside = Config { data: Some(stores.to_owned()), ..config.clone() };
    let components = toolbox::components(&aside, &shelf, Isolation::Thread)?;
    let entry = entry_of(config, &components, tool)?;
    let grant = granted(config, agent, tool, entry)?;
    let others = agent.map(|name| Ok::<_, BuildError>(named(config, name)?.callable())).transpose()?;
    Ok(ByHand { tools: components, grant, others })
}

/// Refuses what is a tool, but no component: nothing of what is granted to components is granted to it.
fn sandboxed(config: &Config, tool: &str) -> Result<(), BuildError> {
    let server =
        tool.split_once("__").map(|(server, _)| server).filter(|name| config.mcp.contains_key(*name));
    let what = match server {
        _ if config.tools.contains_key(tool) => return Ok(()),
        Some(server) => {
            format!("of the MCP server `{server}`: what it may do is what `[mcp.{server}]` gives the server")
        }
        None if config.command.contains_key(tool) => {
            format!("a command of this machine: what it may do is what `[command.{tool}]` gives it")
        }
        None => return Ok(()),
    };
    Err(bare(format!(
        "the tool `{tool}` is no component but {what}; `playhouse run` and `playhouse serve` call it for the agents that \
         name it"
    )))
}

/// The entry of the tool that calls itself `tool`. Refused is the name of an entry whose component calls itself otherwise.
fn entry_of<'a>(
    config: &'a Config,
    components: &WasmToolBox,
    tool: &str,
) -> Result<Option<&'a ToolEntry>, BuildError> {
    // They are loaded in the order of the entries.
    let all: Vec<_> = config.tools.iter().zip(components.specs()).collect();
    if let Some(((_, entry), _)) = all.iter().find(|(_, spec)| spec.name == tool) {
        return Ok(Some(entry));
    }
    all.iter().find(|((key, _), _)| *key == tool).map_or(Ok(None), |(_, spec)| {
        Err(bare(format!("the component of `[tools.{tool}]` calls itself `{0}`: say `{0}`", spec.name)))
    })
}

/// What `agent` grants `tool`; if none is named, all that the operator allows, with its table if it has only one.
fn granted(
    config: &Config,
    agent: Option<&str>,
    tool: &str,
    entry: Option<&ToolEntry>,
) -> Result<Grant, BuildError> {
    let Some(name) = agent else {
        let mut tables = entry.iter().flat_map(|entry| entry.tables.iter().chain(&entry.stores));
        let only = tables.next().filter(|_| tables.next().is_none());
        return Ok(Grant { table: only.cloned(), ..Grant::default() });
    };
    let agent = named(config, name)?;
    let grant = agent.tools.get(tool);
    grant.cloned().ok_or_else(|| bare(format!("the agent `{name}` does not have the tool `{tool}`")))
}

fn named(config: &Config, name: &str) -> Result<AgentDef, BuildError> {
    let agent = agents::load(config)?.into_iter().find(|agent| agent.name == name);
    agent.ok_or_else(|| bare(format!("there is no agent `{name}`")))
}

fn bare(problem: String) -> BuildError {
    BuildError::Config(BadConfig::bare(problem))
}
