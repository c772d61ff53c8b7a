//! Components by themselves: looked at, explained or called, without a house.

use std::path::{Path, PathBuf};

use playhouse_core::{labels::Labels, tool::Grant};
pub use playhouse_tools_host::{
    About, Allow, Config as HostConfig, Import, Inspection, Isolation, LoadError, Question, Standing,
    StoreConfig, Table, ToolConfig, WasmToolBox, inspect, inspect_bytes,
};

use crate::{BadConfig, BuildError, Config, agents, shipped::Shelf, toolbox};

/// Where this user's components are kept compiled: what is looked at today is loaded at once by the daemon of tomorrow,
/// unless that has a `cache` of its own. `None` if no folder can be written.
pub fn compiled() -> Option<PathBuf> {
    Shelf::open(&Config::default()).ok().map(|shelf| shelf.compiled())
}

/// Why a call of `tool` may do something or may not: with what `agent` grants it, or with everything that the operator
/// allows, in a task whose values come from `labels`.
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
    let components = toolbox::components(config, &Shelf::open(config)?, Isolation::Thread)?;
    let grant = granted(config, agent, tool)?.unwrap_or_default();
    components.explain(tool, &grant, labels, question).map_err(|error| bare(error.message))
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
) -> Result<(WasmToolBox, Grant), BuildError> {
    let shelf = Shelf::open(config)?;
    let aside = Config { data: Some(stores.to_owned()), ..config.clone() };
    let components = toolbox::components(&aside, &shelf, Isolation::Thread)?;
    let grant = granted(config, agent, tool)?.unwrap_or_else(|| {
        let entry = config.tools.get(tool);
        let mut tables = entry.iter().flat_map(|entry| entry.tables.iter().chain(&entry.stores));
        let only = tables.next().filter(|_| tables.next().is_none());
        Grant { table: only.cloned(), ..Grant::default() }
    });
    Ok((components, grant))
}

/// What `agent` grants `tool`; `None` if no agent is named.
fn granted(config: &Config, agent: Option<&str>, tool: &str) -> Result<Option<Grant>, BuildError> {
    let Some(name) = agent else { return Ok(None) };
    let agents = agents::load(config)?;
    let agent = agents.iter().find(|agent| agent.name == name);
    let agent = agent.ok_or_else(|| bare(format!("there is no agent `{name}`")))?;
    let grant = agent.tools.get(tool);
    grant
        .cloned()
        .map(Some)
        .ok_or_else(|| bare(format!("the agent `{name}` does not have the tool `{tool}`")))
}

fn bare(problem: String) -> BuildError {
    BuildError::Config(BadConfig::bare(problem))
}
