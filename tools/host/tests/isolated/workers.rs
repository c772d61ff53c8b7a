//! Workers that die, hang or are stopped, and what there is in one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use playhouse_core::egress::{HttpGrant, HttpRule};
use playhouse_core::tool::{Grant, ToolErrorKind, ToolRequest};
use playhouse_ports::egress::{Egress, EgressError, Incoming, Outgoing, Secret};
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{
    Allow, Config, Isolation, Limits, SecretUse, ToolConfig, WasmToolBox, WorkerCommand,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{answer, base, failure, hostile, request, shipped, tool};

/// What the secret of these tests is. Written so that this text is not what is looked for.
fn key() -> String {
    ["sk", "worker", "canary", "5d81c9"].join("-")
}

/// The workers of one tool box: those started with its own mark.
struct Workers(String);

impl Workers {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self(format!("mark-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    fn isolation(&self) -> Isolation {
        let Isolation::Process(command) = crate::isolation() else { unreachable!("it says so") };
        Isolation::Process(WorkerCommand { args: vec![self.0.clone().into()], ..command })
    }

    fn alive(&self) -> Vec<i32> {
        let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let marked = |id: &i32| {
            fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).split('\0').any(|word| word == self.0))
        };
        ids.filter(marked).collect()
    }

    /// Those that have computed for a tenth of a second, once there are so many.
    async fn busy(&self, count: usize) -> Vec<i32> {
        for _ in 0..1_000 {
            let busy: Vec<_> = self.alive().into_iter().filter(|id| ticks(*id) >= 10).collect();
            if busy.len() >= count {
                return busy;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} workers never computed at the same time: {:?}", self.alive());
    }

    fn signal(&self, signal: Signal) {
        self.alive().into_iter().for_each(|id| send(id, signal));
    }
}

/// Hundredths of a second that a process has computed.
fn ticks(id: i32) -> u64 {
    stat(id).and_then(|stat| stat.split_whitespace().nth(11)?.parse().ok()).unwrap_or(0)
}

/// What the kernel says of a process, from its state on: the name before it stands in brackets and may hold anything.
fn stat(id: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(stat.rsplit(')').next()?.trim_start().to_owned())
}

fn send(id: i32, signal: Signal) {
    let pid = Pid::from_raw(id).expect("the id of a process");
    // It may have ended meanwhile.
    let _ = kill_process(pid, signal);
}

fn misbehaves(workers: &Workers) -> Arc<WasmToolBox> {
    let limits = Limits { fuel: u64::MAX / 2, ..Limits::default() };
    let tools = vec![tool(hostile("misbehaves"))];
    let config = Config { tools, limits, isolation: workers.isolation(), ..base() };
    Arc::new(WasmToolBox::load(config).expect("it describes itself like a good tool"))
}

fn endless(timeout_ms: u64) -> ToolRequest {
    ToolRequest { timeout_ms, ..request("misbehaves", json!({ "crime": "loop" })) }
}

#[tokio::test]
async fn a_worker_that_dies_costs_its_own_call_and_no_other() {
    for signal in [Signal::KILL, Signal::ABORT] {
        let workers = Workers::new();
        let tools = misbehaves(&workers);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let tools = Arc::clone(&tools);
            calls.spawn(async move { tools.metered(endless(6_000), nobody()).await });
        }
        send(workers.busy(3).await[0], signal);
        let first = calls.join_next().await.expect("there are three").expect("it does not panic");
        let error = first.result.expect_err("its worker died");
        assert_eq!(error.kind, ToolErrorKind::Crashed);
        assert!(error.message.contains("the call had reached nothing outside of it"), "{error}");
        assert!(first.receipt.expect("it ran").fuel > 0);
        let next = answer(&tools, "misbehaves", json!({ "crime": "count calls" })).await;
        assert_eq!(next, json!({"calls": 1}));
        while let Some(other) = calls.join_next().await {
            let error = other.expect("it does not panic").result.expect_err("it never ends by itself");
            assert_eq!(error.kind, ToolErrorKind::Timeout, "{error}");
        }
    }
}

/// Whether a process is gone, or holds nothing any more and waits to be asked how it ended. The first of its threads may
/// wait so while another still ends, with all that they have open in common.
fn has_ended(id: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
    threads <= 1 && stat(id).is_none_or(|stat| stat.starts_with('Z'))
}

#[tokio::test]
async fn a_worker_that_dies_while_it_rests_costs_no_call() {
    let workers = Workers::new();
    let tools = misbehaves(&workers);
    for _ in 0..5 {
        let resting = workers.alive();
        workers.signal(Signal::KILL);
        // What is killed ends when it gets to it, and its line after its memory.
        while !resting.iter().all(|id| has_ended(*id)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let next = answer(&tools, "misbehaves", json!({ "crime": "count calls" })).await;
        assert_eq!(next, json!({"calls": 1}));
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_killed_when_its_call_is_over() {
    let workers = Workers::new();
    let tools = misbehaves(&workers);
    let start = Instant::now();
    let mut calling = tokio::task::JoinSet::new();
    let called = Arc::clone(&tools);
    calling.spawn(async move { called.call(endless(3_000)).await });
    let hangs = workers.busy(1).await[0];
    send(hangs, Signal::STOP);
    let ended = calling.join_next().await.expect("there is one").expect("it does not panic");
    let error = ended.expect_err("it never ends by itself");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ToolErrorKind::Timeout, "the tool did not finish in time")
    );
    assert!(start.elapsed() >= Duration::from_secs(3));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!(!workers.alive().contains(&hangs), "a stopped process only ends if it is killed");
    answer(&tools, "misbehaves", json!({ "crime": "count calls" })).await;
}

#[tokio::test]
async fn workers_go_with_their_tool_box() {
    let workers = Workers::new();
    let tools = misbehaves(&workers);
    answer(&tools, "misbehaves", json!({ "crime": "count calls" })).await;
    assert!(!workers.alive().is_empty());
    drop(tools);
    for _ in 0..500 {
        if workers.alive().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("they live on: {:?}", workers.alive());
}

/// Kills the worker whose guest sends a request, and answers as if nothing had been.
struct Assassin(Arc<Workers>);

#[async_trait]
impl Egress for Assassin {
    async fn fetch(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        self.0.signal(Signal::KILL);
        let (headers, body) = (Vec::new(), b"done".to_vec());
        Ok(Incoming { status: 200, headers, body, truncated: false, url: request.url, requests: 1 })
    }
}

/// A call of `reaches`, which writes into the table `notes`.
fn noting(steps: serde_json::Value) -> ToolRequest {
    let grant = Grant { table: Some("notes".to_owned()), ..Grant::default() };
    ToolRequest { grant, ..request("reaches", steps) }
}

/// `reaches`, which may do a few things.
fn reaches(workers: &Arc<Workers>) -> WasmToolBox {
    let secret = SecretUse { value: Secret::new(key()), header: None, sign: true };
    let http =
        HttpGrant { rules: vec![HttpRule::reading("https://api.example.com")], ..HttpGrant::default() };
    let codes = [("a".to_owned(), "1".to_owned())].into();
    let home = std::env::temp_dir();
    let folder = playhouse_tools_host::FolderConfig {
        path: home.clone(),
        access: playhouse_core::grant::Access::Write,
        quota_bytes: 1,
    };
    let store = playhouse_tools_host::StoreConfig { folder: home.join(&workers.0), quota_bytes: 1_000 };
    let allow = Allow {
        http,
        secrets: [("signing".to_owned(), secret)].into(),
        folders: [("tmp".to_owned(), folder)].into(),
        stores: [("notes".to_owned(), store)].into(),
        tools: ["calculator".to_owned()].into(),
        ..Allow::default()
    };
    let reaches =
        ToolConfig { allow, tables: [("codes".to_owned(), codes)].into(), ..tool(hostile("reaches")) };
    let tools = vec![reaches, tool(shipped("calculator"))];
    let egress: Arc<dyn Egress> = Arc::new(Assassin(Arc::clone(workers)));
    let config = Config { tools, egress: Some(egress), isolation: workers.isolation(), ..base() };
    WasmToolBox::load(config).expect("all of it is granted")
}

#[tokio::test]
async fn a_call_that_reached_out_before_its_worker_died_may_have_taken_effect_and_says_so() {
    let workers = Arc::new(Workers::new());
    let tools = reaches(&workers);
    let steps = json!({"do": [["fetch", "GET", "https://api.example.com/"]]});
    let ended = tools.metered(noting(steps), nobody()).await;
    let error = ended.result.expect_err("its worker was killed");
    assert_eq!(error.kind, ToolErrorKind::Crashed);
    assert!(error.message.contains("may have taken effect"), "{error}");
    let receipt = ended.receipt.expect("it ran");
    assert_eq!((receipt.reached.calls, receipt.output), (1, None));
    let _ = fs::remove_dir_all(std::env::temp_dir().join(&workers.0));
}

#[tokio::test]
async fn a_worker_holds_no_secret_and_no_right() {
    let workers = Arc::new(Workers::new());
    let tools = reaches(&workers);
    let steps = json!({"do": [["sign", "signing", "x"]]});
    let signed = tools.call(noting(steps)).await.expect("all of it is granted");
    assert!(signed.to_string().contains("ok"), "the secret was used: {signed}");
    let ours = fs::read("/proc/self/environ").expect("Linux has it");
    assert!(ours.len() > 100, "there is an environment that could have been inherited");
    let alive = workers.alive();
    assert!(!alive.is_empty());
    for id in alive {
        let environment = fs::read_to_string(format!("/proc/{id}/environ")).expect("it is our child");
        assert_eq!(environment, "PLAYHOUSE_TOOL_WORKER=1\0");
        for fd in fs::read_dir(format!("/proc/{id}/fd")).expect("it is our child").flatten() {
            let to = fs::read_link(fd.path()).unwrap_or_default().display().to_string();
            let known = ["socket:", "pipe:", "/dev/null", "/memfd:", "/proc/"];
            assert!(known.iter().any(|begin| to.starts_with(begin)), "it has {to}");
        }
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it is our child");
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"] {
            assert!(status.contains(line), "{line} in {status}");
        }
        let (searched, found) = search(id, key().as_bytes());
        assert!(searched > 1 << 20, "{searched} bytes of its memory were looked at");
        assert!(!found, "the secret is in the memory of the worker");
        assert!(search(id, b"playhouse:tool").1, "what is there is found");
    }
    let _ = fs::remove_dir_all(std::env::temp_dir().join(&workers.0));
}

/// How many bytes of its memory could be read, and whether `wanted` is in there.
fn search(id: i32, wanted: &[u8]) -> (u64, bool) {
    let mut maps = String::new();
    let mut file = fs::File::open(format!("/proc/{id}/maps")).expect("it is our child");
    file.read_to_string(&mut maps).expect("it is text");
    let memory = fs::File::open(format!("/proc/{id}/mem")).expect("it is our child");
    let (mut searched, mut found) = (0, false);
    let mut page = vec![0; 1 << 20];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|may| may.starts_with('r'))) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let at = |text| u64::from_str_radix(text, 16).expect("a number");
        let (mut here, end) = (at(from), at(to));
        while here < end {
            let most = usize::try_from(end - here).unwrap_or(usize::MAX).min(page.len());
            // What cannot be read is a page that the kernel keeps to itself.
            let Ok(read @ 1..) = memory.read_at(&mut page[..most], here) else { break };
            searched += read as u64;
            found |= page[..read].windows(wanted.len()).any(|part| part == wanted);
            here += read as u64;
        }
    }
    (searched, found)
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_refused_with_a_remedy() {
    let load = |program: &str| {
        let isolation = Isolation::Process(WorkerCommand::new(program));
        WasmToolBox::load(Config { isolation, ..base() }).expect_err("it is no worker").to_string()
    };
    assert!(
        load("/nowhere/worker")
            .contains("`/nowhere/worker`: no worker process could be started: there is no such")
    );
    assert!(load("/bin/true").contains("does it call `worker_entry` first?"));
    let unprepared = WorkerCommand::this_program().expect_err("the main of tests calls nothing").to_string();
    assert!(unprepared.contains("its `main` has to call `worker_entry` first thing"), "{unprepared}");
}

#[tokio::test]
async fn a_worker_above_the_number_that_stays_ends_when_it_is_idle() {
    let workers = Workers::new();
    let tools = misbehaves(&workers);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..cores + 3 {
        let tools = Arc::clone(&tools);
        calls.spawn(async move { failure(&tools, "misbehaves", json!({ "crime": "loop" })).await.0 });
    }
    assert!(calls.join_all().await.iter().all(|kind| *kind == ToolErrorKind::Timeout));
    assert!(workers.alive().len() > cores, "{:?}", workers.alive());
    for _ in 0..600 {
        if workers.alive().len() == cores {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} workers live on for {cores} cores", workers.alive().len());
}
