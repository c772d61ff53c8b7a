//! What one call of a small tool costs, over stdio to a server of the official SDK in another process. Build that one
//! first: `cargo build --release -p playhouse-tools-mcp --example official`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolRequest},
};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::{McpOptions, McpToolBox, ServerConfig};
use tokio::task::JoinSet;

/// Calls per round.
const CALLS: usize = 5_000;

fn request() -> Result<ToolRequest, Box<dyn std::error::Error>> {
    let task = TaskId::new("task-1")?;
    Ok(ToolRequest {
        effect_id: EffectId::new(&task, 1, 1),
        tenant: Tenant::local(),
        task,
        tool: "s__echo".into(),
        arguments: serde_json::json!({ "text": "hello" }),
        grant: Grant::default(),
        labels: Labels::default(),
        timeout_ms: 10_000,
        fuel: None,
        reached: Reach::default(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let official = std::env::current_exe()?.with_file_name("official");
    let config = ServerConfig {
        command: official.to_str().map(Into::into),
        tools: vec!["*".into()],
        concurrency: 64,
        ..ServerConfig::default()
    };
    let folder = std::env::temp_dir().join(format!("playhouse-call-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let begun = Instant::now();
    let tools = McpToolBox::open(BTreeMap::from([("s".into(), config)]), &McpOptions::within(&folder))?;
    let server = tools.server("s").ok_or("there is one")?.clone();
    let mut running = JoinSet::new();
    running.spawn({
        let server = server.clone();
        async move { server.run().await }
    });
    server.ready().await;
    println!("started, listed and pinned in {:?}", begun.elapsed());
    for callers in [1, 32] {
        let begun = Instant::now();
        let call = |_| async {
            let begun = Instant::now();
            tools
                .call(request().map_err(|error| error.to_string())?)
                .await
                .map_err(|error| error.to_string())?;
            Ok(begun.elapsed())
        };
        let times: Vec<Result<Duration, String>> =
            stream::iter(0..CALLS).map(call).buffer_unordered(callers).collect().await;
        let took = begun.elapsed();
        let mut times = times.into_iter().collect::<Result<Vec<_>, _>>()?;
        times.sort();
        let at = |part: usize| times[CALLS * part / 1_000];
        let rate = CALLS as f64 / took.as_secs_f64();
        println!("{callers} at once: {rate:.0} calls/s, p50 {:?}, p99 {:?}", at(500), at(990));
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
