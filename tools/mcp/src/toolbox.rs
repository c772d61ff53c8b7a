//! The tools of all servers as one tool box.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;
use playhouse_core::tool::{Called, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use playhouse_ports::{ToolBox, ToolCaller};
use serde_json::Value;

use crate::{ApproveError, ConfigError, McpServer, ServerConfig, pins::Pins};

/// Where an [`McpToolBox`] keeps what.
#[derive(Debug, Clone)]
pub struct McpOptions {
    /// Holds a working folder for each server.
    pub folders: PathBuf,
    /// The file that pins the tools: `mcp.lock`.
    pub lock: PathBuf,
}

impl McpOptions {
    /// Keeps everything in `folder`.
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { lock: folder.join("mcp.lock"), folders: folder.join("mcp") }
    }
}

/// A [`ToolBox`] over MCP servers. Its tools are called `SERVER__tool`.
#[derive(Debug)]
pub struct McpToolBox {
    servers: BTreeMap<String, Arc<McpServer>>,
}

impl McpToolBox {
    /// Checks the configuration and reads the pins. Starts nothing: see [`McpServer::run`].
    pub fn open(servers: BTreeMap<String, ServerConfig>, options: &McpOptions) -> Result<Self, ConfigError> {
        let pins = Arc::new(Pins::open(options.lock.clone())?);
        let server = |(name, config): (String, ServerConfig)| {
            config.check(&name)?;
            let folder = options.folders.join(&name);
            let server = McpServer::new(name.clone(), config, folder, pins.clone());
            Ok((name, Arc::new(server)))
        };
        Ok(Self { servers: servers.into_iter().map(server).collect::<Result<_, ConfigError>>()? })
    }

    /// The servers, by name. Each has to be [run](McpServer::run), under a supervisor that starts it again.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<McpServer>> {
        self.servers.values()
    }

    /// The server `name`.
    pub fn server(&self, name: &str) -> Option<&Arc<McpServer>> {
        self.servers.get(name)
    }

    /// Waits until no server is run any more, and those have ended whose runs were dropped. See [`McpServer::left`].
    pub async fn close(&self) {
        join_all(self.servers.values().map(|server| server.left())).await;
    }

    /// Approves a tool that changed, by the name that models use, as its server lists it now.
    pub fn approve(&self, tool: &str) -> Result<(), ApproveError> {
        let unknown = || ApproveError::Unknown(format!("no MCP server has a tool `{tool}`"));
        self.of(tool).ok_or_else(unknown)?.approve(tool)
    }

    /// The server of a tool: names of servers have no underscores.
    fn of(&self, tool: &str) -> Option<&Arc<McpServer>> {
        self.servers.get(tool.split_once("__")?.0)
    }

    fn server_of(&self, tool: &str) -> Result<&Arc<McpServer>, ToolError> {
        let unknown = || ToolError::new(ToolErrorKind::UnknownTool, format!("there is no tool `{tool}`"));
        self.of(tool).ok_or_else(unknown)
    }
}

#[async_trait]
impl ToolBox for McpToolBox {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.servers.values().flat_map(|server| server.specs()).collect()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        let server = self.server_of(tool)?;
        server.open(tool)?;
        // Nothing of it can be held to: what the server does is out of sight.
        if *grant != Grant::default() {
            let server = server.name();
            let told = format!(
                "`{tool}` is a tool of an MCP server: an agent can neither give it a table nor narrow what it may touch; \
                 [mcp.{server}] in the configuration does"
            );
            return Err(ToolError::new(ToolErrorKind::Denied, told));
        }
        Ok(())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.server_of(&request.tool)?.call(request, None).await
    }

    async fn metered(&self, request: ToolRequest, caller: Arc<dyn ToolCaller>) -> Called {
        match self.server_of(&request.tool) {
            Ok(server) => server.call(request, Some(caller)).await.into(),
            Err(error) => Err(error).into(),
        }
    }
}
