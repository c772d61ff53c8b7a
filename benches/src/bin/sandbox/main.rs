//! What a sandboxed call costs: a fresh instance with every limit on, through the port, as a planner pays for it.
//!
//! Beside it, in the same run, what the alternatives cost: a process for each call, which does nothing, and a
//! process that stays and answers a line of JSON with a line of JSON, as the best MCP server over stdio would. Neither
//! of them has a sandbox, a memory limit or a deadline.
//!
//! And what it costs when guests run in worker processes.
//!
//! The call is the shipped calculator, a small component from Rust. Its arguments and its result are checked
//! against its schemas.

mod idle;
mod limits;

use std::{
    hint::black_box,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use playhouse_benches::{
    cost,
    figures::{Figures, Spread},
};
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolRequest},
};
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Config, Isolation, ToolConfig, WasmToolBox, WorkerCommand};
use serde_json::json;
use tokio::task::JoinSet;

/// As in the program `playhouse`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One caller, on a quiet machine.
const P50_US: f64 = 12.0;
const P99_US: f64 = 25.0;
/// Two threads, as a multiple of one, and in calls per second.
const SCALES: f64 = 1.6;
const CALLS_PER_S: f64 = 120_000.0;
/// Calls at once, and what they may add to the memory of the process.
const AT_ONCE: usize = 1_000;
const RSS_MB: f64 = 64.0;
/// Processes are slow: so many are enough for a median.
const PROCESSES: usize = 300;

/// What a sandboxed call costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Calls that are timed one by one.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Answers each line with a line, until there are no more.
    #[command(hide = true)]
    Echo,
    /// Holds so many tools of a folder, and says how much memory that takes.
    #[command(hide = true)]
    Idle { folder: PathBuf, tools: usize },
}

fn main() -> Result<ExitCode> {
    // The worker processes are this program, too.
    playhouse_tools_host::worker_entry();
    let args = Args::parse();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match args.part {
        Some(Part::Echo) => return echo().map(|()| ExitCode::SUCCESS),
        Some(Part::Idle { folder, tools }) => {
            return tokio.block_on(idle::hold(&folder, tools, request(1))).map(|()| ExitCode::SUCCESS);
        }
        None => {}
    }
    let mut figures = Figures::begin("a sandboxed call, fresh instance, all limits on");
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/builtin/dist/calculator.wasm");
    let config = Config {
        tools: vec![ToolConfig { component: component.clone(), ..ToolConfig::default() }],
        ..Config::default()
    };
    let isolation = Isolation::Process(WorkerCommand::this_program()?);
    let away = Arc::new(WasmToolBox::load(Config { isolation, ..config.clone() })?);
    let tools = Arc::new(WasmToolBox::load(config)?);
    tokio.block_on(async {
        timed(&tools, args.calls / 10).await?; // The first calls touch what later ones find.
        let one = Spread::of(timed(&tools, args.calls).await?);
        figures.at_most("one caller, median", one.ms(50.0) * 1e3, P50_US, "us");
        figures.at_most("one caller, 99th percentile", one.ms(99.0) * 1e3, P99_US, "us");
        let (single, double) = (rate(&tools, 1).await?, rate(&tools, 2).await?);
        figures.note("calls per second, one caller and two", format!("{single:.0}, {double:.0}"));
        figures.at_least("two callers, as a multiple of one", double / single, SCALES, "");
        figures.at_least("two callers", double, CALLS_PER_S, "calls/s");
        timed(&away, args.calls / 10).await?;
        figures.note("the same call in a worker process", Spread::of(timed(&away, args.calls).await?));
        let (single, double) = (rate(&away, 1).await?, rate(&away, 2).await?);
        figures.note("calls per second there, one caller and two", format!("{single:.0}, {double:.0}"));
        crowd(&mut figures).await?;
        idle::measure(&mut figures, &component)?;
        limits::measure(&figures, &component).await
    })?;
    figures.note("a process per call, which does nothing", Spread::of(processes()?));
    figures.note("a process that stays, JSON over its stdio", Spread::of(lines(args.calls / 10)?));
    Ok(figures.verdict())
}

fn request(n: usize) -> ToolRequest {
    let task = TaskId::new("bench").expect("a plain name");
    ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: "calculator".into(),
        arguments: json!({ "expression": format!("{n} + 1") }),
        grant: Grant::default(),
        labels: Labels::default(),
        timeout_ms: 10_000,
        fuel: None,
        reached: Reach::default(),
    }
}

/// How long each call takes, on a thread of the runtime as a planner's would.
async fn timed(tools: &Arc<WasmToolBox>, calls: usize) -> Result<Vec<Duration>> {
    let (mut caller, tools) = (JoinSet::new(), Arc::clone(tools));
    caller.spawn(async move {
        let mut times = Vec::with_capacity(calls);
        for n in 0..calls {
            let (request, right) = (request(n), (n + 1).to_string());
            let began = Instant::now();
            let called = tools.metered(request, nobody()).await;
            times.push(began.elapsed());
            let output = called.result?;
            ensure!(output["result"].as_str() == Some(&right), "{n} + 1 is not {output}");
        }
        Ok(times)
    });
    caller.join_next().await.context("there is one")??
}

/// Calls per second of so many callers.
async fn rate(tools: &Arc<WasmToolBox>, callers: usize) -> Result<f64> {
    let (began, time) = (Instant::now(), Duration::from_secs(2));
    let mut lanes = JoinSet::new();
    for _ in 0..callers {
        let tools = Arc::clone(tools);
        lanes.spawn(async move {
            let mut calls = 0;
            while began.elapsed() < time {
                black_box(tools.call(request(calls)).await?);
                calls += 1;
            }
            anyhow::Ok(calls)
        });
    }
    let mut calls = 0;
    while let Some(lane) = lanes.join_next().await {
        calls += lane??;
    }
    Ok(calls as f64 / began.elapsed().as_secs_f64())
}

/// A thousand calls that do not end by themselves, at once: as many run as there are slots, the rest waits.
async fn crowd(figures: &mut Figures) -> Result<()> {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/host/tests/guests/misbehaves.wasm");
    let config =
        Config { tools: vec![ToolConfig { component, ..ToolConfig::default() }], ..Config::default() };
    let tools = Arc::new(WasmToolBox::load(config)?);
    let before_kb = cost::memory()?.now_kb;
    let (mut calls, mut most_kb) = (JoinSet::new(), 0);
    for _ in 0..AT_ONCE {
        let tools = Arc::clone(&tools);
        let arguments = json!({ "crime": "loop" });
        let request = ToolRequest { tool: "misbehaves".into(), arguments, timeout_ms: 500, ..request(0) };
        calls.spawn(async move { tools.metered(request, nobody()).await });
    }
    let mut ended = 0;
    while let Some(call) = calls.join_next().await {
        ensure!(call?.result.is_err(), "it never ends by itself");
        (ended, most_kb) = (ended + 1, cost::memory()?.now_kb.max(most_kb));
    }
    ensure!(ended == AT_ONCE, "each is answered");
    let more_mb = most_kb.saturating_sub(before_kb) as f64 / 1e3;
    figures.at_most("memory that 1,000 endless calls at once add", more_mb, RSS_MB, "MB");
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
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        times.push(began.elapsed());
        ensure!(answer["id"] == n, "it answers something else");
    }
    drop(to);
    ensure!(child.wait()?.success(), "it ends well");
    Ok(times)
}

fn echo() -> Result<()> {
    let mut to = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let call: serde_json::Value = serde_json::from_str(&line?)?;
        writeln!(
            to,
            "{}",
            json!({ "jsonrpc": "2.0", "id": call["id"], "result": call["params"]["arguments"] })
        )?;
    }
    Ok(())
}
