//! What else could be called instead: a process for each call, and processes that stay and are spoken to over stdio.
//!
//! None of them has a sandbox, a memory limit or a deadline, but for the MCP server, which our own client confines.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use playhouse_benches::figures::{Figures, Spread};
use playhouse_tools_mcp::{McpOptions, McpToolBox, ServerConfig};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, Tool,
    },
    service::RequestContext,
    transport::stdio,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{rate, timed};

/// Processes are slow: so many are enough for a median.
const PROCESSES: usize = 300;
/// The calculator of the server, by the name that a model has for it.
const TOOL: &str = "peer__calculator";

/// Prints what each of them costs.
pub(crate) async fn measure(figures: &Figures, calls: usize) -> Result<()> {
    figures.note("a process per call, which does nothing", Spread::of(processes()?));
    figures.note("a process that stays, JSON over its stdio", Spread::of(lines(calls)?));
    let folder = tempfile::tempdir()?;
    let program = std::env::current_exe()?;
    let config = ServerConfig {
        command: Some(program.to_str().context("its path is text")?.to_owned()),
        args: vec!["serve".to_owned()],
        tools: vec!["*".to_owned()],
        ..ServerConfig::default()
    };
    let tools = McpToolBox::open([("peer".to_owned(), config)].into(), &McpOptions::within(folder.path()))?;
    let tools = Arc::new(tools);
    let server = Arc::clone(tools.server("peer").context("there is one")?);
    let mut running = JoinSet::new();
    running.spawn({
        let server = Arc::clone(&server);
        async move { server.run().await }
    });
    server.ready().await;
    timed(&tools, TOOL, calls / 10).await?;
    let times = Spread::of(timed(&tools, TOOL, calls).await?);
    figures.note("a server of the official MCP SDK, over its stdio", times);
    let calls_per_s = rate(&tools, TOOL, 2).await?;
    figures.note("calls per second to it, two callers", format!("{calls_per_s:.0}"));
    Ok(())
}

fn processes() -> Result<Vec<Duration>> {
    (0..PROCESSES)
        .map(|_| {
            let began = Instant::now();
            let ended = Command::new("true").status().context("there is no `true`")?;
            ensure!(ended.success(), "`true` is false");
            Ok(began.elapsed())
        })
        .collect()
}

fn lines(calls: usize) -> Result<Vec<Duration>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("echo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut to = child.stdin.take().context("it has a stdin")?;
    let mut from = BufReader::new(child.stdout.take().context("it has a stdout")?);
    let mut times = Vec::with_capacity(calls);
    for n in 0..calls {
        let (began, mut answer) = (Instant::now(), String::new());
        let call = json!({ "jsonrpc": "2.0", "id": n, "method": "tools/call", "params": { "arguments": { "n": n } } });
        writeln!(to, "{call}")?;
        from.read_line(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer)?;
        times.push(began.elapsed());
        ensure!(answer["id"] == n, "it answers something else");
    }
    drop(to);
    ensure!(child.wait()?.success(), "it ends well");
    Ok(times)
}

/// The process that stays.
pub(crate) fn echo() -> Result<()> {
    let mut to = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let answer = json!({ "jsonrpc": "2.0", "id": call["id"], "result": call["params"]["arguments"] });
        writeln!(to, "{answer}")?;
    }
    Ok(())
}

/// The MCP server, until its stdin ends.
pub(crate) async fn serve() -> Result<()> {
    Calculator.serve(stdio()).await?.waiting().await?;
    Ok(())
}

/// Knows what this bench asks: `n + 1`.
struct Calculator;

impl ServerHandler for Calculator {
    fn get_info(&self) -> rmcp::model::ServerConfig {
        rmcp::model::ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object", "properties": { "expression": { "type": "string" } } });
        let schema = schema.as_object().cloned().unwrap_or_default();
        let tool = Tool::new("calculator", "Adds one.", Arc::new(schema));
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let n = arguments
            .get("expression")
            .and_then(|sum| sum.as_str()?.strip_suffix(" + 1")?.parse::<u64>().ok());
        let n = n.ok_or_else(|| ErrorData::invalid_params("only `n + 1`", None))?;
        Ok(CallToolResult::structured(json!({ "result": (n + 1).to_string() })).into())
    }
}
