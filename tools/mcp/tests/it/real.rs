//! The client against servers that others wrote, from PyPI and npm, confined as an operator would confine them.
//!
//! They are not on every machine, so these tests are asked for: `tools/mcp/real/run.sh <folder>` installs them, in the
//! versions that the script names, and runs what is here and in `real_sdk`.

use std::path::{Path, PathBuf};

use playhouse_core::tool::{EffectClass, ToolErrorKind};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::ServerConfig;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::kit::{Stage, expect};

/// The folder with `venv` and `node`.
pub(crate) fn folder() -> PathBuf {
    let folder =
        std::env::var("PLAYHOUSE_MCP_REAL").expect("PLAYHOUSE_MCP_REAL names the folder of the servers");
    Path::new(&folder).canonicalize().unwrap()
}

/// A server of the virtual environment, and the interpreter that it was made with.
pub(crate) fn python(server: &str, args: &[&str]) -> ServerConfig {
    let venv = folder().join("venv");
    ServerConfig {
        command: Some(venv.join("bin").join(server).to_str().unwrap().into()),
        args: args.iter().map(|&arg| arg.into()).collect(),
        read: vec![interpreter_of(&venv.join("bin/python"))],
        tools: vec!["*".into()],
        ..ServerConfig::default()
    }
}

/// Where the interpreter is installed that a virtual environment was made with.
pub(crate) fn interpreter_of(python: &Path) -> PathBuf {
    python.canonicalize().unwrap().parent().unwrap().parent().unwrap().into()
}

/// A server of the node modules.
pub(crate) fn node(server: &str, args: &[&str]) -> ServerConfig {
    let modules = folder().join("node/node_modules");
    let script = modules.join("@modelcontextprotocol").join(server).join("dist/index.js");
    let args = std::iter::once(script.to_str().unwrap()).chain(args.iter().copied());
    ServerConfig {
        command: Some("node".into()),
        args: args.map(Into::into).collect(),
        read: vec![modules],
        tools: vec!["*".into()],
        ..ServerConfig::default()
    }
}

fn tools(stage: &Stage) -> String {
    stage.tools.specs().iter().map(|spec| spec.name.clone()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
#[ignore = "needs mcp-server-time from PyPI"]
async fn time_of_pypi() {
    let stage =
        Stage::run(ServerConfig { trust_annotations: true, ..python("mcp-server-time", &[]) }).ready().await;
    let asked = json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo" });
    let answer = stage.call("convert_time", asked).await.unwrap();
    assert!(answer.to_string().contains("T21:00:00+09:00"), "{answer} by {}", tools(&stage));
    let wrong = json!({ "source_timezone": "Nowhere", "time": "12:00", "target_timezone": "Asia/Tokyo" });
    let error = stage.call("convert_time", wrong).await.unwrap_err();
    assert!(error.message.contains("Nowhere"), "{error:?}");
    let unfit = stage.call("convert_time", json!({})).await.unwrap_err();
    expect(&unfit, ToolErrorKind::InvalidInput, "required");
}

#[tokio::test]
#[ignore = "needs mcp-server-git from PyPI, and git"]
async fn git_of_pypi() {
    let repository = tempfile::tempdir().unwrap();
    let at = repository.path().to_str().unwrap();
    let git = |args: &[&str]| {
        let args =
            ["-C", at, "-c", "user.name=a", "-c", "user.email=a@b"].into_iter().chain(args.iter().copied());
        assert!(std::process::Command::new("git").args(args).status().unwrap().success());
    };
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "the first one"]);
    let config = python("mcp-server-git", &["--repository", at]);
    let stage = Stage::run(ServerConfig { write: vec![at.into()], ..config }).ready().await;
    let log = stage.call("git_log", json!({ "repo_path": at })).await.unwrap();
    assert!(log.to_string().contains("the first one"), "{log} by {}", tools(&stage));
}

#[tokio::test]
#[ignore = "needs mcp-server-fetch from PyPI"]
async fn fetch_of_pypi() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page.txt", listener.local_addr().unwrap());
    let page = axum::Router::new().route("/page.txt", axum::routing::get(|| async { "a plain page" }));
    let mut jobs = JoinSet::new();
    jobs.spawn(async move { axum::serve(listener, page).await.unwrap() });
    let stage =
        Stage::run(python("mcp-server-fetch", &["--ignore-robots-txt", "--allow-private-ips"])).ready().await;
    let answer = stage.call("fetch", json!({ "url": url })).await.unwrap();
    assert!(answer.to_string().contains("a plain page"), "{answer} by {}", tools(&stage));
    let prompts = stage.server().prompts().await.unwrap();
    assert_eq!(prompts[0].name, "fetch");
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server-everything from npm"]
async fn everything_of_npm() {
    let stage =
        Stage::run(ServerConfig { trust_annotations: true, ..node("server-everything", &[]) }).ready().await;
    let answer = stage.call("echo", json!({ "message": "hi" })).await.unwrap();
    assert_eq!(answer, "Echo: hi", "by {}", tools(&stage));
    let sum = stage.call("get-sum", json!({ "a": 2, "b": 3 })).await.unwrap();
    assert!(sum.to_string().contains('5'), "{sum}");
    let weather = stage.call("get-structured-content", json!({ "location": "New York" })).await.unwrap();
    assert!(weather["temperature"].is_number(), "{weather}");
    let image = stage.call("get-tiny-image", json!({})).await.unwrap();
    assert!(image.to_string().contains("image/png"), "{image}");
    let slow = json!({ "duration": 30, "steps": 30 });
    let late = stage.call_within("trigger-long-running-operation", slow, 300).await.unwrap_err();
    expect(&late, ToolErrorKind::Timeout, "within 300 ms");
    let server = stage.server();
    let resources = server.resources().await.unwrap();
    assert!(!server.read_resource(&resources[0].uri).await.unwrap().is_empty());
    let prompts = server.prompts().await.unwrap();
    let simple = prompts.iter().find(|prompt| prompt.arguments.is_empty()).unwrap();
    assert!(!server.prompt(&simple.name, [].into()).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server-filesystem from npm"]
async fn filesystem_of_npm() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    let mut config = node("server-filesystem", &[at.to_str().unwrap()]);
    (config.write, config.trust_annotations) = (vec![at.clone()], true);
    let stage = Stage::run(config).ready().await;
    let file = at.join("a.txt");
    stage.call("write_file", json!({ "path": file, "content": "hello" })).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello", "by {}", tools(&stage));
    let read = stage.call("read_text_file", json!({ "path": file })).await.unwrap();
    assert!(read.to_string().contains("hello"), "{read}");
    let denied = stage.call("read_text_file", json!({ "path": "/etc/passwd" })).await.unwrap_err();
    assert!(denied.message.contains("denied"), "{denied:?}");
    let effect = |name: &str| stage.tools.specs().iter().find(|spec| spec.name == name).unwrap().effect;
    assert_eq!(effect("s__read_text_file"), EffectClass::Idempotent);
    assert_eq!(effect("s__edit_file"), EffectClass::Once);
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server-memory from npm"]
async fn memory_of_npm() {
    let mut config = node("server-memory", &[]);
    let folder = tempfile::tempdir().unwrap();
    config.write = vec![folder.path().into()];
    let file = folder.path().join("memory.jsonl").to_str().unwrap().to_owned();
    config.env = [("MEMORY_FILE_PATH".into(), playhouse_tools_mcp::Text::new(file))].into();
    let stage = Stage::run(config).ready().await;
    let ada = json!({ "entities": [{ "name": "Ada", "entityType": "person", "observations": ["counts"] }] });
    stage.call("create_entities", ada).await.unwrap();
    let graph = stage.call("read_graph", json!({})).await.unwrap();
    assert_eq!(graph["entities"][0]["name"], "Ada", "{graph} by {}", tools(&stage));
}
