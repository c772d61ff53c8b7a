//! A component that reaches for everything gets what is granted, and is told what is not.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use playhouse_core::egress::{HttpGrant, HttpRule};
use playhouse_core::grant::{Access, Bounds, Capability, LabelRule};
use playhouse_core::labels::Labels;
use playhouse_core::model::Reply;
use playhouse_core::tool::{EffectClass, Grant, ToolError, ToolErrorKind, ToolProgress, ToolRequest};
use playhouse_ports::egress::{Egress, EgressError, EgressErrorKind, Incoming, Outgoing, Secret};
use playhouse_ports::{ToolBox, ToolCaller, ToolQuestion, nobody};
use playhouse_tools_host::{
    Allow, Config, FolderConfig, Limits, Question, SecretHeader, SecretUse, Standing, StoreConfig,
    ToolConfig, WasmToolBox,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{base, hostile, request, shipped, tool};

const KEY: &str = "sk-test-0123456789";

/// A world outside that answers with what it was sent, headers of the host included: the rudest of servers.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    pub(crate) seen: Mutex<Vec<Outgoing>>,
}

#[async_trait]
impl Egress for Echo {
    async fn fetch(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        self.seen.lock().expect("no test panics in here").push(request.clone());
        if request.url.ends_with("/never") {
            std::future::pending::<()>().await;
        }
        if request.url.ends_with("/refused") {
            let (kind, message) = (EgressErrorKind::PrivateAddress, "out of reach".to_owned());
            return Err(EgressError { kind, message, requests: 1 });
        }
        let headers = request.attach.iter().map(|a| ("x-seen".to_owned(), a.value.expose().to_owned()));
        let body = format!("you sent {}", request.attach.first().map_or("nothing", |a| a.value.expose()));
        Ok(Incoming {
            status: 200,
            headers: headers.collect(),
            body: body.into_bytes(),
            truncated: false,
            url: request.url.clone(),
            requests: 1,
        })
    }
}

/// A task that writes down what its calls say.
#[derive(Default)]
struct Watcher(Mutex<Vec<ToolProgress>>);

#[async_trait]
impl ToolCaller for Watcher {
    fn progress(&self, progress: ToolProgress) {
        self.0.lock().expect("no test panics in here").push(progress);
    }

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        nobody().ask(question).await
    }
}

/// A tool box with `reaches`, `calculator`, and everything granted.
struct House {
    home: TempDir,
    echo: Arc<Echo>,
    tools: WasmToolBox,
}

fn everything(home: &TempDir) -> ToolConfig {
    let (docs, out) = (home.path().join("docs"), home.path().join("out"));
    let _ = (fs::create_dir(&docs), fs::create_dir(&out));
    fs::write(docs.join("a.txt"), "hello").expect("the folder is ours");
    let folder = |path, access| FolderConfig { path, access, quota_bytes: 100 };
    let header = SecretHeader {
        origin: "https://api.example.com".into(),
        header: "authorization".into(),
        format: "Bearer {}".into(),
    };
    let secret = |header, sign| SecretUse { value: Secret::new(KEY), header, sign };
    let allow = Allow {
        stores: [(
            "notes".to_owned(),
            StoreConfig { folder: home.path().join("stores"), quota_bytes: 200_000 },
        )]
        .into(),
        folders: [
            ("docs".to_owned(), folder(docs, Access::Read)),
            ("out".to_owned(), folder(out, Access::Write)),
        ]
        .into(),
        http: HttpGrant { rules: vec![HttpRule::reading("https://api.example.com")], ..HttpGrant::default() },
        secrets: [
            ("api".to_owned(), secret(Some(header), false)),
            ("signing".to_owned(), secret(None, true)),
        ]
        .into(),
        tools: ["calculator".to_owned(), "reaches".to_owned()].into(),
        labels: vec![LabelRule {
            label: "tool:web".into(),
            without: [Capability::Http, Capability::Tools].into(),
        }],
        ..Allow::default()
    };
    ToolConfig { allow, ..tool(hostile("reaches")) }
}

fn house_with(change: impl FnOnce(&mut ToolConfig)) -> House {
    let home = TempDir::new().expect("a folder");
    let echo = Arc::new(Echo::default());
    let mut reaches = everything(&home);
    change(&mut reaches);
    let config = Config {
        tools: vec![reaches, tool(shipped("calculator"))],
        egress: Some(echo.clone()),
        limits: Limits { running: 8, ..Limits::default() },
        ..base()
    };
    let tools = WasmToolBox::load(config).expect("all of it is granted");
    House { home, echo, tools }
}

fn house() -> House {
    house_with(|_| {})
}

fn asking(steps: Value) -> ToolRequest {
    let grant = Grant { table: Some("notes".to_owned()), ..Grant::default() };
    ToolRequest { grant, ..request("reaches", json!({ "do": steps })) }
}

impl House {
    async fn does(&self, steps: Value) -> Value {
        let mut found = self.tools.call(asking(steps)).await.expect("it answers whatever comes of it");
        found.as_array_mut().into_iter().flatten().for_each(name_errors);
        found
    }

    async fn one(&self, step: Value) -> Value {
        self.does(json!([step])).await[0].take()
    }
}

/// `Error { code: 0, name: "denied", … }`, as the guest's bindings print an enum, as `denied`.
fn name_errors(found: &mut Value) {
    let name = found["err"]
        .as_str()
        .and_then(|text| text.strip_prefix("Error {")?.split('"').nth(1))
        .map(str::to_owned);
    if let Some(name) = name {
        found["err"] = name.into();
    }
}

#[tokio::test]
async fn a_call_knows_its_id_its_time_and_random_numbers_that_stay() {
    let house = house();
    let found =
        house.does(json!([["effect-id"], ["time-left"], ["now"], ["random", 8], ["random", 8]])).await;
    assert_eq!(found[0]["ok"], "task-1/1.0");
    assert!((1..=2_000).contains(&found[1]["ok"].as_u64().expect("milliseconds")));
    assert!(found[2]["ok"].as_u64().expect("milliseconds") > 1_700_000_000_000);
    assert_ne!(found[3], found[4]);
    assert_eq!(
        house.does(json!([["random", 8], ["random", 8]])).await[1],
        found[4],
        "a repeated call gets the same"
    );
    let hungry = house.tools.call(asking(json!([["random", 70_000]]))).await.expect_err("that is too much");
    assert_eq!(hungry.kind, ToolErrorKind::Denied);
}

#[tokio::test]
async fn progress_and_parts_reach_those_who_watch_and_the_log_is_bounded() {
    let (house, watcher) = (house(), Arc::new(Watcher::default()));
    let steps = json!([
        ["report", 1, 3, "reading\nfiles"],
        ["partial", "so far"],
        ["partial", KEY],
        ["log", "line", 200]
    ]);
    house.tools.metered(asking(steps), watcher.clone()).await.result.expect("it says all that");
    let told = watcher.0.lock().expect("no panics").clone();
    let report = ToolProgress::Report { done: 1, total: 3, message: "reading files".into() };
    assert_eq!(told, [report, ToolProgress::Partial("so far".into())], "and nothing that holds a secret");
}

#[tokio::test]
async fn a_table_is_written_per_tenant_and_read_back_by_a_later_start() {
    let house = house();
    let found = house.does(json!([
        ["kv.put", "a", "1"],
        ["kv.put", "b", "2"],
        ["kv.get", "a"],
        ["kv.keys", ""],
        ["kv.delete", "b"]
    ]));
    assert_eq!(
        found.await,
        json!([{"ok": null}, {"ok": null}, {"ok": "1"}, {"ok": ["a", "b"]}, {"ok": true}])
    );
    let other = ToolRequest {
        tenant: playhouse_core::id::Tenant::new("..").expect("a name"),
        ..asking(json!([["kv.get", "a"]]))
    };
    assert_eq!(house.tools.call(other).await.expect("it answers"), json!([{"ok": null}]));
    assert!(
        house.home.path().join("stores/t-local").is_dir() && house.home.path().join("stores/t-..").is_dir()
    );
    let too_much = house.one(json!(["kv.put", "big", "x", 70_000])).await;
    assert_eq!(too_much, json!({"err": "a value has at most 65536 bytes"}));
    let quota = house
        .does(json!([
            ["kv.put", "c", "x", 60_000],
            ["kv.put", "d", "x", 60_000],
            ["kv.put", "e", "x", 60_000],
            ["kv.put", "f", "x", 60_000]
        ]))
        .await;
    assert_eq!(quota[3], json!({"err": "the table's quota is used up: remove something"}));
}

#[tokio::test]
async fn folders_are_open_as_far_as_they_were_granted() {
    let house = house();
    let found = house
        .does(json!([
            ["roots"],
            ["stat", "docs"],
            ["stat", "docs/a.txt"],
            ["entries", "docs"],
            ["read", "docs/a.txt"],
            ["read", "docs/none"],
            ["write", "docs/a.txt", "x"],
            ["write", "out/deep/b.txt", "new"],
            ["read", "out/deep/b.txt"],
            ["write", "out/b", &"x".repeat(200)],
            ["read", "docs/../../etc/passwd"],
            ["read", "/etc/passwd"],
            ["read", "other/a"],
            ["remove", "out/deep/b.txt"],
            ["read", ""],
        ]))
        .await;
    let expected = json!([
        {"ok": ["docs", "out"]}, {"ok": ["docs", 0, true]}, {"ok": ["a.txt", 5, false]}, {"ok": ["a.txt"]}, {"ok": "hello"},
        {"err": "not-found"}, {"err": "denied"}, {"ok": null}, {"ok": "new"}, {"err": "limit"},
        {"err": "denied"}, {"err": "denied"}, {"err": "denied"}, {"ok": null}, {"err": "denied"},
    ]);
    assert_eq!(found, expected);
    assert_eq!(fs::read_to_string(house.home.path().join("docs/a.txt")).expect("still there"), "hello");
}

#[tokio::test]
async fn a_request_leaves_with_the_grants_of_all_a_key_of_its_own_and_no_more_time_than_there_is() {
    let house = house();
    let mut narrow = asking(json!([
        ["fetch", "GET", "https://api.example.com/a"],
        ["fetch", "POST", "https://api.example.com/b", {}, "body"]
    ]));
    narrow.grant.http = Some(HttpGrant::default());
    house.tools.call(narrow).await.expect("it answers");
    let seen = house.echo.seen.lock().expect("no panics").clone();
    let by: Vec<_> = seen[0].grants.iter().map(|granted| granted.by.as_str()).collect();
    assert_eq!(by, ["operator", "agent"]);
    assert_eq!((seen[0].requests_before, seen[1].requests_before), (0, 1));
    assert_eq!(seen[0].idempotency_key.as_deref(), Some("task-1/1.0.1"));
    assert_eq!(seen[1].idempotency_key.as_deref(), Some("task-1/1.0.2"));
    assert!(seen.iter().all(|request| request.timeout_ms < 2_000 && request.attach.is_empty()));
    assert_eq!(seen[1].body, b"body");
    let refused = house.one(json!(["fetch", "GET", "https://api.example.com/refused"])).await;
    assert_eq!(refused, json!({"err": ["ErrorKind::PrivateAddress", "out of reach"]}));
}

#[tokio::test]
async fn a_secret_is_attached_by_the_host_and_seen_by_nobody_else() {
    let house = house();
    let url = "https://api.example.com/a";
    let found = house.one(json!(["fetch", "GET", url, {}, "", ["api"]])).await;
    let sent = house.echo.seen.lock().expect("no panics")[0].attach[0].clone();
    assert_eq!(
        (sent.header.as_str(), sent.value.expose(), sent.origin.as_str()),
        ("authorization", "Bearer sk-test-0123456789", "https://api.example.com")
    );
    assert_eq!(
        found["ok"]["body"], "you sent Bearer [secret]",
        "a server that sends it back does not tell it to the guest"
    );
    assert_eq!(found["ok"]["headers"], json!([["x-seen", "Bearer [secret]"]]));
    for (secrets, part) in
        [(json!(["signing"]), "is granted for signing"), (json!(["other"]), "no secret `other` is granted")]
    {
        let refused = house.one(json!(["fetch", "GET", url, {}, "", secrets])).await;
        assert!(refused["err"][1].as_str().expect("a sentence").contains(part), "{refused}");
    }
    assert_eq!(house.echo.seen.lock().expect("no panics").len(), 1, "what is refused does not leave");
    let granted =
        house.does(json!([["is-granted", "api"], ["is-granted", "other"], ["sign", "api", "x"]])).await;
    assert_eq!((&granted[0]["ok"], &granted[1]["ok"]), (&json!(true), &json!(false)));
    assert_eq!(granted[2]["err"], "no secret `api` is granted for signing");
    let signature = house.one(json!(["sign", "signing", "payload"])).await;
    assert_eq!(signature["ok"].as_array().map(Vec::len), Some(32));
}

#[tokio::test]
async fn a_secret_that_a_guest_got_hold_of_leaves_in_no_clothes_and_is_in_no_output() {
    let house = house();
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (url, header, body) in [
        (format!("https://api.example.com/?k={KEY}"), "", ""),
        ("https://api.example.com/".to_owned(), KEY, ""),
        ("https://api.example.com/".to_owned(), "", KEY),
        ("https://api.example.com/".to_owned(), "", &hex),
        (format!("https://{hex}.example.com/"), "", ""),
    ] {
        let refused = house.one(json!(["fetch", "POST", url, {"x-a": header}, body])).await;
        assert_eq!(refused["err"][0], "ErrorKind::SecretLeak", "{refused}");
        assert!(!refused.to_string().contains(KEY));
    }
    assert!(house.echo.seen.lock().expect("no panics").is_empty());
    fs::write(house.home.path().join("docs/leak.txt"), KEY).expect("the folder is ours");
    let told =
        house.tools.call(asking(json!([["read", "docs/leak.txt"]]))).await.expect_err("it is withheld");
    assert_eq!(told.kind, ToolErrorKind::BadOutput);
    assert!(told.message.contains("holds the secret") && !told.message.contains(KEY), "{}", told.message);
}

#[tokio::test]
async fn a_tool_calls_another_within_its_own_fuel_and_not_itself_without_end() {
    let house = house();
    let sum = json!(["tool", "calculator", {"expression": "6*7"}]);
    let called = house.tools.metered(asking(json!([sum])), nobody()).await;
    assert_eq!(called.result.expect("it answers")[0]["ok"]["result"], "42");
    let alone =
        house.tools.metered(asking(json!([["effect-id"]])), nobody()).await.receipt.expect("it ran").fuel;
    let both = called.receipt.expect("it ran").fuel;
    let calculator = house.tools.metered(request("calculator", json!({"expression": "6*7"})), nobody()).await;
    assert!(
        both > alone + calculator.receipt.expect("it ran").fuel / 2,
        "what the other computes is this call's own: {both}"
    );
    let wrong = house.does(json!([["tool", "calculator", {"expression": 1}], ["tool", "convert", {}]])).await;
    assert_eq!(wrong[0]["err"][0], "invalid-input");
    assert_eq!(
        wrong[1]["err"],
        json!([
            "denied",
            "the tool `convert` is not granted to this one; granted are: `calculator`, `reaches`"
        ])
    );
    // One that an agent narrows is narrowed here, too, and one that it does not have is not to be had.
    let inner = json!(["tool", "reaches", {"do": [["read", "docs/a.txt"]]}]);
    let of_agent = |grant: Option<Grant>| {
        let others = Some(grant.map(|grant| ("reaches".to_owned(), grant)).into_iter().collect());
        let grant = Grant { table: Some("notes".to_owned()), ..Grant::default() };
        ToolRequest { others, grant, ..asking(json!([inner])) }
    };
    let notes = Grant { table: Some("notes".to_owned()), ..Grant::default() };
    let none = Grant { folders: Some(BTreeMap::new()), ..notes.clone() };
    let told = |found: Value| found[0].to_string();
    let free = told(house.tools.call(of_agent(Some(notes))).await.expect("it answers"));
    let narrowed = told(house.tools.call(of_agent(Some(none))).await.expect("it answers"));
    assert!(!free.contains("denied") && narrowed.contains("denied"), "{free} {narrowed}");
    let absent = told(house.tools.call(of_agent(None)).await.expect("it answers"));
    assert!(absent.contains("no other tool may call `reaches` for this agent"), "{absent}");
    let mut deep = json!(["effect-id"]);
    for _ in 0..10 {
        deep = json!(["tool", "reaches", {"do": [deep]}]);
    }
    let told = house.one(deep).await.to_string();
    assert!(told.contains("at most 4 tools may wait for each other"), "{told}");
    let mut endless = asking(json!([["tool", "reaches", {"do": [["spin"]]}]]));
    endless.timeout_ms = 200;
    let start = Instant::now();
    assert_eq!(house.tools.call(endless).await.expect_err("it never ends").kind, ToolErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_host_function_that_waits_ends_with_the_call_and_when_nobody_waits_any_more() {
    let house = house();
    let mut never = asking(json!([["fetch", "GET", "https://api.example.com/never"]]));
    never.timeout_ms = 100;
    let start = Instant::now();
    let told = house.tools.call(never.clone()).await.expect_err("nobody answers");
    assert_eq!(told.kind, ToolErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_millis(1_000), "{:?}", start.elapsed());
    // Eight that nobody waits for any more leave the eight slots long before their own deadlines.
    never.timeout_ms = 10_000;
    for _ in 0..8 {
        assert!(
            tokio::time::timeout(Duration::from_millis(20), house.tools.call(never.clone())).await.is_err()
        );
    }
    let start = Instant::now();
    assert_eq!(house.one(json!(["effect-id"])).await["ok"], "task-1/1.0");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_an_agent_does_not_grant_and_what_labels_withhold_is_not_there() {
    let house = house();
    let mut narrow = asking(
        json!([["roots"], ["write", "out/x", "x"], ["is-granted", "api"], ["tool", "calculator", {"expression": "1"}]]),
    );
    narrow.grant.folders = Some(BTreeMap::from([("out".to_owned(), Access::Read)]));
    narrow.grant.secrets = Some([].into());
    narrow.grant.tools = Some(["reaches".to_owned()].into());
    let mut found = house.tools.call(narrow).await.expect("it answers");
    found.as_array_mut().into_iter().flatten().for_each(name_errors);
    assert_eq!(found[0]["ok"], json!(["out"]));
    assert_eq!((&found[1]["err"], &found[2]["ok"]), (&json!("denied"), &json!(false)));
    assert!(found[3]["err"][1].as_str().expect("a sentence").contains("not granted to this one"));

    let mut tainted = asking(
        json!([["fetch", "GET", "https://api.example.com/"], ["tool", "calculator", {"expression": "1"}], ["kv.get", "a"]]),
    );
    tainted.labels = Labels::of(["user", "tool:web"]);
    let found = house.tools.call(tainted).await.expect("it answers");
    let why = "`http` is withheld, because something in this task comes from `tool:web`";
    assert_eq!(found[0]["err"], json!(["ErrorKind::NotGranted", why]));
    assert_eq!(found[1]["err"][0], "denied");
    assert_eq!(found[2]["ok"], Value::Null);
    assert!(house.echo.seen.lock().expect("no panics").is_empty());
}

#[test]
fn each_capability_is_refused_at_load_when_the_operator_does_not_allow_it() {
    let refusal = |change: &dyn Fn(&mut ToolConfig)| {
        let home = TempDir::new().expect("a folder");
        let mut config = everything(&home);
        change(&mut config);
        let egress: Arc<dyn Egress> = Arc::new(Echo::default());
        let tools = vec![config, tool(shipped("calculator"))];
        WasmToolBox::load(Config { tools, egress: Some(egress), ..base() }).expect_err("refused").to_string()
    };
    let read_only = |config: &mut ToolConfig| {
        config.allow.folders.values_mut().for_each(|folder| folder.access = Access::Read);
    };
    let no_requests = |config: &mut ToolConfig| {
        config.allow.http.rules.clear();
        config.allow.secrets.retain(|_, secret| secret.header.is_none());
    };
    for (import, change) in [
        ("kv@1.0.0", (&|c: &mut ToolConfig| c.allow.stores.clear()) as &dyn Fn(&mut ToolConfig)),
        ("files@1.0.0", &|c| c.allow.folders.clear()),
        ("files-write@1.0.0", &read_only),
        ("http@1.0.0", &no_requests),
        ("secrets@1.0.0", &|c| c.allow.secrets.clear()),
        ("tools@1.0.0", &|c| c.allow.tools.clear()),
        ("clock@1.0.0", &|c| c.allow.without = [Capability::Clock].into()),
    ] {
        let told = refusal(change);
        assert!(
            told.contains(&format!("imports `playhouse:tool/{import}`, which it is not granted")),
            "{told}"
        );
    }
    assert!(
        refusal(&|c| c.allow.without = [Capability::Http].into()).contains("no tool has unless you grant it")
    );
    assert!(
        refusal(&|c| c.allow.tools = ["ghost".into()].into())
            .contains("it may call `ghost`, and there is no such tool")
    );
    let short = |c: &mut ToolConfig| {
        c.allow.secrets.values_mut().for_each(|secret| secret.value = Secret::new("1234"))
    };
    assert!(refusal(&short).contains("fewer than 8 bytes"));
}

#[test]
fn an_agent_that_grants_more_than_the_operator_allows_is_refused_before_it_runs() {
    let house = house();
    let permits = |grant: Grant| house.tools.permits("reaches", &grant).map_err(|error| error.message);
    let notes = || Grant { table: Some("notes".to_owned()), ..Grant::default() };
    assert_eq!(permits(notes()), Ok(()));
    for (grant, part) in [
        (
            Grant { folders: Some([("docs".to_owned(), Access::Write)].into()), ..notes() },
            "may read the folder `docs`",
        ),
        (
            Grant { folders: Some([("etc".to_owned(), Access::Read)].into()), ..notes() },
            "has no folder `etc`: grant one of `docs`, `out`",
        ),
        (Grant { secrets: Some(["root".to_owned()].into()), ..notes() }, "has no secret `root`"),
        (Grant { tools: Some(["shell".to_owned()].into()), ..notes() }, "has no tool to call `shell`"),
        (
            Grant {
                http: Some(HttpGrant { rules: vec![HttpRule::reading("ftp://x")], ..HttpGrant::default() }),
                ..notes()
            },
            "ftp://x",
        ),
        (Grant::default(), "reads a table and was granted none"),
        (Grant { table: Some("other".to_owned()), ..Grant::default() }, "has no table `other`"),
    ] {
        let told = permits(grant).expect_err("it is more than is allowed");
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn the_effect_class_follows_from_what_is_granted_and_errors_keep_their_kind() {
    let effect = |house: &House| house.tools.specs()[0].effect;
    assert_eq!(effect(&house()), EffectClass::Once, "it may write, and call others");
    let believed = house_with(|config| config.effect = Some(EffectClass::Idempotent));
    assert_eq!(effect(&believed), EffectClass::Idempotent);
    for (kind, after, expected, told_after) in [
        ("unavailable", Some(1_500), ToolErrorKind::Upstream, Some(1_500)),
        ("denied", Some(9), ToolErrorKind::Denied, None),
        ("conflict", None, ToolErrorKind::Conflict, None),
        ("failed", None, ToolErrorKind::Failed, None),
    ] {
        let arguments = json!({"fail": kind, "after": after});
        let grant = asking(json!([])).grant;
        let told = believed
            .tools
            .call(ToolRequest { grant, ..request("reaches", arguments) })
            .await
            .expect_err("as asked for");
        assert_eq!(
            (told.kind, told.retry_after_ms, told.message.as_str()),
            (expected, told_after, "as asked for")
        );
    }
    let unasked = believed.tools.check(asking(json!([]))).await.expect_err("it exports no such function");
    assert_eq!(unasked.kind, ToolErrorKind::OutcomeUnknown);
}

#[test]
fn every_decision_is_explained_in_a_sentence() {
    let house = house();
    let notes = Grant { table: Some("notes".to_owned()), ..Grant::default() };
    let ask = |grant: &Grant, labels: &Labels, question: Question| {
        let mut told = house.tools.explain("reaches", grant, labels, &question).expect("it makes sense");
        let Standing { granted, why, .. } = told.remove(0);
        (granted, why)
    };
    let user = Labels::of(["user"]);
    let request = |method: &str, url: &str| Question::Request { method: method.into(), url: url.into() };
    let (granted, why) = ask(&notes, &user, request("GET", "https://api.example.com/a"));
    assert!(granted && why.contains("is allowed by rule 1 of the operator"), "{why}");
    let (granted, why) = ask(&notes, &user, request("POST", "https://api.example.com/a"));
    assert!(!granted && why.contains("is denied by the operator"), "{why}");
    let narrow = Grant { http: Some(HttpGrant::default()), folders: Some([].into()), ..notes.clone() };
    let (granted, why) = ask(&narrow, &user, request("GET", "https://api.example.com/a"));
    assert!(!granted && why.contains("is denied by the agent"), "{why}");
    let path = |path: &str, access| Question::Path { path: path.into(), access };
    assert_eq!(
        ask(&notes, &user, path("docs/a", Access::Write)),
        (false, "the operator lets the folder `docs` be read, and not be changed".into())
    );
    assert_eq!(
        ask(&narrow, &user, path("out/a", Access::Write)),
        (false, "the agent does not grant the folder `out`".into())
    );
    assert!(ask(&notes, &user, path("out/a", Access::Write)).0);
    let web = Labels::of(["tool:web"]);
    let why = "`http` is withheld, because something in this task comes from `tool:web`";
    assert_eq!(ask(&notes, &web, request("GET", "https://api.example.com/a")), (false, why.into()));
    assert_eq!(
        ask(&notes, &user, Question::Secret("root".into())),
        (false, "the operator does not allow `root`".into())
    );
    let all = house.tools.explain("reaches", &notes, &web, &Question::Everything).expect("it makes sense");
    let refused: Vec<_> =
        all.iter().filter(|standing| !standing.granted).map(|standing| standing.about.as_str()).collect();
    assert_eq!(refused, ["http", "tools"], "{all:?}");
    let all = |grant: &Grant| {
        house.tools.explain("reaches", grant, &user, &Question::Everything).expect("it makes sense")
    };
    let http = all(&notes).into_iter().find(|standing| standing.about == "http").expect("it sends requests");
    assert!(http.why.ends_with("unless something in the task comes from `tool:web`"), "{}", http.why);
    let three = Bounds { calls: Some(3), bytes: None };
    let bounded = all(&Grant { per_task: three, ..notes.clone() }).pop().expect("there is something");
    let why = "no more than 3 calls into the host, by all that it reaches".to_owned();
    assert_eq!(bounded, Standing { about: "per_task".into(), granted: true, why });
    let none = Grant { per_call: Bounds { calls: Some(0), bytes: None }, ..notes.clone() };
    let (granted, why) = ask(&none, &user, path("out/a", Access::Write));
    assert_eq!((granted, why), (false, "it is bounded to 0 calls into the host".to_owned()));
    let calculator = house
        .tools
        .explain("calculator", &notes, &user, &request("GET", "https://a.example/"))
        .expect("it makes sense");
    assert!(calculator[0].why.contains("does not import `http`"), "{calculator:?}");
    assert!(house.tools.explain("reaches", &notes, &user, &request("GET", "nonsense")).is_err());
}

#[tokio::test]
async fn a_tool_that_can_be_asked_says_what_became_of_a_call_and_counts_as_checkable() {
    let home = TempDir::new().expect("a folder");
    let notes = StoreConfig { folder: home.path().join("stores"), quota_bytes: 1_000 };
    let allow = Allow { stores: [("notes".to_owned(), notes)].into(), ..Allow::default() };
    let pays = ToolConfig { allow, ..tool(hostile("pays")) };
    let tools = WasmToolBox::load(Config { tools: vec![pays], ..base() }).expect("it is granted");
    assert_eq!(tools.specs()[0].effect, EffectClass::Checkable);
    let grant = Grant { table: Some("notes".to_owned()), ..Grant::default() };
    let call = ToolRequest { grant, ..request("pays", json!({"cents": 7})) };
    assert_eq!(tools.check(call.clone()).await, Ok(None), "nothing happened yet");
    assert_eq!(tools.call(call.clone()).await, Ok(json!("paid 7")));
    assert_eq!(tools.check(call.clone()).await, Ok(Some(json!("paid 7"))));
    let other = ToolRequest { effect_id: playhouse_core::id::EffectId("task-1/2.0".into()), ..call };
    assert_eq!(tools.check(other).await, Ok(None));
}
