//! The configuration: `playhouse.toml`, every key of which the environment can override.
//!
//! ```text
//! shipped.toml  ◀ laid over by ─  playhouse.toml  ◀ laid over by ─  PLAYHOUSE__SECTION__KEY=value
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use playhouse_core::{admission::Bounds, model::Price, session::Retention};
use playhouse_model_llama::LlamaConfig;
use playhouse_model_openai::OpenAiConfig;
use playhouse_tools_command::CommandConfig;
use playhouse_tools_host::Limits as ToolLimits;
use serde::Deserialize;
use toml::{Table, Value};

use crate::{
    command, installed,
    journal::JournalConfig,
    mcp::{self, McpEntry},
    tool_config::{self, HttpEntry, SecretEntry, StoreEntry, ToolEntry},
};

/// What every configuration begins with.
const SHIPPED: &str = include_str!("shipped.toml");
/// Longer than nearly every model or tool call, and a third less than the 30 s that container platforms commonly
/// grant between SIGTERM and SIGKILL.
const DRAIN_MS: u64 = 20_000;
/// Environment variables that begin so override a key; `__` separates the parts of its path.
const ENV_PREFIX: &str = "PLAYHOUSE__";

/// A configuration that cannot be used: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{problem}")]
pub struct BadConfig {
    place: String,
    problem: String,
}

impl BadConfig {
    /// A problem that has no file.
    pub(crate) fn bare(problem: impl Into<String>) -> Self {
        Self { place: String::new(), problem: problem.into() }
    }

    fn at(place: impl std::fmt::Display, problem: impl Into<String>) -> Self {
        Self { place: format!("{place}: "), problem: problem.into() }
    }
}

/// Everything that can be set. [`Config::shipped`] is where one begins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener.
    pub server: Server,
    /// Where the journal lives.
    pub data: Option<PathBuf>,
    /// Where shipped files and compiled tools are kept; the user's cache folder when not set.
    pub cache: Option<PathBuf>,
    /// A folder of agents, besides the shipped ones.
    pub agents: Option<PathBuf>,
    /// A `tools.lock`: with it, a component whose hash is not listed is refused.
    pub tools_lock: Option<PathBuf>,
    /// Where installed tools are; the user's data folder when not set.
    pub tools_folder: Option<PathBuf>,
    /// Where sandboxed tools run.
    pub tools_isolation: Isolation,
    /// What a call of a sandboxed tool may use, and how many there are at once.
    pub tools_limits: ToolLimits,
    /// A file that gets one line per tool call that is really started.
    pub call_log: Option<PathBuf>,
    /// The alias that agents mean by `default`.
    pub default_model: String,
    /// Models by alias.
    pub models: BTreeMap<String, ModelEntry>,
    /// Tools by name.
    pub tools: BTreeMap<String, ToolEntry>,
    /// Key-value tables that tools may be granted.
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
    /// Tables that tools may write, kept beside the journal.
    pub stores: BTreeMap<String, StoreEntry>,
    /// Where secrets come from that tools may have used.
    pub secrets: BTreeMap<String, SecretEntry>,
    /// How requests of tools leave.
    pub http: HttpEntry,
    /// MCP servers by name.
    pub mcp: BTreeMap<String, McpEntry>,
    /// Commands of this machine, by the names of their tools.
    pub command: BTreeMap<String, CommandConfig>,
    /// What is let in.
    pub bounds: Bounds,
    /// How long sessions and finished tasks are kept.
    pub retention: Retention,
    /// How the journal is kept.
    pub journal: JournalConfig,
    /// Where spans go.
    pub telemetry: Telemetry,
}

/// Where sandboxed tools run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the daemon's own process.
    #[default]
    Thread,
    /// In worker processes without files and secrets.
    Process,
}

/// The listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: String,
    /// Keys that open the API. Without any, only loopback is allowed.
    pub keys: Vec<KeyEntry>,
    /// More names under which a daemon without keys may be addressed, for a proxy on the same machine.
    pub hosts: Vec<String>,
    /// Longest orderly stop, in milliseconds: running model and tool calls end within it, or are cut off and
    /// resumed by the next start. 0 cuts off at once.
    pub drain_ms: u64,
}

/// A key, by its hash: a configuration holds no secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// SHA-256 of the key, in hex.
    pub sha256: String,
    /// Whose data it opens.
    pub tenant: playhouse_core::id::Tenant,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
pub struct ModelEntry {
    /// What its tokens cost; without it, no task is charged for them.
    pub price: Option<Price>,
    /// What it is.
    #[serde(flatten)]
    pub kind: ModelConfig,
}

/// The kinds of model.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ModelConfig {
    /// A GGUF file, in a child process.
    Llama(LlamaConfig),
    /// An OpenAI-compatible endpoint.
    OpenAi(OpenAiConfig),
}

/// Where spans go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// OTLP over HTTP, e.g. `http://127.0.0.1:4318`. Off when not set.
    pub otlp_endpoint: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        let (keys, hosts) = (Vec::new(), Vec::new());
        Self { listen: "127.0.0.1:7529".into(), keys, hosts, drain_ms: DRAIN_MS }
    }
}

impl Config {
    /// What is shipped, and nothing else.
    pub fn shipped() -> Self {
        Self::load(None, []).expect("the shipped configuration is sound")
    }

    /// What is shipped, overlaid by the file if any, overlaid by `env`.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BadConfig> {
        let mut table: Table = SHIPPED.parse().expect("the shipped configuration is TOML");
        if let Some(path) = file {
            lay_file(&mut table, path)?;
        }
        for (name, value) in env {
            if let Some(path) = name.strip_prefix(ENV_PREFIX) {
                let set = nest(&path.to_lowercase(), &value);
                let mut with = table.clone();
                overlay(&mut with, set);
                parse(with.clone())
                    .map_err(|problem| BadConfig::at(format!("environment variable {name}"), problem))?;
                table = with;
            }
        }
        let mut config = parse(table).map_err(BadConfig::bare)?;
        config.anchor(file);
        config.check().map_err(|problem| match file {
            Some(path) => BadConfig::at(path.display(), problem),
            None => BadConfig::bare(problem),
        })?;
        Ok(config)
    }

    /// Paths in a file are relative to that file, and others to the working directory. All become whole: a command starts in
    /// a root of its own, where nothing is relative to where we are.
    fn anchor(&mut self, file: Option<&Path>) {
        let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
        // Without a working directory there is nothing to be relative to.
        let base = std::path::absolute(base.join(".")).unwrap_or_else(|_| base.to_owned());
        let anchor = |path: &mut PathBuf| {
            let text = path.to_string_lossy();
            if path.is_relative() && !text.starts_with("shipped:") && !text.starts_with(installed::PREFIX) {
                *path = base.join(&*path);
            }
        };
        let Self { data, cache, agents, tools_lock, tools_folder, call_log, .. } = self;
        [data, cache, agents, tools_lock, tools_folder, call_log].into_iter().flatten().for_each(anchor);
        self.tools.values_mut().flat_map(ToolEntry::paths).for_each(anchor);
        self.secrets.values_mut().filter_map(SecretEntry::path).for_each(anchor);
        self.mcp.values_mut().for_each(|entry| entry.anchor(anchor));
        self.command.values_mut().for_each(|entry| command::anchor(entry, anchor));
        for model in self.models.values_mut() {
            if let ModelConfig::Llama(llama) = &mut model.kind {
                anchor(&mut llama.path);
            }
        }
    }

    /// What tokens cost, by alias.
    pub fn prices(&self) -> BTreeMap<String, Price> {
        self.models.iter().filter_map(|(alias, model)| Some((alias.clone(), model.price?))).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !self.models.contains_key(&self.default_model) {
            let known: Vec<_> = self.models.keys().map(String::as_str).collect();
            return Err(format!(
                "`default_model` names `{}`, but the models are: {}; add [models.{}] or name another",
                self.default_model,
                known.join(", "),
                self.default_model,
            ));
        }
        self.server.listen.parse::<std::net::SocketAddr>().map_err(|_| {
            format!(
                "`server.listen` is `{}`; write an address and a port, like 127.0.0.1:7529",
                self.server.listen
            )
        })?;
        for (key, value) in [("live_tasks", self.bounds.live_tasks), ("watchers", self.bounds.watchers)] {
            if value == 0 {
                return Err(format!("`bounds.{key}` is 0: nothing could ever run; set it to 1 or more"));
            }
        }
        self.tools_limits.check().map_err(|problem| format!("`tools_limits`: {problem}"))?;
        tool_config::check(self)?;
        mcp::check(self)?;
        command::check(self)
    }
}

/// Lays the file at `path` over `table`. What is wrong is looked for in the file by itself, because only
/// there errors know their line.
fn lay_file(table: &mut Table, path: &Path) -> Result<(), BadConfig> {
    let bad = |problem: String| BadConfig::at(path.display(), problem);
    let text = fs::read_to_string(path)
        .map_err(|source| bad(format!("failed to read the configuration: {source}")))?;
    overlay(table, text.parse().map_err(|error: toml::de::Error| bad(error.to_string()))?);
    parse(table.clone()).map(drop).map_err(|problem| match toml::from_str::<Config>(&text) {
        Err(error) => bad(error.to_string()),
        Ok(_) => bad(problem),
    })
}

fn parse(table: Table) -> Result<Config, String> {
    let mut config: Config = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    for (alias, model) in &mut config.models {
        if let ModelConfig::OpenAi(remote) = &mut model.kind {
            remote.name.clone_from(alias);
        }
    }
    Ok(config)
}

/// Lays `over` over `base`: tables key by key, everything else whole.
fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => overlay(base, over),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// `a__b` and a value as the table `{ a = { b = value } }`. A value that reads as TOML is taken as such,
/// anything else as text.
fn nest(path: &str, value: &str) -> Table {
    let leaf = format!("v = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    let leaf = leaf.unwrap_or_else(|| Value::String(value.to_owned()));
    let mut keys = path.split("__").collect::<Vec<_>>().into_iter().rev();
    let last = keys.next().expect("split gives at least one part");
    let innermost = Table::from_iter([(last.to_owned(), leaf)]);
    keys.fold(innermost, |inner, key| Table::from_iter([(key.to_owned(), Value::Table(inner))]))
}

#[cfg(test)]
mod tests;
