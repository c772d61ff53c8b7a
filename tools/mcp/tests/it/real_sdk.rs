//! The client against the official SDKs of TypeScript and Python: the examples that the first one ships, and a server of
//! ours on the second one, with everything that a server may ask and say.
//!
//! Asked for like those in `real`: `tools/mcp/real/run.sh <folder>` installs them and runs both.

use std::{path::Path, process::Stdio, sync::Arc};

use playhouse_core::tool::ToolErrorKind;
use playhouse_tools_mcp::{Sampling, ServerConfig};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::{
    kit::{Stage, Witness, expect, until},
    real::{folder, interpreter_of, node, python},
};

/// The same with everything allowed that is off by default.
fn open(config: ServerConfig, answers: &[(&str, Value)]) -> ServerConfig {
    let answers = answers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    ServerConfig { answers, sampling: Some(Sampling::default()), resources: true, prompts: true, ..config }
}

/// An example of the TypeScript SDK.
fn example(name: &str) -> ServerConfig {
    let modules = folder().join("node/node_modules");
    let script = modules.join("@modelcontextprotocol/sdk/dist/esm/examples/server").join(name);
    ServerConfig { args: vec![script.to_str().unwrap().into()], ..node("sdk", &[]) }
}

/// Our server on the Python SDK in the environment `venv`.
fn ours(venv: &str) -> ServerConfig {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/server.py");
    let interpreter = folder().join(venv).join("bin/python");
    let mut config = python("python", &[script.to_str().unwrap()]);
    config.command = Some(interpreter.to_str().unwrap().into());
    config.read = vec![interpreter_of(&interpreter), script.parent().unwrap().into()];
    config
}

/// The same program as a server over HTTP, which ends when the child is dropped. It is told its port in `variable`, or as
/// its last argument.
pub(crate) async fn over_http(config: ServerConfig, variable: Option<&str>) -> (ServerConfig, Child) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut command = Command::new(config.command.unwrap());
    command.args(config.args).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match variable {
        Some(variable) => command.env(variable, free.to_string()),
        None => command.arg(free.to_string()),
    };
    let child = command.spawn().unwrap();
    until("it listens", async || TcpStream::connect(("127.0.0.1", free)).await.is_ok()).await;
    let url = Some(format!("http://127.0.0.1:{free}/mcp"));
    (ServerConfig { url, tools: vec!["*".into()], ..ServerConfig::default() }, child)
}

async fn said(stage: &Stage, caller: &Arc<Witness>, tool: &str, arguments: Value) -> String {
    stage
        .call_for(caller, tool, arguments)
        .await
        .unwrap_or_else(|error| panic!("{tool}: {error:?}"))
        .to_string()
}

/// Everything that the server of the TypeScript team for testing clients can do with us.
async fn everything(config: ServerConfig) {
    let stage = Stage::run(open(config, &[("name", json!("Ada")), ("integer", json!(7))])).ready().await;
    let caller: Arc<Witness> = Arc::default();
    let asked = json!({ "prompt": "how are you", "maxTokens": 40 });
    let sampled = said(&stage, &caller, "trigger-sampling-request", asked).await;
    assert!(sampled.contains("HOW ARE YOU") && sampled.contains("nano"), "{sampled}");
    let question = caller.asked().remove(0);
    assert_eq!((question.max_tokens, question.messages.len()), (40, 2), "its system prompt, too");
    // Its form gives its own values to fields without an answer, or leaves them out.
    let filled = said(&stage, &caller, "trigger-elicitation-request", json!({})).await;
    assert!(filled.contains("Ada") && filled.contains('7'), "{filled}");
    assert!(caller.told()[0].2.contains("told `integer`, `name`"), "{:?}", caller.told());
    said(&stage, &caller, "trigger-long-running-operation", json!({ "duration": 1, "steps": 4 })).await;
    let steps: Vec<(u64, u64)> = caller.told()[1..].iter().map(|(done, total, _)| (*done, *total)).collect();
    assert_eq!(steps, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let listed = said(&stage, &caller, "list_resources", json!({})).await;
    assert!(listed.contains("demo://resource/dynamic/text/{resourceId}"), "{listed}");
    let read = |uri: &str| stage.call("read_resource", json!({ "uri": uri }));
    let text = read("demo://resource/dynamic/text/3").await.unwrap();
    assert!(text[0]["text"].as_str().unwrap().starts_with("Resource 3: "), "{text}");
    assert!(read("demo://resource/dynamic/blob/3").await.unwrap()[0]["base64"].is_string());
    expect(
        &read("demo://resource/dynamic/text/3/4").await.unwrap_err(),
        ToolErrorKind::Denied,
        "no template",
    );
    let prompts = said(&stage, &caller, "list_prompts", json!({})).await;
    assert!(prompts.contains("args-prompt"), "{prompts}");
    let prompt = json!({ "name": "args-prompt", "arguments": { "city": "Ghent" } });
    assert!(said(&stage, &caller, "get_prompt", prompt).await.contains("weather in Ghent"));
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server-everything from npm"]
async fn everything_of_npm_asks_over_stdio() {
    everything(node("server-everything", &[])).await;
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server-everything from npm"]
async fn everything_of_npm_asks_over_http() {
    let (config, _child) = over_http(node("server-everything", &["streamableHttp"]), Some("PORT")).await;
    everything(config).await;
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/sdk from npm"]
async fn sdk_of_npm_reports_progress() {
    let (stage, caller) = (Stage::run(example("progressExample.js")).ready().await, Arc::default());
    assert!(said(&stage, &caller, "count", json!({ "n": 3 })).await.contains("Counted to 3"));
    let last = caller.told().pop().unwrap();
    assert_eq!(last, (3, 3, "Counting: 3/3".to_owned()));
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/sdk from npm"]
async fn sdk_of_npm_samples() {
    let config = open(example("toolWithSampleServer.js"), &[]);
    let (stage, caller) = (Stage::run(config).ready().await, Arc::default());
    let answer = said(&stage, &caller, "summarize", json!({ "text": "a long story" })).await;
    assert!(answer.contains("A LONG STORY"), "{answer}");
    assert_eq!(caller.asked()[0].max_tokens, 500);
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/sdk from npm"]
async fn sdk_of_npm_gives_structured_results() {
    let stage = Stage::run(example("mcpServerOutputSchema.js")).ready().await;
    let weather = stage.call("get_weather", json!({ "city": "Ghent", "country": "BE" })).await.unwrap();
    assert!(weather["temperature"]["celsius"].is_number(), "{weather}");
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/sdk from npm"]
async fn sdk_of_npm_asks_and_is_read_over_http() {
    let (config, _child) = over_http(example("simpleStreamableHttp.js"), Some("MCP_PORT")).await;
    let (theme, rating) = (("theme", json!("dark")), ("rating", json!(9)));
    let (stage, caller) = (Stage::run(open(config, &[theme, rating])).ready().await, Arc::default());
    let asked = |kind: &str| said(&stage, &caller, "collect-user-info", json!({ "infoType": kind }));
    let liked = asked("preferences").await;
    assert!(liked.contains("Thank you") && liked.contains("dark"), "{liked}");
    assert!(asked("contact").await.contains("declined"));
    assert!(asked("feedback").await.contains("declined"));
    let told: Vec<String> = caller.told().into_iter().map(|(_, _, words)| words).collect();
    assert!(
        told[0].contains("told `theme`") && told[1].contains("no answer for `name`, `email`"),
        "{told:?}"
    );
    let listed = said(&stage, &caller, "list_resources", json!({})).await;
    assert!(listed.contains("https://example.com/greetings/default"), "{listed}");
    let greeting = json!({ "uri": "https://example.com/greetings/default" });
    assert!(said(&stage, &caller, "read_resource", greeting).await.contains("Hello, world!"));
    let prompt = json!({ "name": "greeting-template", "arguments": { "name": "Ada" } });
    assert!(said(&stage, &caller, "get_prompt", prompt).await.contains("greet Ada"));
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/sdk from npm"]
async fn sdk_of_npm_has_forms_of_several_pages_over_http() {
    let (config, _child) = over_http(example("elicitationFormExample.js"), Some("PORT")).await;
    let answers = [
        ("title", json!("Premiere")),
        ("date", json!("2026-12-01")),
        ("startTime", json!("20:00")),
        ("duration", json!(90)),
        ("username", json!("ada")),
        ("email", json!("ada@example.com")),
    ];
    let (stage, caller) = (Stage::run(open(config, &answers)).ready().await, Arc::default());
    let event = said(&stage, &caller, "create_event", json!({})).await;
    assert!(event.contains("created") && event.contains("Premiere") && event.contains("90"), "{event}");
    assert!(said(&stage, &caller, "register_user", json!({})).await.contains("cancelled"));
    let told: Vec<String> = caller.told().into_iter().map(|(_, _, words)| words).collect();
    assert!(told.len() == 3 && told[2].contains("`password` asks for a secret"), "{told:?}");
}

/// Everything that our server on the Python SDK does.
async fn python_sdk(config: ServerConfig) {
    let stage = Stage::run(open(config, &[("region", json!("eu"))])).ready().await;
    let caller: Arc<Witness> = Arc::default();
    assert!(said(&stage, &caller, "count", json!({ "to": 3 })).await.contains("counted to 3"));
    assert_eq!(caller.told()[2], (3, 3, "at 3".to_owned()));
    let place = said(&stage, &caller, "where", json!({})).await;
    assert!(place.contains("accept eu 0"), "{place}");
    assert!(said(&stage, &caller, "login", json!({})).await.contains("decline"));
    assert!(caller.told()[4].2.contains("`password` asks for a secret"), "{:?}", caller.told());
    assert!(said(&stage, &caller, "shorten", json!({ "text": "a tale" })).await.contains("A TALE"));
    let listed = said(&stage, &caller, "list_resources", json!({})).await;
    assert!(listed.contains("note://today") && listed.contains("note://day/{day}"), "{listed}");
    let read = async |uri: &str| said(&stage, &caller, "read_resource", json!({ "uri": uri })).await;
    assert!(read("note://today").await.contains("buy milk"));
    assert!(read("note://day/monday").await.contains("nothing on monday"));
    let greet = json!({ "name": "greet", "arguments": { "who": "Ada" } });
    assert!(said(&stage, &caller, "get_prompt", greet).await.contains("Greet Ada."));
}

#[tokio::test]
#[ignore = "needs mcp 2 from PyPI"]
async fn sdk_of_pypi_does_everything_over_stdio() {
    python_sdk(ours("venv")).await;
}

#[tokio::test]
#[ignore = "needs mcp 2 from PyPI"]
async fn sdk_of_pypi_does_everything_over_http() {
    let (config, _child) = over_http(ours("venv"), None).await;
    python_sdk(config).await;
}

#[tokio::test]
#[ignore = "needs mcp 1 from PyPI"]
async fn older_sdk_of_pypi_does_everything_over_stdio() {
    python_sdk(ours("venv1")).await;
}

#[tokio::test]
#[ignore = "needs mcp 1 from PyPI"]
async fn older_sdk_of_pypi_does_everything_over_http() {
    let (config, _child) = over_http(ours("venv1"), None).await;
    python_sdk(config).await;
}
