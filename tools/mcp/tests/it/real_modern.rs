//! The client against a server that speaks nothing but the protocol of 2026-07-28: the official TypeScript SDK, version 2,
//! with a server of ours on it that refuses `initialize`, keeps nothing between requests and asks in its answers.
//!
//! Asked for like those in `real`.

use std::sync::Arc;

use playhouse_ports::ToolAnswer;
use playhouse_tools_mcp::{Sampling, ServerConfig};
use serde_json::{Value, json};

use crate::{
    kit::{Stage, Witness},
    real::{folder, node},
    real_sdk::over_http,
};

/// `real/modern.mjs`, which `run.sh` puts beside what it needs.
fn modern() -> ServerConfig {
    let script = folder().join("node/modern.mjs");
    ServerConfig {
        args: vec![script.to_str().unwrap().into()],
        read: vec![folder().join("node")],
        ..node("server", &[])
    }
}

fn open(config: ServerConfig) -> ServerConfig {
    ServerConfig { ask_person: true, sampling: Some(Sampling::default()), resources: true, ..config }
}

async fn speaks(config: ServerConfig) {
    let stage = Stage::run(open(config)).ready().await;
    let fields = json!({ "region": "eu", "sure": true });
    let filled = fields.as_object().cloned().map(ToolAnswer::Filled);
    let caller = Arc::new(Witness { person: filled, ..Witness::default() });
    let call = async |tool: &str, arguments: Value| {
        let said = stage.call_for(&caller, tool, arguments).await;
        said.unwrap_or_else(|error| panic!("{tool}: {error:?}")).to_string()
    };
    // Three rounds: the form, the model, and what the server made us carry from the first to the last, signed.
    let deployed = call("deploy", json!({ "name": "web" })).await;
    assert_eq!(deployed, "\"web in eu, true: A MOTTO FOR WEB\"");
    assert_eq!((caller.forms()[0].0.as_str(), caller.asked().len()), ("Where does web go?", 1));
    assert_eq!(call("count", json!({ "to": 3 })).await, "\"counted to 3\"");
    assert_eq!(caller.told().pop().unwrap(), (3, 3, "at 3".to_owned()));
    let note = stage.call("read_resource", json!({ "uri": "note://today" })).await.unwrap();
    assert_eq!(note[0]["text"], "buy milk");
    let declining = Arc::new(Witness { person: Some(ToolAnswer::Declined), ..Witness::default() });
    let said = stage.call_for(&declining, "deploy", json!({ "name": "web" })).await.unwrap();
    assert_eq!(said, json!("not deployed: decline"));
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server from npm"]
async fn a_server_without_initialize_is_spoken_to_over_stdio() {
    speaks(modern()).await;
}

#[tokio::test]
#[ignore = "needs @modelcontextprotocol/server from npm"]
async fn a_server_without_initialize_is_spoken_to_over_http() {
    let (config, _child) = over_http(modern(), None).await;
    speaks(config).await;
}
