//! Tools that are functions of the test.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use playhouse_core::{
    id::EffectId,
    tool::{Annotations, EffectClass, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec},
};
use playhouse_ports::ToolBox;
use serde_json::{Value, json};

type Function = Arc<dyn Fn(Value) -> Result<Value, ToolError> + Send + Sync>;

/// A [`ToolBox`] of plain functions that remembers every call it started. Clones share the memory.
#[derive(Clone, Default)]
pub struct FnTools {
    tools: BTreeMap<String, (Arc<ToolSpec>, Function)>,
    started: Arc<Mutex<Vec<EffectId>>>,
}

impl std::fmt::Debug for FnTools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FnTools").field("tools", &self.tools.keys()).finish_non_exhaustive()
    }
}

impl FnTools {
    /// No tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// One tool that gives back its arguments.
    pub fn echo() -> Self {
        Self::new().with("echo", EffectClass::Pure, Ok)
    }

    /// Adds a tool that takes any object.
    pub fn with(
        mut self,
        name: &str,
        effect: EffectClass,
        function: impl Fn(Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    ) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            version: "1.0.0".into(),
            description: format!("the test's {name}"),
            input_schema: json!({ "type": "object" }),
            output_schema: json!({}),
            effect,
            annotations: Annotations::promised(effect),
            digest: format!("digest-of-{name}-{effect:?}"),
        };
        self.tools.insert(name.into(), (Arc::new(spec), Arc::new(function)));
        self
    }

    /// Every call that was started, in order.
    pub fn started(&self) -> Vec<EffectId> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ToolBox for FnTools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.tools.values().map(|(spec, _)| spec.clone()).collect()
    }

    fn permits(&self, _: &str, _: &Grant) -> Result<(), ToolError> {
        Ok(())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push(request.effect_id);
        match self.tools.get(&request.tool) {
            Some((_, function)) => function(request.arguments),
            None => Err(ToolError::new(ToolErrorKind::UnknownTool, format!("no tool `{}`", request.tool))),
        }
    }
}
