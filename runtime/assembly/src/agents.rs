//! Agents from folders: `<name>/agent.toml` and the prompt beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use playhouse_core::{
    agent::{AgentDef, Limits},
    model::Sampling,
    tool::Grant,
    window::WindowPolicy,
};
use serde::Deserialize;

use crate::{config::Config, shipped};

/// An agent's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BadAgentFile {
    /// The file.
    pub path: PathBuf,
    /// Line, what is wrong, and what would be right.
    pub problem: String,
}

/// `agent.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentFile {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default = "default_model")]
    model: String,
    /// A file beside this one.
    prompt: Option<PathBuf>,
    /// Or the text itself.
    instructions: Option<String>,
    #[serde(default)]
    tools: BTreeMap<String, Grant>,
    #[serde(default)]
    sampling: Sampling,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    window: WindowPolicy,
    output_schema: Option<serde_json::Value>,
}

fn default_model() -> String {
    "default".into()
}

/// The shipped agents, then those of `config.agents`; a folder of the same name replaces a shipped one.
pub(crate) fn load(config: &Config) -> Result<Vec<AgentDef>, BadAgentFile> {
    let mut agents = BTreeMap::new();
    for (file, prompt) in shipped::AGENTS {
        let path = PathBuf::from("shipped agent");
        let agent = parse(&path, file, |_| Ok(prompt.to_owned()))?;
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
    let agent = parse(&path, &text, |prompt| read_text(&folder.join(prompt)))?;
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

fn parse(
    path: &Path,
    text: &str,
    prompt: impl FnOnce(&Path) -> Result<String, BadAgentFile>,
) -> Result<AgentDef, BadAgentFile> {
    let bad = |problem: String| BadAgentFile { path: path.to_owned(), problem };
    // `toml` shows the line and what it expected there.
    let file: AgentFile = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    playhouse_core::id::SessionId::new(&file.name).map_err(|why| bad(format!("`name`: {why}")))?;
    let instructions = match (file.prompt, file.instructions) {
        (Some(file), None) => prompt(&file)?,
        (None, Some(text)) => text,
        (None, None) => String::new(),
        (Some(_), Some(_)) => return Err(bad("`prompt` and `instructions` are both set; keep one".into())),
    };
    let agent = AgentDef {
        name: file.name,
        description: file.description,
        instructions: instructions.trim().to_owned(),
        model: file.model,
        tools: file.tools,
        sampling: file.sampling,
        limits: file.limits,
        window: file.window,
        output_schema: file.output_schema,
    };
    check(&agent).map_err(bad)?;
    Ok(agent)
}

/// Values that parse and still cannot work.
fn check(agent: &AgentDef) -> Result<(), String> {
    let at_least_one = [
        ("limits.steps", u64::from(agent.limits.steps)),
        ("limits.time_ms", agent.limits.time_ms),
        ("limits.parallel_tools", u64::from(agent.limits.parallel_tools)),
        ("limits.tool_time_ms", agent.limits.tool_time_ms),
        ("limits.model_time_ms", agent.limits.model_time_ms),
        ("sampling.max_tokens", u64::from(agent.sampling.max_tokens)),
    ];
    if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
        return Err(format!("`{key}` is 0: nothing could ever run; set it to 1 or more"));
    }
    if !(0.0..=2.0).contains(&agent.sampling.temperature) {
        return Err(format!("`sampling.temperature` is {}; it must be 0 to 2", agent.sampling.temperature));
    }
    if !(agent.sampling.top_p > 0.0 && agent.sampling.top_p <= 1.0) {
        return Err(format!(
            "`sampling.top_p` is {}; it must be above 0 and at most 1",
            agent.sampling.top_p
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let path = PathBuf::from("agents/a/agent.toml");
        parse(&path, text, |_| Ok("prompt".into())).unwrap_err().to_string()
    }

    #[test]
    fn a_bad_agent_file_is_explained_with_file_line_and_remedy() {
        for (text, says) in [
            ("name = ", "line 1"),
            ("name = \"a\"\nmodle = \"x\"", "unknown field `modle`"),
            ("name = \"a b\"", "letters, digits"),
            ("name = \"a\"\nprompt = \"p\"\ninstructions = \"x\"", "keep one"),
            ("name = \"a\"\n[limits]\nsteps = 0", "`limits.steps` is 0"),
            ("name = \"a\"\n[limits]\nsteps = -1", "steps = -1"),
            ("name = \"a\"\n[sampling]\ntemperature = 3.0", "must be 0 to 2"),
            ("name = \"a\"\n[tools.lookup]\nfolder = \"x\"", "unknown field `folder`"),
        ] {
            let problem = problem(text);
            assert!(problem.starts_with("agents/a/agent.toml: ") && problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn the_shipped_agents_are_sound() {
        let agents = load(&Config::shipped()).unwrap();
        let names: Vec<_> = agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["assistant", "direct"]);
    }
}
