//! What a call came to is the same wherever it ran: output or error, fuel, what it heard, what it reached.

use std::collections::BTreeMap;

use playhouse_core::grant::ModelGrant;
use playhouse_core::tool::{Grant, ToolRequest};
use playhouse_ports::egress::Secret;
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Allow, Config, Isolation, Limits, SecretUse, ToolConfig, WasmToolBox};
use serde_json::{Value, json};

use crate::support::{base, hostile, request, shipped, tool};

fn tools(isolation: Isolation) -> WasmToolBox {
    let secret = SecretUse { value: Secret::new("sk-test-0123456789"), header: None, sign: true };
    let model = Some(ModelGrant { questions: 1, max_tokens: 10 });
    let allow = Allow { model, secrets: [("signing".to_owned(), secret)].into(), ..Allow::default() };
    let notes = BTreeMap::from([("a".to_owned(), "x".repeat(50))]);
    let asks = ToolConfig { allow, tables: [("notes".to_owned(), notes)].into(), ..tool(hostile("asks")) };
    let tools = vec![asks, tool(hostile("misbehaves")), tool(shipped("calculator"))];
    let limits = Limits { fuel: 20_000_000, memory_bytes: 16 << 20, ..Limits::default() };
    WasmToolBox::load(Config { tools, limits, isolation, ..base() }).expect("all of it is granted")
}

fn call(tool: &str, arguments: Value) -> ToolRequest {
    let grant = Grant { table: Some("notes".into()), ..Grant::default() };
    ToolRequest { grant, timeout_ms: 10_000, ..request(tool, arguments) }
}

#[tokio::test]
async fn a_call_comes_to_the_same_here_and_in_a_worker() {
    let (here, away) = (tools(Isolation::Thread), tools(crate::isolation()));
    assert_eq!(here.specs(), away.specs());
    let crime = |crime| call("misbehaves", json!({ "crime": crime }));
    for request in [
        call("calculator", json!({"expression": "37 * 12"})),
        call("calculator", json!({"expression": "1 / 0"})),
        call("asks", json!({"do": [["get", "a"], ["get", "b"], ["ask", "", "?"]]})),
        call("asks", json!({"do": []})),
        crime("count calls"),
        crime("loop"),
        crime("allocate"),
        crime("panic"),
        crime("huge output"),
        crime("huge error"),
    ] {
        let (here, away) =
            (here.metered(request.clone(), nobody()).await, away.metered(request.clone(), nobody()).await);
        assert_eq!(here, away, "{} {}", request.tool, request.arguments);
        assert!(here.receipt.expect("it ran").fuel > 0);
    }
}
