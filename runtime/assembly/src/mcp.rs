//! MCP servers: what an operator writes about them, what is known of them before agents are checked, and what runs them.
//!
//! ```toml
//! [mcp.tracker]
//! url = "https://tracker.example.com/mcp"
//! tools = ["*"]
//! secrets.tracker = { header = "authorization", format = "Bearer {}" }
//! ```
//!
//! ```text
//! mcp.lock ──▶ Seen: started once if a tool that is wanted is not pinned ──▶ agents are checked
//!        └───▶ McpToolBox, one of the Toolboxes ──▶ one service per server under the tree
//! ```

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write as _,
    fs,
    future::pending,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use playhouse_actors::{BadAgent, Run, show};
use playhouse_core::{agent::AgentDef, tool::Grant};
use playhouse_ports::ToolBox;
pub use playhouse_tools_mcp::{Approvals, ApproveError, ChangedTool, PinsError};
use playhouse_tools_mcp::{McpOptions, McpServer, McpToolBox, ServerConfig, ServerExit, Text};
use serde::Deserialize;
use tokio::task::JoinSet;
use toml::{Table, Value};

use crate::{
    BuildError,
    config::{BadConfig, Config},
};

/// Longest wait for a server whose tools were never seen. A package runner that has to download a server first takes
/// some 20 s; systemd gives a start 90 s.
const FIRST_WAIT: Duration = Duration::from_secs(45);
/// Longest wait for servers that are ending: 2 s for their own end, 2 s after SIGTERM, and a moment to be reaped.
const CLOSE_TIME: Duration = Duration::from_secs(6);
/// A server of the newest protocol is recognised by its first end; one that ends twice has a fault.
const FIRST_LIVES: usize = 2;
/// When all services are started again, the old life of one may take a moment to be dropped. The next attempt follows
/// this much later, so that it does not count as a fault many times.
const OLD_LIFE: Duration = Duration::from_millis(100);

/// One MCP server as the configuration has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Table")]
pub struct McpEntry {
    /// How it is reached and what it may do.
    pub server: ServerConfig,
    /// What it is told of `[secrets]`, by their names.
    pub secrets: BTreeMap<String, McpSecret>,
}

/// Where a server is told a secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpSecret {
    /// In this header of every request to its `url`; `authorization` when not set.
    pub header: Option<String>,
    /// In this variable of its process.
    pub env: Option<String>,
    /// As what: `{}` is the secret. `Bearer {}` in a header, and `{}` in a variable, when not set.
    pub format: Option<String>,
}

impl TryFrom<Table> for McpEntry {
    type Error = String;

    fn try_from(mut table: Table) -> Result<Self, String> {
        let bad = |error: toml::de::Error| error.message().to_owned();
        let secrets = table.remove("secrets").map(Value::try_into).transpose().map_err(bad)?;
        let server = table.try_into().map_err(bad)?;
        Ok(Self { server, secrets: secrets.unwrap_or_default() })
    }
}

impl McpEntry {
    /// Makes its paths relative to the file they stand in. A command without a slash is looked for in `PATH`.
    pub(crate) fn anchor(&mut self, anchor: impl Fn(&mut PathBuf)) {
        self.server.read.iter_mut().chain(&mut self.server.write).for_each(&anchor);
        if let Some(command) = self.server.command.as_mut().filter(|command| command.contains('/')) {
            let mut path = PathBuf::from(&*command);
            anchor(&mut path);
            *command = path.to_string_lossy().into_owned();
        }
    }

    fn check(&self, name: &str, config: &Config) -> Result<(), String> {
        self.server.check(name).map_err(|error| error.to_string())?;
        let bad = |problem: String| Err(format!("[mcp.{name}]: {problem}"));
        for (secret, told) in &self.secrets {
            if !config.secrets.contains_key(secret) {
                return bad(format!("it is told the secret `{secret}`, but [secrets] has none of that name"));
            }
            if told.format.as_ref().is_some_and(|format| !format.contains("{}")) {
                return bad(format!(
                    "`format` of the secret `{secret}` has no `{{}}`, where the secret would go"
                ));
            }
            match (&told.header, &told.env, &self.server.url) {
                (Some(_), Some(_), _) => {
                    return bad(format!("the secret `{secret}` has a `header` and an `env`: remove one"));
                }
                (_, Some(_), Some(_)) => {
                    return bad(format!(
                        "a server with a `url` has no `env`; name a `header` for `{secret}`"
                    ));
                }
                (_, None, None) => {
                    return bad(format!("name the variable of `{secret}`: `env = \"…\"`"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The server with its secrets read.
    fn resolved(&self, config: &Config) -> Result<ServerConfig, BadConfig> {
        let mut server = self.server.clone();
        for (name, told) in &self.secrets {
            let secret = config.secrets[name].value(name)?;
            let value = |format: &str| {
                let format = told.format.as_deref().unwrap_or(format);
                Text::verbatim(format.replace("{}", secret.expose()))
            };
            match &told.env {
                Some(variable) => server.env.insert(variable.clone(), value("{}")),
                None => {
                    let header = told.header.clone().unwrap_or_else(|| "authorization".into());
                    server.headers.insert(header, value("Bearer {}"))
                }
            };
        }
        Ok(server)
    }
}

/// Whether every server can be used as it is written.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    config.mcp.iter().try_for_each(|(name, entry)| entry.check(name, config))
}

/// The file that pins the tools of servers, in the data directory `data`.
pub fn lock(data: &Path) -> PathBuf {
    McpOptions::within(data).lock
}

/// The servers of `config`, none of them started; `None` if there are none.
pub(crate) fn open(config: &Config) -> Result<Option<Arc<McpToolBox>>, BuildError> {
    if config.mcp.is_empty() {
        return Ok(None);
    }
    let Some(data) = &config.data else {
        let told = "`data` is not set: name a data directory, where the tools of MCP servers are pinned";
        return Err(BadConfig::bare(told).into());
    };
    let bad = |problem: String| BadConfig::bare(problem);
    fs::create_dir_all(data).map_err(|error| bad(format!("`data`: {}: {error}", data.display())))?;
    let servers = config.mcp.iter().map(|(name, entry)| Ok((name.clone(), entry.resolved(config)?)));
    let servers = servers.collect::<Result<_, BadConfig>>()?;
    let tools =
        McpToolBox::open(servers, &McpOptions::within(data)).map_err(|error| bad(error.to_string()))?;
    Ok(Some(Arc::new(tools)))
}

/// What keeps each server connected, by the name in the tree. The rests between its lives are its own.
pub(crate) fn connections(tools: &McpToolBox) -> BTreeMap<String, Run> {
    let keep = |server: &Arc<McpServer>| {
        let (name, server) = (format!("mcp:{}", server.name()), server.clone());
        let run: Run = Arc::new(move || {
            let server = server.clone();
            Box::pin(async move {
                let exit = tokio::select! {
                    exit = server.run() => exit,
                    never = show_state(&server) => match never {},
                };
                if let ServerExit::AlreadyRunning(_) = exit {
                    tokio::time::sleep(OLD_LIFE).await;
                }
                exit.to_string()
            })
        });
        (name, run)
    };
    tools.servers().map(keep).collect()
}

/// Shows in the tree whether `server` is connected.
async fn show_state(server: &McpServer) -> Infallible {
    show(&[("connecting", 1)]);
    server.ready().await;
    show(&[("connected", 1)]);
    pending().await
}

/// Waits until the servers have ended whose connections were dropped with the tree. Those that take longer are killed
/// with the process.
pub(crate) async fn close(servers: Option<Arc<McpToolBox>>) {
    if let Some(servers) = servers
        && tokio::time::timeout(CLOSE_TIME, servers.close()).await.is_err()
    {
        tracing::warn!("an MCP server has not ended in time, and is killed");
    }
}

/// What is known of the servers' tools before anything runs.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tools: Option<Arc<McpToolBox>>,
    /// Servers that were to list their tools and did not, and why.
    late: BTreeMap<String, String>,
}

impl Seen {
    /// What is pinned.
    pub(crate) fn pinned(config: &Config) -> Result<Self, BuildError> {
        Ok(Self { tools: open(config)?, late: BTreeMap::new() })
    }

    /// Starts the servers that nothing is known of, or not what `agents` want, and stops them when they have listed
    /// their tools. A server whose tools are pinned is not needed here, so it may be down.
    pub(crate) async fn learn(mut self, agents: &[AgentDef]) -> Self {
        let Some(tools) = &self.tools else { return self };
        let mut learning = JoinSet::new();
        for server in tools.servers().filter(|server| is_new(tools, server.name(), agents)) {
            let server = server.clone();
            learning.spawn(async move {
                let problem = first_life(&server).await.err()?;
                Some((server.name().to_owned(), problem))
            });
        }
        self.late = learning.join_all().await.into_iter().flatten().collect();
        self
    }

    /// What an operator should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.late.values().map(|problem| format!("{problem}; its tools are not known yet")).collect()
    }

    /// Whether the tools of servers that `agent` names are known.
    pub(crate) fn check(&self, agent: &AgentDef) -> Result<(), BadAgent> {
        let Some(tools) = &self.tools else { return Ok(()) };
        let Some(name) = wanted(tools, agent).find(|name| !is_known(tools, name)) else { return Ok(()) };
        let server = server_of(tools, name).map(McpServer::name).unwrap_or_default();
        let mut problem =
            tools.permits(name, &Grant::default()).err().map_or_else(String::new, |e| e.message);
        if let Some(late) = self.late.get(server) {
            // Writing to a string cannot fail.
            let _ = write!(problem, ": {late}; see that it starts, or take the tool from the agent");
        }
        Err(BadAgent { agent: agent.name.clone(), problem })
    }
}

/// The server whose tool is called `name`, if it is called like one.
pub(crate) fn server_of<'a>(tools: &'a McpToolBox, name: &str) -> Option<&'a McpServer> {
    tools.server(name.split_once("__")?.0).map(|server| &**server)
}

fn wanted<'a>(tools: &'a McpToolBox, agent: &'a AgentDef) -> impl Iterator<Item = &'a String> {
    agent.tools.keys().filter(|name| server_of(tools, name).is_some())
}

fn is_known(tools: &McpToolBox, name: &str) -> bool {
    tools.specs().iter().any(|spec| spec.name == name)
}

fn is_new(tools: &McpToolBox, server: &str, agents: &[AgentDef]) -> bool {
    let its = |name: &str| name.split_once("__").is_some_and(|(of, _)| of == server);
    let mut wanted = agents.iter().flat_map(|agent| wanted(tools, agent));
    !tools.server(server).is_some_and(|server| server.has_tools())
        || wanted.any(|name| its(name) && !is_known(tools, name))
}

/// Runs `server` until it has listed its tools, which pins them. The error says why it did not.
async fn first_life(server: &McpServer) -> Result<(), String> {
    let mut problem = None;
    let lives = async {
        for _ in 0..FIRST_LIVES {
            let listed = async {
                server.ready().await;
                server.stop();
                pending::<Infallible>().await
            };
            let exit = tokio::select! {
                exit = server.run() => exit,
                never = pin!(listed) => match never {},
            };
            match exit {
                ServerExit::Stopped(_) => return true,
                exit => problem = Some(exit.to_string()),
            }
        }
        false
    };
    let is_listed = tokio::time::timeout(FIRST_WAIT, lives).await.unwrap_or(false);
    let late =
        || format!("MCP server `{}` did not list its tools within {} s", server.name(), FIRST_WAIT.as_secs());
    if is_listed { Ok(()) } else { Err(problem.unwrap_or_else(late)) }
}

#[cfg(test)]
mod tests;
