//! A tool box over one server, kept running as a supervisor would.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::{Host, McpOptions, McpServer, McpToolBox, ServerConfig, ServerExit, ServerStatus};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Nothing here takes as long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Time of a call that is to succeed.
pub(crate) const CALL_MS: u64 = 20_000;

/// The name of the one server.
pub(crate) const SERVER: &str = "s";

/// A running server and its tool box.
pub(crate) struct Stage {
    pub(crate) tools: Arc<McpToolBox>,
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) exits: mpsc::UnboundedReceiver<ServerExit>,
    _running: JoinSet<()>,
}

/// The program of the example `name`, which `cargo test` has built.
pub(crate) fn example(name: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "`cargo build --examples -p playhouse-tools-mcp` makes {}", program.display());
    program.to_str().unwrap().to_owned()
}

/// A stdio server with all its tools allowed.
pub(crate) fn stdio(program: &str, args: &[&str]) -> ServerConfig {
    ServerConfig {
        command: Some(example(program)),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        tools: vec!["*".into()],
        ..ServerConfig::default()
    }
}

/// The hostile server that does `how`.
pub(crate) fn hostile(how: &str) -> ServerConfig {
    stdio("hostile", &[how])
}

impl Stage {
    /// Opens the tool box and runs its server again and again.
    pub(crate) fn run(config: ServerConfig) -> Self {
        Self::run_in(Arc::new(tempfile::tempdir().unwrap()), config, None)
    }

    /// The same in a folder that may have pins.
    pub(crate) fn run_in(
        folder: Arc<tempfile::TempDir>,
        config: ServerConfig,
        host: Option<Arc<dyn Host>>,
    ) -> Self {
        let mut options = McpOptions::within(folder.path());
        options.host = host.unwrap_or(options.host);
        let tools = McpToolBox::open(BTreeMap::from([(SERVER.to_owned(), config)]), &options).unwrap();
        let tools = Arc::new(tools);
        let (report, exits) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let server = tools.server(SERVER).unwrap().clone();
        running.spawn(async move { while report.send(server.run().await).is_ok() {} });
        Self { tools, folder, exits, _running: running }
    }

    /// Waits until the server has listed its tools.
    pub(crate) async fn ready(self) -> Self {
        timeout(PATIENCE, self.server().ready()).await.expect("it becomes ready");
        self
    }

    pub(crate) fn server(&self) -> Arc<McpServer> {
        self.tools.server(SERVER).unwrap().clone()
    }

    pub(crate) fn status(&self) -> ServerStatus {
        self.server().status()
    }

    /// Calls `tool` of the server, with time enough.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        self.call_within(tool, arguments, CALL_MS).await
    }

    pub(crate) async fn call_within(
        &self,
        tool: &str,
        arguments: Value,
        ms: u64,
    ) -> Result<Value, ToolError> {
        let call = self.tools.call(request(tool, arguments, ms));
        timeout(PATIENCE, call).await.expect("a call ends within its time")
    }

    /// Why the call of the hostile server's only tool failed.
    pub(crate) async fn failure(&self, ms: u64) -> ToolError {
        self.call_within("t", json!({}), ms).await.expect_err("it is hostile")
    }

    /// How the next life ends.
    pub(crate) async fn exit(&mut self) -> ServerExit {
        timeout(PATIENCE, self.exits.recv()).await.expect("the life ends").expect("somebody reports")
    }

    /// The same, in words.
    pub(crate) async fn gone(&mut self) -> String {
        match self.exit().await {
            ServerExit::Gone { problem, .. } => problem,
            other => panic!("{other}"),
        }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("mcp").join(SERVER)
    }
}

pub(crate) fn request(tool: &str, arguments: Value, timeout_ms: u64) -> ToolRequest {
    let task = TaskId::new("task-1").unwrap();
    ToolRequest {
        effect_id: EffectId::new(&task, 3, 1),
        tenant: Tenant::local(),
        task,
        tool: format!("{SERVER}__{tool}"),
        arguments,
        grant: Grant::default(),
        labels: Labels::default(),
        timeout_ms,
        fuel: None,
        reached: Reach::default(),
    }
}

/// Waits until `holds`, which must happen soon.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether an error is of this kind and says this.
#[track_caller]
pub(crate) fn expect(error: &ToolError, kind: ToolErrorKind, said: &str) {
    assert!(error.kind == kind && error.message.contains(said), "{error:?}");
}
