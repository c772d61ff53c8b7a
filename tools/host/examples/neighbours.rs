//! What a well-behaved tool feels of those beside it that mean harm, and how late those are ended: `cargo run --release -p
//! playhouse-tools-host --example neighbours`. Run it on an idle machine.
//!
//! One caller asks the shipped calculator at a steady pace: alone, beside two callers who compare long texts, which is honest
//! work and shows what busy cores cost anybody, then beside two who commit one crime after the other without a pause, and
//! alone again, which shows the noise. A hostile call has a tenth of a second.
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
/// Calls beside it at once, and the time of a hostile one.
const BESIDE: usize = 2;
const HOSTILE_TIME: Duration = Duration::from_millis(100);
/// The same for an honest one, which needs a hundredth of it.
const HONEST_TIME: Duration = Duration::from_secs(1);
/// Lines of each of the texts that are compared.
const LINES: usize = 500;
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
    let tools =
        ["../builtin/dist/calculator.wasm", "../builtin/dist/diff.wasm", "tests/guests/misbehaves.wasm"];
    let tools = tools.into_iter().map(tool).collect();
    let tools = WasmToolBox::load(Config { tools, isolation, ..Config::default() }).expect("they are ours");
    let tools = Arc::new(tools);
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    neighbour(&tools, CALLS / 10).await; // The first calls touch what later ones find.
    report("alone", &mut neighbour(&tools, CALLS).await);
    beside(&tools, "honest work", &long_texts()).await;
    let mut all_late = Vec::new();
    for crime in CRIMES {
        let hostile = request("misbehaves", json!({ "crime": crime }), HOSTILE_TIME);
        all_late.extend(beside(&tools, &format!("`{crime}`"), &hostile).await);
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
        others: None,
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

/// Times the neighbour while others make `call` again and again; how long after their deadline those ended that reached it.
async fn beside(tools: &Arc<WasmToolBox>, what: &str, call: &ToolRequest) -> Vec<Duration> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = JoinSet::new();
    for _ in 0..BESIDE {
        others.spawn(again_and_again(Arc::clone(tools), call.clone(), Arc::clone(&stop)));
    }
    let mut times = neighbour(tools, CALLS).await;
    stop.store(true, Ordering::Relaxed);
    let (calls, late): (Vec<_>, Vec<_>) = others.join_all().await.into_iter().unzip();
    report(&format!("beside {what}, {} calls", calls.iter().sum::<usize>()), &mut times);
    late.into_iter().flatten().collect()
}

async fn again_and_again(
    tools: Arc<WasmToolBox>,
    call: ToolRequest,
    stop: Arc<AtomicBool>,
) -> (usize, Vec<Duration>) {
    let (mut calls, mut late) = (0, Vec::new());
    let time = Duration::from_millis(call.timeout_ms);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let result = tools.metered(call.clone(), nobody()).await.result;
        assert_eq!(
            result.is_err(),
            call.tool == "misbehaves",
            "honest work succeeds, and no crime: {result:?}"
        );
        late.extend(began.elapsed().checked_sub(time));
        calls += 1;
        // Between two calls of a task there is a message to its planner, at least.
        tokio::task::yield_now().await;
    }
    (calls, late)
}

/// A call that compares two texts of which every other line differs.
fn long_texts() -> ToolRequest {
    let text = |other: &str| {
        let line = |n| {
            if n % 2 == 0 {
                format!("line {n} is the same in both\n")
            } else {
                format!("line {n} is {other}\n")
            }
        };
        (0..LINES).map(line).collect::<String>()
    };
    request("diff", json!({ "before": text("old"), "after": text("new") }), HONEST_TIME)
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!("{what:44} p50 {:8.1} us   p99 {:8.1} us   most {:8.1} us", at(50), at(99), at(100));
}
