//! Tools of every effect class, and the receiver outside that counts what really happened.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use playhouse_core::{
    id::EffectId,
    tool::{Annotations, EffectClass, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec},
};
use playhouse_ports::ToolBox;
use serde_json::{Value, json};

use crate::{
    oracle::{Broken, Invariant, ensure},
    panic::Injected,
    world::{Lie, Process},
};

/// One tool of each class.
pub(crate) const TOOLS: [(&str, EffectClass); 4] = [
    ("look", EffectClass::Pure),
    ("put", EffectClass::Idempotent),
    ("book", EffectClass::Checkable),
    ("pay", EffectClass::Once),
];

/// Whatever the tools change. It outlives every process.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    happened: BTreeMap<EffectId, Value>,
}

impl Receiver {
    /// An effect arrives and happens.
    fn happen(&mut self, request: &ToolRequest, class: EffectClass) -> Result<Value, Broken> {
        let id = &request.effect_id;
        let again = self.happened.contains_key(id);
        let output = json!({ "tool": request.tool, "arguments": request.arguments });
        self.happened.insert(id.clone(), output.clone());
        let once_only = matches!(class, EffectClass::Checkable | EffectClass::Once);
        ensure(!(once_only && again), Invariant::J3, || format!("effect {id} ({class:?}) happened twice"))?;
        Ok(output)
    }

    /// What an effect gave, if it happened.
    pub(crate) fn output(&self, effect_id: &EffectId) -> Option<Value> {
        self.happened.get(effect_id).cloned()
    }

    /// How many effects happened.
    pub(crate) fn count(&self) -> usize {
        self.happened.len()
    }
}

/// The tools of one life.
pub(crate) struct SimTools {
    process: Process,
    specs: Vec<Arc<ToolSpec>>,
}

impl SimTools {
    /// The tools, as `process` reaches them.
    pub(crate) fn new(process: &Process) -> Self {
        let spec = |(name, effect): (&str, EffectClass)| {
            Arc::new(ToolSpec {
                name: name.into(),
                version: "1.0.0".into(),
                description: format!("a simulated tool, {effect:?}"),
                input_schema: json!({ "type": "object" }),
                output_schema: json!({}),
                effect,
                annotations: Annotations::promised(effect),
                digest: format!("digest-of-{name}"),
            })
        };
        Self { process: process.clone(), specs: TOOLS.map(spec).to_vec() }
    }

    fn class(&self, request: &ToolRequest) -> EffectClass {
        let spec = self.specs.iter().find(|spec| spec.name == request.tool);
        spec.map(|spec| spec.effect).expect("the core dispatches known tools only")
    }

    async fn call_once(&self, request: &ToolRequest) -> Result<Value, ToolError> {
        let process = &self.process;
        let world = &process.world;
        process.gate().await;
        process.note(format_args!("tool {} called {}", request.tool, request.effect_id));
        world.check(world.oracle().calls(request));
        process.latency().await;
        self.fault(request).await?;
        let output = world.receiver().happen(request, self.class(request));
        let output = match output {
            Ok(output) => output,
            Err(broken) => {
                world.broken(broken);
                Value::Null
            }
        };
        process.note(format_args!("tool {} happened {}", request.tool, request.effect_id));
        process.latency().await;
        // The effect happened; now the answer may still be lost.
        self.fault(request).await?;
        Ok(output)
    }

    async fn fault(&self, request: &ToolRequest) -> Result<(), ToolError> {
        let (process, rates) = (&self.process, &self.process.world.plan.rates);
        if process.fails(rates.tool_panic) {
            Injected::panic();
        }
        if process.fails(rates.tool_hang) {
            process.wait(3_600_000).await;
        }
        if process.fails(rates.tool_error) {
            process.note(format_args!("tool {} fails {}", request.tool, request.effect_id));
            return Err(ToolError::new(ToolErrorKind::Upstream, "a simulated failure"));
        }
        Ok(())
    }
}

#[async_trait]
impl ToolBox for SimTools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.specs.clone()
    }

    fn permits(&self, _: &str, _: &Grant) -> Result<(), ToolError> {
        Ok(())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        if self.process.world.lie == Some(Lie::CallsTwice) {
            // The first answer is lost on the way.
            let _ = self.call_once(&request).await;
        }
        self.call_once(&request).await
    }

    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        let process = &self.process;
        process.gate().await;
        process.note(format_args!("tool {} asked {}", request.tool, request.effect_id));
        process.latency().await;
        self.fault(&request).await?;
        Ok(process.world.receiver().output(&request.effect_id))
    }
}
