//! What a sandboxed call costs: a fresh instance with every limit on, through the port, as a planner pays for it.
//!
//! Beside it, in the same run, what the machine makes of arithmetic that takes as long, and what the alternatives cost:
//! a process for each call, which does nothing; a process that stays and answers a line of JSON with a line of JSON; and
//! an MCP server of the official SDK over stdio.
//!
//! And what it costs when guests run in worker processes.
//!
//! The call is the shipped calculator, a small component from Rust. Its arguments and its result are checked
//! against its schemas.

mod idle;
mod interpreters;
mod limits;
mod machine;
mod peers;

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
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
use tokio::task::{JoinSet, coop::consume_budget};

/// As in the program `playhouse`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One caller, on a quiet machine.
const P50_US: f64 = 12.0;
const P99_US: f64 = 25.0;
/// Two threads, as a multiple of one, and in calls per second.
const SCALES: f64 = 1.6;
const CALLS_PER_S: f64 = 120_000.0;
/// Rounds of both, one after the other, so that what the machine does otherwise meets both alike.
const ROUNDS: usize = 5;
/// Calls at once, and what they may add to the memory of the process.
const AT_ONCE: usize = 1_000;
const RSS_MB: f64 = 64.0;
/// The tool that is called, but where its peers are.
const CALCULATOR: &str = "calculator";

/// What a sandboxed call costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Calls that are timed one by one.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// A component of the template for Python, to be timed as well.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A component of the template for JavaScript or TypeScript.
    #[arg(long)]
    javascript: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Answers each line with a line, until there are no more.
    #[command(hide = true)]
    Echo,
    /// An MCP server of the official SDK, over stdio.
    #[command(hide = true)]
    Serve,
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
        Some(Part::Echo) => return peers::echo().map(|()| ExitCode::SUCCESS),
        Some(Part::Serve) => return tokio.block_on(peers::serve()).map(|()| ExitCode::SUCCESS),
        Some(Part::Idle { folder, tools }) => {
            return tokio
                .block_on(idle::hold(&folder, tools, request(CALCULATOR, 1)))
                .map(|()| ExitCode::SUCCESS);
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
        timed(&tools, CALCULATOR, args.calls / 10).await?; // The first calls touch what later ones find.
        let one = Spread::of(timed(&tools, CALCULATOR, args.calls).await?);
        figures.at_most("one caller, median", one.ms(50.0) * 1e3, P50_US, "us");
        figures.at_most("one caller, 99th percentile", one.ms(99.0) * 1e3, P99_US, "us");
        machine::measure(&figures, args.calls);
        let Rates { single, double, multiples } = Rates::measure(&tools).await?;
        figures.note("calls per second, one caller and two", format!("{single:.0}, {double:.0}"));
        let [worst, .., best] = multiples;
        figures
            .note("two callers as a multiple of one, worst and best round", format!("{worst:.2}, {best:.2}"));
        figures.at_least("two callers, as a multiple of one", multiples[ROUNDS / 2], SCALES, "");
        figures.at_least("two callers", double, CALLS_PER_S, "calls/s");
        timed(&away, CALCULATOR, args.calls / 10).await?;
        figures.note(
            "the same call in a worker process",
            Spread::of(timed(&away, CALCULATOR, args.calls).await?),
        );
        let Rates { single, double, .. } = Rates::measure(&away).await?;
        figures.note("calls per second there, one caller and two", format!("{single:.0}, {double:.0}"));
        crowd(&mut figures).await?;
        idle::measure(&mut figures, &component)?;
        interpreters::measure(&mut figures, args.python.as_deref(), args.javascript.as_deref()).await?;
        limits::measure(&figures, &component).await?;
        peers::measure(&figures, args.calls / 10).await
    })?;
    Ok(figures.verdict())
}

fn request(tool: &str, n: usize) -> ToolRequest {
    let task = TaskId::new("bench").expect("a plain name");
    ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: tool.to_owned(),
        arguments: json!({ "expression": format!("{n} + 1") }),
        grant: Grant::default(),
        others: None,
        labels: Labels::default(),
        timeout_ms: 10_000,
        fuel: None,
        reached: Reach::default(),
    }
}

/// How long each call takes, on a thread of the runtime as a planner's would.
async fn timed(
    tools: &Arc<impl ToolBox + 'static>,
    tool: &'static str,
    calls: usize,
) -> Result<Vec<Duration>> {
    let (mut caller, tools) = (JoinSet::new(), Arc::clone(tools));
    caller.spawn(async move {
        let mut times = Vec::with_capacity(calls);
        for n in 0..calls {
            let (request, right) = (request(tool, n), (n + 1).to_string());
            let began = Instant::now();
            let called = tools.metered(request, nobody()).await;
            times.push(began.elapsed());
            let output = called.result?;
            ensure!(output["result"].as_str() == Some(&right), "{n} + 1 is not {output}");
            // Between calls a planner waits for its journal. A call does not give up its caller's turn.
            consume_budget().await;
        }
        Ok(times)
    });
    caller.join_next().await.context("there is one")??
}

/// What one caller and two get from each other's processors, in the middle of some rounds: a single look of two seconds
/// found between 1.4 and 2.0 on one machine within minutes.
struct Rates {
    /// Calls per second.
    single: f64,
    double: f64,
    /// Two as a multiple of one, round by round, from the worst to the best.
    multiples: [f64; ROUNDS],
}

impl Rates {
    async fn measure(tools: &Arc<impl ToolBox + 'static>) -> Result<Self> {
        let (mut single, mut double, mut multiples) = ([0.0; ROUNDS], [0.0; ROUNDS], [0.0; ROUNDS]);
        for round in 0..ROUNDS {
            single[round] = rate(tools, CALCULATOR, 1).await?;
            double[round] = rate(tools, CALCULATOR, 2).await?;
            multiples[round] = double[round] / single[round];
        }
        for figures in [&mut single, &mut double, &mut multiples] {
            figures.sort_by(f64::total_cmp);
        }
        Ok(Self { single: single[ROUNDS / 2], double: double[ROUNDS / 2], multiples })
    }
}

/// Calls per second of so many callers.
async fn rate(tools: &Arc<impl ToolBox + 'static>, tool: &'static str, callers: usize) -> Result<f64> {
    let (began, time) = (Instant::now(), Duration::from_millis(500));
    let mut lanes = JoinSet::new();
    for _ in 0..callers {
        let tools = Arc::clone(tools);
        lanes.spawn(async move {
            let mut calls = 0;
            while began.elapsed() < time {
                black_box(tools.call(request(tool, calls)).await?);
                consume_budget().await;
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
        let request =
            ToolRequest { tool: "misbehaves".into(), arguments, timeout_ms: 500, ..request(CALCULATOR, 0) };
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
