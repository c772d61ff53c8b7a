//! Agents from folders: `<name>/agent.toml`, and the prompt and schemas beside it.

mod check;
mod file;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use playhouse_core::agent::AgentDef;

use crate::{config::Config, shipped};
pub use check::{Flaw, Place, check_agent};
use file::parse;

/// An agent's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BadAgentFile {
    /// The file.
    pub path: PathBuf,
    /// Line, what is wrong, and what would be right.
    pub problem: String,
}

/// The shipped agents, then those of `config.agents`; a folder of the same name replaces a shipped one.
pub(crate) fn load(config: &Config) -> Result<Vec<AgentDef>, BadAgentFile> {
    let mut agents = BTreeMap::new();
    for (file, prompt) in shipped::AGENTS {
        let path = PathBuf::from("shipped agent");
        let agent = parse(&path, file, &|_| Ok(prompt.to_owned()))?;
        agents.insert(agent.name.clone(), agent);
    }
    for folder in config.agents.iter().flat_map(|dir| folders(dir)) {
        let agent = read(&folder?)?;
        agents.insert(agent.name.clone(), agent);
    }
    Ok(agents.into_values().collect())
}

fn folders(dir: &Path) -> Vec<Result<PathBuf, BadAgentFile>> {
    let bad = |source: std::io::Error| BadAgentFile {
        path: dir.to_owned(),
        problem: format!(
            "failed to read the folder of agents: {source}; check `agents` in the configuration"
        ),
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(source) => return vec![Err(bad(source))],
    };
    let mut folders: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(bad))
        .filter(|path| path.as_ref().map_or(true, |path| path.join("agent.toml").is_file()))
        .collect();
    folders.sort_by(|a, b| a.as_ref().ok().cmp(&b.as_ref().ok()));
    folders
}

fn read(folder: &Path) -> Result<AgentDef, BadAgentFile> {
    let path = folder.join("agent.toml");
    let text = read_text(&path)?;
    let agent = parse(&path, &text, &|beside| read_text(&folder.join(beside)))?;
    let folder_name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if agent.name != folder_name {
        let problem =
            format!("the agent is called `{}` but its folder `{folder_name}`; rename one", agent.name);
        return Err(BadAgentFile { path, problem });
    }
    Ok(agent)
}

fn read_text(path: &Path) -> Result<String, BadAgentFile> {
    fs::read_to_string(path).map_err(|source| BadAgentFile {
        path: path.to_owned(),
        problem: format!("failed to read it: {source}"),
    })
}

#[cfg(test)]
mod tests;
