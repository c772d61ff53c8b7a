//! What a well-behaved server can expect of us, over stdio and over HTTP.

use std::sync::Arc;

use playhouse_core::tool::{EffectClass, Grant, ToolErrorKind};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::ServerConfig;
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    kit::{Stage, expect, request, stdio, until},
    official::Official,
};

/// The official server over HTTP in this process.
pub(crate) async fn http(jobs: &mut JoinSet<()>) -> ServerConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let official = Official::default();
    let service = StreamableHttpService::new(
        move || Ok(official.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let router = axum::Router::new().nest_service("/mcp", service);
    jobs.spawn(async move { axum::serve(listener, router).await.unwrap() });
    ServerConfig { url: Some(url), tools: vec!["*".into()], ..ServerConfig::default() }
}

/// Everything that must be the same over both transports.
async fn behaves(stage: &Stage) {
    let names: Vec<String> = stage.tools.specs().iter().map(|spec| spec.name.clone()).collect();
    assert!(names.is_sorted() && names.contains(&"s__echo".into()) && names.len() == 11, "{names:?}");
    assert_eq!(stage.call("echo", json!({ "text": "hi" })).await.unwrap(), json!("hi"));
    assert_eq!(stage.call("add", json!({ "a": 2, "b": 3 })).await.unwrap(), json!({ "sum": 5 }));
    let effect = request("effect", json!({}), 1).effect_id;
    assert_eq!(stage.call("effect", json!({})).await.unwrap(), json!(effect));
    let picture = stage.call("picture", json!({})).await.unwrap();
    assert_eq!(picture[1], json!({ "type": "image", "mime_type": "image/png", "base64": "iVBORw0KGgo=" }));
    let failed = stage.call("fail", json!({})).await.unwrap_err();
    expect(&failed, ToolErrorKind::Upstream, "there is no such thing");
    let unfit = stage.call("echo", json!({ "text": 5 })).await.unwrap_err();
    expect(&unfit, ToolErrorKind::InvalidInput, "`text`");
    expect(&unfit, ToolErrorKind::InvalidInput, "It takes: text (string, optional)");
    let long = stage.call("long", json!({ "bytes": 300_000 })).await.unwrap_err();
    expect(&long, ToolErrorKind::BadOutput, "ask for less");
    let unknown = stage.call("nothing", json!({})).await.unwrap_err();
    expect(&unknown, ToolErrorKind::UnknownTool, "has no tool `s__nothing`");
    assert!(stage.status().up);
}

#[tokio::test]
async fn a_server_of_the_official_sdk_is_served_over_stdio() {
    behaves(&Stage::run(stdio("official", &[])).ready().await).await;
}

#[tokio::test]
async fn a_server_of_the_official_sdk_is_served_over_http() {
    let mut jobs = JoinSet::new();
    behaves(&Stage::run(http(&mut jobs).await).ready().await).await;
}

/// A call that takes too long is cancelled at the server, whoever gave it up.
async fn cancels(stage: &Stage) {
    let late = stage.call_within("slow", json!({ "ms": 60_000 }), 50).await.unwrap_err();
    expect(&late, ToolErrorKind::Timeout, "within 50 ms");
    let mut dropped = Box::pin(stage.tools.call(request("slow", json!({ "ms": 60_000 }), 20_000)));
    until("both run", async || {
        assert!(futures_util::poll!(&mut dropped).is_pending());
        stage.call("marks", json!({})).await.unwrap()["most_running"].as_u64() > Some(0)
    })
    .await;
    drop(dropped);
    until("the server hears of both", async || {
        stage.call("marks", json!({})).await.unwrap()["cancelled"] == json!(2)
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_over_stdio() {
    cancels(&Stage::run(stdio("official", &[])).ready().await).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_over_http() {
    let mut jobs = JoinSet::new();
    cancels(&Stage::run(http(&mut jobs).await).ready().await).await;
}

#[tokio::test]
async fn progress_does_not_extend_a_deadline() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    let late = stage.call_within("chatty", json!({ "ms": 60_000 }), 200).await.unwrap_err();
    expect(&late, ToolErrorKind::Timeout, "within 200 ms");
}

#[tokio::test]
async fn no_more_calls_than_configured_run_at_once() {
    let config = ServerConfig { concurrency: 2, ..stdio("official", &[]) };
    let stage = Stage::run(config).ready().await;
    let calls = (0..6).map(|_| stage.call("slow", json!({ "ms": 30 })));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    let marks = stage.call("marks", json!({})).await.unwrap();
    assert_eq!(marks["most_running"], json!(2));
    let slow = || stage.call("slow", json!({ "ms": 500 }));
    let late = async {
        until("both places are taken", async || {
            stage.server().status().up && stage.call_within("marks", json!({}), 20).await.is_err()
        })
        .await;
        stage.call_within("echo", json!({}), 20).await.unwrap_err()
    };
    let (_, _, late) = tokio::join!(slow(), slow(), late);
    expect(&late, ToolErrorKind::RateLimited, "2 other calls");
}

#[tokio::test]
async fn effects_follow_the_operator_then_a_trusted_server_then_caution() {
    let class = async |config: ServerConfig, tool: &str| {
        let stage = Stage::run(config).ready().await;
        stage.tools.specs().iter().find(|spec| spec.name == tool).unwrap().effect
    };
    assert_eq!(class(stdio("official", &[]), "s__echo").await, EffectClass::Once);
    let trusting = ServerConfig { trust_annotations: true, ..stdio("official", &[]) };
    assert_eq!(class(trusting.clone(), "s__echo").await, EffectClass::Idempotent);
    assert_eq!(class(trusting.clone(), "s__add").await, EffectClass::Once);
    let own = ServerConfig { effects: [("echo".into(), EffectClass::Once)].into(), ..trusting };
    assert_eq!(class(own, "s__echo").await, EffectClass::Once);
}

#[tokio::test]
async fn what_a_server_cannot_be_held_to_is_not_granted() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    stage.tools.permits("s__echo", &Grant::default()).unwrap();
    for grant in [
        Grant { table: Some("parts".into()), ..Grant::default() },
        Grant { folders: Some([].into()), ..Grant::default() },
    ] {
        expect(&stage.tools.permits("s__echo", &grant).unwrap_err(), ToolErrorKind::Denied, "[mcp.s]");
    }
}

/// A new tool is heard of, listed and pinned.
async fn grows(stage: &Stage) {
    stage.call("grow", json!({})).await.unwrap();
    until("the new tool is there", async || stage.tools.specs().iter().any(|spec| spec.name == "s__grown"))
        .await;
    assert_eq!(stage.call("grown", json!({})).await.unwrap(), json!("new"));
}

#[tokio::test]
async fn a_list_that_changed_is_listed_again_over_stdio() {
    grows(&Stage::run(stdio("official", &[])).ready().await).await;
}

#[tokio::test]
async fn a_list_that_changed_is_listed_again_over_http() {
    let mut jobs = JoinSet::new();
    grows(&Stage::run(http(&mut jobs).await).ready().await).await;
}

#[tokio::test]
async fn resources_and_prompts_are_read_with_bounds() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    let server = stage.server();
    let resources = server.resources().await.unwrap();
    assert_eq!((&*resources[0].uri, resources.len()), ("memo://one", 1));
    let memo = server.read_resource("memo://one").await.unwrap();
    assert_eq!(memo[0]["text"], "buy milk");
    expect(&server.read_resource("memo://two").await.unwrap_err(), ToolErrorKind::NotFound, "no memo");
    expect(&server.read_resource("memo://long").await.unwrap_err(), ToolErrorKind::BadOutput, "bytes");
    let prompts = server.prompts().await.unwrap();
    assert!(prompts[0].name == "greet" && prompts[0].arguments[0].required);
    let greeting = server.prompt("greet", [("who".into(), "Ada".into())].into()).await.unwrap();
    assert_eq!((&*greeting[0].role, &greeting[0].content["text"]), ("user", &json!("Greet Ada.")));
}
