//! All tools as one box: sandboxed components first, then commands, then what an embedding program brings,
//! then those of MCP servers.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use playhouse_core::tool::{Called, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use playhouse_ports::{ToolBox, ToolCaller, egress::Egress};
use playhouse_tools_host::{Config as HostConfig, Isolation, ToolConfig, WasmToolBox, WorkerCommand};
use playhouse_tools_http::{GuardedHttp, HttpConfig};
use playhouse_tools_mcp::McpToolBox;
use serde_json::Value;

use crate::{
    BuildError, command,
    config::{self, BadConfig, Config},
    installed, mcp,
    shipped::Shelf,
    tool_config::{self, ToolEntry},
};

/// Tables that tools write, in the folder of the data.
const STORES: &str = "stores";

/// Several boxes as one.
pub(crate) struct Toolboxes {
    specs: Vec<Arc<ToolSpec>>,
    boxes: BTreeMap<String, Arc<dyn ToolBox>>,
    /// Its tools come and go.
    servers: Option<Arc<McpToolBox>>,
}

impl Toolboxes {
    /// Loads the components of `config` and adds `own`; `worker` is the program of worker processes, if not this one.
    /// Two tools of one name are refused.
    pub(crate) fn load(
        config: &Config,
        shelf: &Shelf,
        own: Vec<Arc<dyn ToolBox>>,
        worker: Option<PathBuf>,
    ) -> Result<Self, BuildError> {
        let components: Arc<dyn ToolBox> = Arc::new(components(config, shelf, isolation(config, worker)?)?);
        let mut all = Self { specs: Vec::new(), boxes: BTreeMap::new(), servers: mcp::open(config)? };
        for tools in [components].into_iter().chain(command::open(config)?).chain(own) {
            for spec in tools.specs() {
                if let Some(server) = all.servers.as_ref().and_then(|it| mcp::server_of(it, &spec.name)) {
                    let message = format!(
                        "`{}` is called like a tool of [mcp.{}]; rename one",
                        spec.name,
                        server.name()
                    );
                    return Err(BadConfig::bare(message).into());
                }
                if all.boxes.insert(spec.name.clone(), tools.clone()).is_some() {
                    let message = format!("there are two tools called `{}`; rename or remove one", spec.name);
                    return Err(BadConfig::bare(message).into());
                }
                all.specs.push(spec);
            }
        }
        Ok(all)
    }

    fn of(&self, tool: &str) -> Result<Arc<dyn ToolBox>, ToolError> {
        let unknown = || ToolError::new(ToolErrorKind::UnknownTool, format!("there is no tool `{tool}`"));
        let fixed = self.boxes.get(tool);
        fixed.cloned().or_else(|| self.server_box(tool)).ok_or_else(unknown)
    }

    fn server_box(&self, tool: &str) -> Option<Arc<dyn ToolBox>> {
        let servers = self.servers.as_ref()?;
        mcp::server_of(servers, tool).map(|_| servers.clone() as Arc<dyn ToolBox>)
    }

    /// The MCP servers, none of which it runs.
    pub(crate) fn servers(&self) -> Option<Arc<McpToolBox>> {
        self.servers.clone()
    }
}

/// The components of `config`.
pub(crate) fn components(
    config: &Config,
    shelf: &Shelf,
    isolation: Isolation,
) -> Result<WasmToolBox, BuildError> {
    let tools = config.tools.values().map(|tool| component(config, shelf, tool)).collect::<Result<_, _>>()?;
    let host = HostConfig {
        tools,
        cache: Some(shelf.compiled()),
        lock: config.tools_lock.clone(),
        call_log: config.call_log.clone(),
        egress: egress(config)?,
        limits: config.tools_limits,
        isolation,
        ..HostConfig::default()
    };
    Ok(WasmToolBox::load(host)?)
}

/// Where components run.
fn isolation(config: &Config, worker: Option<PathBuf>) -> Result<Isolation, BuildError> {
    Ok(match (config.tools_isolation, worker) {
        (config::Isolation::Thread, _) => Isolation::Thread,
        (config::Isolation::Process, Some(program)) => Isolation::Process(WorkerCommand::new(program)),
        (config::Isolation::Process, None) => Isolation::Process(WorkerCommand::this_program()?),
    })
}

/// Who sends the requests of tools, if there is a tool that may send any.
fn egress(config: &Config) -> Result<Option<Arc<dyn Egress>>, BuildError> {
    if config.tools.values().all(|tool| tool.http.rules.is_empty()) {
        return Ok(None);
    }
    let http = HttpConfig { proxy: config.http.proxy.clone(), ..HttpConfig::default() };
    let guard = GuardedHttp::new(http).map_err(|error| BadConfig::bare(error.to_string()))?;
    Ok(Some(Arc::new(guard)))
}

fn component(config: &Config, shelf: &Shelf, tool: &ToolEntry) -> Result<ToolConfig, BuildError> {
    let tables = tool.tables.iter().map(|name| (name.clone(), config.tables[name].clone())).collect();
    let stores = config.data.clone().unwrap_or_default().join(STORES);
    let allow = tool_config::allow(config, tool, &stores)?;
    let component = match installed::resolve(config, &tool.component)? {
        Some(installed) => installed,
        None => shelf.resolve(&tool.component)?,
    };
    Ok(ToolConfig { component, tables, effect: tool.effect, allow })
}

#[async_trait]
impl ToolBox for Toolboxes {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        let servers = self.servers.iter().flat_map(|servers| servers.specs());
        self.specs.iter().cloned().chain(servers).collect()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.of(tool)?.permits(tool, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.of(&request.tool)?.call(request).await
    }

    async fn metered(&self, request: ToolRequest, caller: Arc<dyn ToolCaller>) -> Called {
        match self.of(&request.tool) {
            Ok(tools) => tools.metered(request, caller).await,
            Err(error) => Err(error).into(),
        }
    }

    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        self.of(&request.tool)?.check(request).await
    }
}

#[cfg(test)]
mod tests;
