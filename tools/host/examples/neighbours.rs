//! What a well-behaved tool feels of those beside it that mean harm, and how late those are ended: `cargo run --release -p
//! playhouse-tools-host --example neighbours`. Run it on an idle machine.
//!
//! One caller asks the shipped calculator at a steady pace: alone, then beside as many hostile calls as there are cores, one
//! crime after the other without a pause, and alone again, which shows the noise. Hostile calls have a tenth of a second each.
//! With the argument `process`, all of them in worker processes.
#![allow(clippy::print_stdout, reason = "the figures are the point")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use playhouse_core::id::{EffectId, TaskId, Tenant};
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Grant, Reach, ToolRequest};
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Config, Isolation, ToolConfig, WasmToolBox, WorkerCommand};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Calls of the neighbour that are timed, in each part, and the time between two of them.
const CALLS: usize = 4_000;
const PACE: Duration = Duration::from_micros(500);
/// Hostile calls at once, and the time of each.
const HOSTILE: usize = 2;
const HOSTILE_TIME: Duration = Duration::from_millis(100);
/// How much later one may end.
const LATE_MAX: Duration = Duration::from_millis(20);
const CRIMES: [&str; 6] = ["loop", "allocate", "recurse", "huge output", "huge error", "deep json"];

fn main() {
    // The worker processes are this program, too.
    playhouse_tools_host::worker_entry();
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    tokio.expect("threads to run on").block_on(measure());
}

async fn measure() {
    let isolation = match std::env::args().nth(1).as_deref() {
        Some("process") => {
            Isolation::Process(WorkerCommand::this_program().expect("it calls `worker_entry`"))
        }
        _ => Isolation::default(),
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let tool = |path: &str| ToolConfig { component: root.join(path), ..ToolConfig::default() };
    let tools = vec![tool("../builtin/dist/calculator.wasm"), tool("tests/guests/misbehaves.wasm")];
    let tools = WasmToolBox::load(Config { tools, isolation, ..Config::default() }).expect("they are ours");
    let tools = Arc::new(tools);
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    neighbour(&tools, CALLS / 10).await; // The first calls touch what later ones find.
    report("alone", &mut neighbour(&tools, CALLS).await);
    let mut all_late = Vec::new();
    for crime in CRIMES {
        let stop = Arc::new(AtomicBool::new(false));
        let mut hostile = JoinSet::new();
        for _ in 0..HOSTILE {
            hostile.spawn(commit(Arc::clone(&tools), crime, Arc::clone(&stop)));
        }
        let mut beside = neighbour(&tools, CALLS).await;
        stop.store(true, Ordering::Relaxed);
        let (calls, late): (Vec<_>, Vec<_>) = hostile.join_all().await.into_iter().unzip();
        report(&format!("beside `{crime}`, {} hostile calls", calls.iter().sum::<usize>()), &mut beside);
        all_late.extend(late.into_iter().flatten());
    }
    report("alone again", &mut neighbour(&tools, CALLS).await);
    report("those that lasted to it, after the deadline", &mut all_late);
    let in_time = all_late.iter().filter(|late| **late <= LATE_MAX).count();
    println!("within {} ms of it: {in_time} of {}", LATE_MAX.as_millis(), all_late.len());
}

fn request(tool: &str, arguments: Value, time: Duration) -> ToolRequest {
    let task = TaskId::new("neighbours").expect("a plain name");
    ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: tool.to_owned(),
        arguments,
        grant: Grant::default(),
        labels: Labels::default(),
        timeout_ms: u64::try_from(time.as_millis()).expect("a short time"),
        fuel: None,
        reached: Reach::default(),
    }
}

/// How long each call of the neighbour takes, on a thread of the runtime as a planner's would.
async fn neighbour(tools: &Arc<WasmToolBox>, calls: usize) -> Vec<Duration> {
    let (tools, mut caller) = (Arc::clone(tools), JoinSet::new());
    caller.spawn(async move {
        let mut times = Vec::with_capacity(calls);
        for n in 0..calls {
            tokio::time::sleep(PACE).await;
            let sum = json!({ "expression": format!("{n} + 1") });
            let request = request("calculator", sum, Duration::from_secs(10));
            let began = Instant::now();
            let output = tools.metered(request, nobody()).await.result.expect("it calculates");
            times.push(began.elapsed());
            assert_eq!(output["result"], (n + 1).to_string());
        }
        times
    });
    caller.join_all().await.swap_remove(0)
}

/// Commits `crime` again and again; how long after its deadline each call ended that reached it.
async fn commit(
    tools: Arc<WasmToolBox>,
    crime: &'static str,
    stop: Arc<AtomicBool>,
) -> (usize, Vec<Duration>) {
    let (mut calls, mut late) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let request = request("misbehaves", json!({ "crime": crime }), HOSTILE_TIME);
        let began = Instant::now();
        assert!(tools.metered(request, nobody()).await.result.is_err(), "`{crime}` is a crime");
        late.extend(began.elapsed().checked_sub(HOSTILE_TIME));
        calls += 1;
        // Between two calls of a task there is a message to its planner, at least.
        tokio::task::yield_now().await;
    }
    (calls, late)
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!("{what:44} p50 {:8.1} us   p99 {:8.1} us   most {:8.1} us", at(50), at(99), at(100));
}
