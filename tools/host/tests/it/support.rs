//! What the tests have in common: a tool box in one line, a call in one line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use playhouse_core::id::{EffectId, TaskId, Tenant};
use playhouse_core::labels::Labels;
use playhouse_core::tool::{Grant, Reach, ToolError, ToolErrorKind, ToolRequest};
use playhouse_ports::ToolBox;
use playhouse_tools_host::{Config, Limits, LoadError, ToolConfig, WasmToolBox};
use serde_json::Value;

/// Nothing configured but where guests run: two test programs are made of these tests.
pub(crate) fn base() -> Config {
    Config { isolation: crate::isolation(), ..Config::default() }
}

/// A component we ship.
pub(crate) fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../builtin/dist/{name}.wasm"))
}

/// A component that misbehaves.
pub(crate) fn hostile(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/guests/{name}.wasm"))
}

/// The lock file of the tools we ship.
pub(crate) fn lock() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../builtin/tools.lock")
}

/// A tool without grants.
pub(crate) fn tool(component: PathBuf) -> ToolConfig {
    ToolConfig { component, ..ToolConfig::default() }
}

/// `lookup`, with one table called `codes`.
pub(crate) fn lookup() -> ToolConfig {
    let codes = BTreeMap::from([("amber-falcon".to_owned(), "14".to_owned())]);
    ToolConfig { tables: BTreeMap::from([("codes".to_owned(), codes)]), ..tool(shipped("lookup")) }
}

/// The tools we ship, as an operator would configure them.
pub(crate) fn all_shipped() -> Config {
    let tools = vec![tool(shipped("calculator")), tool(shipped("convert")), lookup()];
    Config { tools, lock: Some(lock()), ..base() }
}

/// One tool box with them for all tests that only call: compiling takes longer than calling.
pub(crate) fn shared() -> &'static WasmToolBox {
    static SHARED: LazyLock<WasmToolBox> =
        LazyLock::new(|| WasmToolBox::load(all_shipped()).expect("they are what the lock says"));
    &SHARED
}

/// A tool box with one tool and tight limits.
pub(crate) fn only(tool: ToolConfig) -> Result<WasmToolBox, LoadError> {
    let limits = Limits { memory_bytes: 16 << 20, running: 2, waiting: 1, ..Limits::default() };
    WasmToolBox::load(Config { tools: vec![tool], limits, ..base() })
}

pub(crate) fn request(tool: &str, arguments: Value) -> ToolRequest {
    let task = TaskId::new("task-1").expect("a plain name");
    ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: tool.to_owned(),
        arguments,
        grant: Grant { table: Some("codes".to_owned()), ..Grant::default() },
        others: None,
        labels: Labels::default(),
        timeout_ms: 2_000,
        fuel: None,
        reached: Reach::default(),
    }
}

/// Calls a tool that is expected to answer.
pub(crate) async fn answer(tools: &WasmToolBox, tool: &str, arguments: Value) -> Value {
    tools.call(request(tool, arguments)).await.unwrap_or_else(|error| panic!("{:?}: {error}", error.kind))
}

/// Calls a tool that is expected to fail.
pub(crate) async fn failure(tools: &WasmToolBox, tool: &str, arguments: Value) -> (ToolErrorKind, String) {
    let mut request = request(tool, arguments);
    request.timeout_ms = Duration::from_millis(300).as_millis() as u64;
    let ToolError { kind, message, .. } = tools.call(request).await.expect_err("this call cannot work");
    (kind, message)
}
