//! A component of another toolchain, adapted and loaded, behind the real guard.

use std::{fs, path::PathBuf, sync::Arc};

use playhouse_assembly::tools::{Allow, HostConfig, ToolConfig, WasmToolBox};
use playhouse_core::{
    egress::{HttpGrant, HttpLimits, HttpRule},
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolError, ToolRequest},
};
use playhouse_ports::ToolBox;
use playhouse_tools_adapt::{Label, adapt};
use playhouse_tools_http::{GuardedHttp, HttpConfig, Roots};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name of every component that has none.
pub(crate) const NAME: &str = "adapted";

/// A component that speaks WASI, from `tools/builtin/wasi/samples`.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    fs::read(path.join(format!("../../tools/adapt/tests/guests/{name}.wasm"))).unwrap()
}

/// A tool box with one tool.
pub(crate) struct House {
    pub(crate) tools: WasmToolBox,
    _home: TempDir,
}

impl House {
    pub(crate) fn of(wasm: &[u8], label: Option<&Label>, allow: Allow) -> Self {
        let home = tempfile::tempdir().unwrap();
        let component = home.path().join("adapted.wasm");
        fs::write(&component, adapt(wasm, label).unwrap().wasm).unwrap();
        let egress = GuardedHttp::new(HttpConfig { roots: Roots::Only(Vec::new()), ..HttpConfig::default() });
        let tool = ToolConfig { component, allow, ..ToolConfig::default() };
        let config = HostConfig {
            tools: vec![tool],
            egress: Some(Arc::new(egress.unwrap())),
            ..HostConfig::default()
        };
        Self { tools: WasmToolBox::load(config).unwrap(), _home: home }
    }

    /// With the guest `name`, which answers requests.
    pub(crate) fn with(name: &str, allow: Allow) -> Self {
        let label = Label { name: NAME.into(), version: "1".into(), description: "Answers.".into() };
        Self::of(&guest(name), Some(&label), allow)
    }

    /// A call of the tool, whatever it is called.
    pub(crate) async fn call(&self, arguments: Value) -> Result<Value, ToolError> {
        let task = TaskId::new("task-1").unwrap();
        let request = ToolRequest {
            effect_id: EffectId::new(&task, 1, 0),
            tenant: Tenant::local(),
            task,
            tool: self.tools.specs()[0].name.clone(),
            arguments,
            grant: Grant::default(),
            others: None,
            labels: Labels::default(),
            timeout_ms: 10_000,
            fuel: None,
            reached: Reach::default(),
        };
        self.tools.call(request).await
    }

    /// A request to `path` of the component.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Result<Value, ToolError> {
        self.call(json!({"method": "POST", "path": path, "body": body})).await
    }

    /// The request that `said` spells out, made by the guest `relays`.
    pub(crate) async fn relay(&self, said: &str) -> Value {
        self.post("/relay", said).await.unwrap_or_else(|error| panic!("{said}: {error}"))
    }
}

/// Every method and path of `origin`, and whether this machine is meant.
pub(crate) fn rule(origin: impl std::fmt::Display, private: bool) -> HttpRule {
    let methods = ["GET", "POST"].map(str::to_owned).to_vec();
    HttpRule { methods, private, ..HttpRule::reading(format!("http://{origin}")) }
}

pub(crate) fn allowing(rules: Vec<HttpRule>) -> Allow {
    Allow { http: HttpGrant { rules, limits: HttpLimits::default() }, ..Allow::default() }
}
