//! What a tool call costs, next to the least it could cost: `cargo run --release -p playhouse-tools-host --example
//! call_cost`. Run it on an idle machine; microseconds.
#![allow(clippy::print_stdout, reason = "the figures are the point")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use playhouse_core::id::{EffectId, TaskId, Tenant};
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Grant, Reach, ToolRequest};
use playhouse_ports::ToolBox;
use playhouse_tools_host::{Config, Isolation, ToolConfig, WasmToolBox, WorkerCommand};
use serde_json::json;

const CALLS: usize = 5_000;

fn main() {
    playhouse_tools_host::worker_entry();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads to run on").block_on(measure());
}

async fn measure() {
    let component = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../builtin/dist/calculator.wasm");
    let start = Instant::now();
    let tools = vec![ToolConfig { component, ..ToolConfig::default() }];
    let config = Config { tools, ..Config::default() };
    let tools = WasmToolBox::load(config.clone()).expect("the calculator loads");
    println!("load, compiled from scratch: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);

    let mut spans = Vec::new();
    for _ in 0..CALLS {
        let start = Instant::now();
        tokio::task::spawn_blocking(|| std::hint::black_box(42)).await.expect("nothing to panic");
        spans.push(start.elapsed());
    }
    report("floor: an empty job on a blocking thread", spans);

    report("tool call: checks, fresh instance, call, checks", calls(&tools).await);
    let program = WorkerCommand::this_program().expect("it calls `worker_entry`");
    let away = Config { isolation: Isolation::Process(program), ..config };
    let away = WasmToolBox::load(away).expect("the calculator loads");
    report("the same in a worker process", calls(&away).await);

    let mut spans = Vec::new();
    for _ in 0..CALLS / 20 {
        let start = Instant::now();
        Command::new("true").status().expect("every Unix has it");
        spans.push(start.elapsed());
    }
    report("for comparison: a process that does nothing", spans);
}

async fn calls(tools: &WasmToolBox) -> Vec<Duration> {
    let mut spans = Vec::new();
    for step in 0..CALLS {
        let request = request(u32::try_from(step).expect("a few thousand"));
        let start = Instant::now();
        tools.call(request).await.expect("it calculates");
        spans.push(start.elapsed());
    }
    spans
}

fn request(step: u32) -> ToolRequest {
    let task = TaskId::new("cost").expect("a plain name");
    ToolRequest {
        effect_id: EffectId::new(&task, step, 0),
        tenant: Tenant::local(),
        task,
        tool: "calculator".to_owned(),
        arguments: json!({"expression": "37 * 12"}),
        grant: Grant::default(),
        others: None,
        labels: Labels::default(),
        timeout_ms: 1_000,
        fuel: None,
        reached: Reach::default(),
    }
}

fn report(what: &str, mut spans: Vec<Duration>) {
    spans.sort_unstable();
    let at = |share: f64| spans[((spans.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what}: p50 {:.1}  p95 {:.1}  p99 {:.1}", at(0.5), at(0.95), at(0.99));
}
