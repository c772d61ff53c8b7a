//! Where the corpus is run: everything granted, and something to be found beside each grant by whoever gets out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use async_trait::async_trait;
use playhouse_core::egress::{HttpGrant, HttpLimits, HttpRule};
use playhouse_core::grant::Access;
use playhouse_core::model::Reply;
use playhouse_core::tool::{Grant, ToolError, ToolProgress, ToolRequest};
use playhouse_ports::egress::{Egress, EgressError, EgressErrorKind, Incoming, Outgoing, Secret};
use playhouse_ports::{ToolCaller, ToolQuestion, nobody};
use playhouse_tools_host::{
    Allow, Config, FolderConfig, Limits, LoadError, SecretHeader, SecretUse, StoreConfig, ToolConfig,
    WasmToolBox,
};
use playhouse_tools_policy::{Allowed, Decision, Target, check_headers};
use rustix::fs::{CWD, RenameFlags, renameat_with as rename};
use serde_json::Value;
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::support::{base, hostile, request, shipped, tool};

/// The secret that is granted. It has a character that JSON and one that URLs write differently.
pub(crate) const KEY: &str = "sk-canary/7f3b\"9c2e+5d81";
/// What lies outside of the folders.
const OUTSIDE: &str = "CANARY-OUTSIDE-OF-THE-FOLDER";
/// What another tenant keeps.
const OTHERS: &str = "CANARY-OF-ANOTHER-TENANT";
/// What one call may put into the log: 16 KiB of its own words, each line with a name and an id before it.
const LOGGED_MAX: usize = 32 << 10;
/// So many letters of a secret in a row are most of it.
const MOST_OF_IT: usize = 14;

pub(crate) struct Place {
    home: TempDir,
    door: Arc<Door>,
    watch: Arc<Watch>,
    shared: Arc<WasmToolBox>,
}

impl Place {
    pub(crate) fn new() -> Self {
        listen();
        let home = TempDir::new().expect("a folder");
        for folder in ["docs", "out", "outside", "stores/t-other"] {
            fs::create_dir_all(home.path().join(folder)).expect("the folder is ours");
        }
        let put = |path: &str, text: &str| fs::write(home.path().join(path), text).expect("it is ours");
        put("docs/a.txt", "hello");
        put("docs/leak.txt", KEY);
        put("outside/canary.txt", OUTSIDE);
        // "secret", as a table keeps its keys.
        put("stores/t-other/736563726574", OTHERS);
        links(&home);
        let (door, watch) = (Arc::new(Door::default()), Arc::new(Watch::default()));
        let tools = vec![
            granted(&home, hostile("reaches")),
            tool(hostile("misbehaves")),
            tool(shipped("calculator")),
        ];
        let shared = WasmToolBox::load(config(&home, &door, tools)).expect("all of it is granted");
        Self { home, door, watch, shared: Arc::new(shared) }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.home.path().join(inside)
    }

    pub(crate) fn shared(&self) -> Arc<WasmToolBox> {
        Arc::clone(&self.shared)
    }

    /// Who calls, and hears how far the calls are.
    pub(crate) fn caller(&self) -> Arc<Watch> {
        Arc::clone(&self.watch)
    }

    /// A tool box with that component and a neighbour.
    pub(crate) fn load(&self, component: Vec<u8>) -> Result<Arc<WasmToolBox>, LoadError> {
        let path = self.path("guest.wasm");
        fs::write(&path, component).expect("the folder is ours");
        let mut guest = granted(&self.home, path);
        guest.allow.tools = ["calculator".to_owned()].into();
        let codes = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        guest.tables = BTreeMap::from([("codes".to_owned(), codes)]);
        let tools = vec![guest, tool(shipped("calculator"))];
        WasmToolBox::load(config(&self.home, &self.door, tools)).map(Arc::new)
    }

    pub(crate) fn request(&self, tool: &str, arguments: Value) -> ToolRequest {
        let grant = Grant { table: Some("notes".to_owned()), ..Grant::default() };
        let timeout_ms = super::CALL.as_millis() as u64;
        ToolRequest { grant, timeout_ms, ..request(tool, arguments) }
    }

    /// Swaps `out/flip`, a folder, for a link out of `out` and back, until what is returned is dropped.
    pub(crate) fn flip(&self) -> Flipping {
        let (out, stop) = (self.path("out"), Arc::new(AtomicBool::new(false)));
        let [here, link] = ["flip", "flip-link"].map(|name| out.join(name));
        fs::create_dir_all(&here).expect("the folder is ours");
        fs::write(here.join("canary.txt"), "inside").expect("the folder is ours");
        let _ = symlink("../outside", &link);
        let stopped = Arc::clone(&stop);
        let swap = move || {
            while !stopped.load(Ordering::Relaxed) {
                // Twice, so that it ends as it began; at once, so that nothing can be made where nothing is.
                for _ in 0..2 {
                    rename(CWD, &here, CWD, &link, RenameFlags::EXCHANGE).expect("the folder is ours");
                }
            }
        };
        Flipping { stop, thread: Some(std::thread::spawn(swap)) }
    }

    /// What somebody got at who should not have, if anybody did. `told` is what the call came to.
    pub(crate) fn touched(&self, told: &str) -> Option<String> {
        let outside = fs::read_dir(self.path("outside")).expect("it is there").count();
        let text = fs::read_to_string(self.path("outside/canary.txt")).unwrap_or_default();
        if outside != 1 || text != OUTSIDE {
            return Some("something outside of the folders was changed".to_owned());
        }
        let theirs = fs::read_to_string(self.path("stores/t-other/736563726574")).unwrap_or_default();
        if theirs != OTHERS {
            return Some("the table of another tenant was changed".to_owned());
        }
        if !self.door.through.lock().expect("no panics").is_empty() {
            return Some(format!("it got through to {:?}", self.door.through.lock().expect("no panics")));
        }
        let mut heard = std::mem::take(&mut *self.watch.0.lock().expect("no panics"));
        let mut lines = std::mem::take(&mut *LINES.lock().expect("no panics"));
        let logged: usize = lines.iter().map(String::len).sum();
        if logged > LOGGED_MAX {
            return Some(format!("it put {logged} bytes into the log"));
        }
        heard.append(&mut lines);
        heard.push(told.to_owned());
        heard.iter().find_map(|text| seen_in(text)).map(|what| format!("it saw or told {what}"))
    }
}

/// Swaps until it is dropped.
pub(crate) struct Flipping {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Flipping {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).transpose().expect("it swaps to the end");
    }
}

/// Which canary is in `text`.
fn seen_in(text: &str) -> Option<&'static str> {
    let key = KEY.as_bytes();
    let most = key.windows(MOST_OF_IT).any(|part| text.contains(&*String::from_utf8_lossy(part)));
    let found = [
        (most, "a secret"),
        (text.contains(OUTSIDE), "what lies outside of its folders"),
        (text.contains(OTHERS), "what another tenant keeps"),
        (text.contains("root:x:0"), "the users of this machine"),
    ];
    found.into_iter().find_map(|(is_there, what)| is_there.then_some(what))
}

/// Links that lead out, from a folder that is granted.
fn links(home: &TempDir) {
    let docs = home.path().join("docs");
    let outside = home.path().join("outside");
    for (to, name) in [
        ("../outside", "dir"),
        ("../outside/canary.txt", "file"),
        (outside.to_str().expect("plain text"), "absolute"),
        ("..", "up"),
        ("/", "root"),
        ("/proc/self/root", "magic"),
        ("chained2/canary.txt", "chained"),
        ("../outside", "chained2"),
        ("round", "round"),
        ("/dev/zero", "endless"),
        ("/etc/passwd", "passwd"),
    ] {
        symlink(to, docs.join(name)).expect("the folder is ours");
        symlink(to, home.path().join("out").join(name)).expect("the folder is ours");
    }
    for folder in ["docs", "out"] {
        let made = std::process::Command::new("mkfifo").arg(home.path().join(folder).join("pipe")).status();
        assert!(made.expect("every Unix has it").success());
    }
}

fn config(home: &TempDir, door: &Arc<Door>, tools: Vec<ToolConfig>) -> Config {
    Config {
        tools,
        cache: Some(home.path().join("cache")),
        egress: Some(Arc::clone(door) as Arc<dyn Egress>),
        // Fuel for ten times as long as a call lasts, so that a fast machine ends the same way as a slow one.
        limits: Limits {
            memory_bytes: 16 << 20,
            fuel: 50_000_000_000,
            running: 4,
            waiting: 4,
            ..Limits::default()
        },
        ..base()
    }
}

/// `component` with everything that there is to grant.
fn granted(home: &TempDir, component: PathBuf) -> ToolConfig {
    let folder = |name: &str, access| {
        let (path, quota_bytes) = (home.path().join(name), 64 << 10);
        (name.to_owned(), FolderConfig { path, access, quota_bytes })
    };
    let header = SecretHeader {
        origin: "https://api.example.com".into(),
        header: "authorization".into(),
        format: "Bearer {}".into(),
    };
    let secret = |header, sign| SecretUse { value: Secret::new(KEY), header, sign };
    let rules = vec![HttpRule::reading("https://api.example.com")];
    let limits = HttpLimits { requests_per_call: 4, ..HttpLimits::default() };
    let stores = StoreConfig { folder: home.path().join("stores"), quota_bytes: 200_000 };
    let allow = Allow {
        stores: [("notes".to_owned(), stores)].into(),
        folders: [folder("docs", Access::Read), folder("out", Access::Write)].into(),
        http: HttpGrant { rules, limits },
        secrets: [
            ("api".to_owned(), secret(Some(header), false)),
            ("signing".to_owned(), secret(None, true)),
        ]
        .into(),
        tools: ["calculator".to_owned(), "reaches".to_owned()].into(),
        ..Allow::default()
    };
    ToolConfig { allow, ..tool(component) }
}

/// The way out: the policy that the guard of `tools/http` goes by, and behind it a count of those who got through to
/// anything that is not granted. The granted server echoes what it gets, and a name is whatever suits an attacker.
#[derive(Default)]
pub(crate) struct Door {
    through: Mutex<Vec<String>>,
}

#[async_trait]
impl Egress for Door {
    async fn fetch(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        let refused = |kind, message: String| EgressError { kind, message, requests: 0 };
        let target = Target::parse(&request.url)
            .map_err(|error| refused(EgressErrorKind::BadRequest, error.to_string()))?;
        check_headers(&request.headers)
            .map_err(|error| refused(EgressErrorKind::BadRequest, error.to_string()))?;
        let parties = request.grants.iter().map(|granted| (granted.by.as_str(), &granted.grant));
        let allowed = Allowed::by_all(parties)
            .map_err(|error| refused(EgressErrorKind::BadRequest, error.to_string()))?;
        if request.requests_before >= allowed.limits().requests_per_call {
            return Err(refused(EgressErrorKind::Limit, "too many requests".to_owned()));
        }
        let decision = allowed.decide(&request.method, &target);
        if let Decision::Denied { .. } = decision {
            return Err(refused(EgressErrorKind::NotGranted, decision.explain()));
        }
        if target.origin().to_string() != "https://api.example.com" {
            self.through.lock().expect("no panics").push(request.url.clone());
        }
        if target.path() == "/never" {
            std::future::pending::<()>().await;
        }
        let attached = request.attach.first().map_or("nothing", |attach| attach.value.expose());
        if target.path() == "/fails" {
            return Err(EgressError {
                kind: EgressErrorKind::Network,
                message: format!("refused by {attached}"),
                requests: 1,
            });
        }
        Ok(Incoming {
            status: 200,
            headers: vec![("x-seen".to_owned(), attached.to_owned())],
            body: serde_json::json!({ "you sent": attached }).to_string().into_bytes(),
            truncated: false,
            url: format!("https://api.example.com/?you={attached}"),
            requests: 1,
        })
    }
}

/// What those who wait are told.
#[derive(Default)]
pub(crate) struct Watch(Mutex<Vec<String>>);

#[async_trait]
impl ToolCaller for Watch {
    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        nobody().ask(question).await
    }

    fn progress(&self, progress: ToolProgress) {
        self.0.lock().expect("no panics").push(format!("{progress:?}").replace("\\\"", "\""));
    }
}

/// What the operator's log says, until a case looks at it.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The lines of it about crashes, all of them.
static CRASHES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps what is logged from now on.
pub(crate) fn listen() {
    let _ = tracing::subscriber::set_global_default(Lines);
}

/// What the log says of the crash of the call with that effect id.
pub(crate) fn crash(effect: &str) -> Option<String> {
    let (lines, wanted) = (CRASHES.lock().expect("no panics"), format!(" effect={effect} "));
    lines.iter().find(|line| line.contains(&wanted)).cloned()
}

struct Lines;

impl tracing::Subscriber for Lines {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        about.target().starts_with("tool") || about.target().starts_with("playhouse")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {field}={value:?}"));
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        if event.metadata().fields().field("trace").is_some() {
            CRASHES.lock().expect("no panics").push(text.0.clone());
        }
        LINES.lock().expect("no panics").push(text.0);
    }
}

/// Resident memory of this process.
pub(crate) fn rss_kb() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: u64 = statm.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a number");
    pages * 4
}
