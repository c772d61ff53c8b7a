//! All native tools of a house, as the runtime sees them.

use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt;
use playhouse_core::tool::{Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec};
use playhouse_ports::ToolBox;
use playhouse_schema::Schema;
use serde_json::Value;

use crate::{Tool, tool::ToolFailure};

/// Native tools by name.
#[derive(Debug, Default)]
pub(crate) struct NativeTools {
    tools: BTreeMap<String, Checked>,
}

#[derive(Debug)]
struct Checked {
    spec: Arc<ToolSpec>,
    tool: Tool,
    arguments: Schema,
}

impl NativeTools {
    /// Adds `tool`, unless another one has its name. The same tool may be added again and again: agents share.
    pub(crate) fn add(&mut self, tool: &Tool) -> Result<(), String> {
        let name = &tool.spec.name;
        match self.tools.get(name) {
            Some(known)
                if Arc::ptr_eq(&known.tool.function, &tool.function) && known.tool.spec == tool.spec =>
            {
                Ok(())
            }
            Some(_) => Err(format!("there are two tools called `{name}`; rename or remove one")),
            None => {
                let arguments = tool.check()?;
                let checked = Checked { spec: Arc::new(tool.spec.clone()), tool: tool.clone(), arguments };
                self.tools.insert(name.clone(), checked);
                Ok(())
            }
        }
    }

    fn of(&self, name: &str) -> Result<&Checked, ToolError> {
        let unknown = || ToolError::new(ToolErrorKind::UnknownTool, format!("there is no tool `{name}`"));
        self.tools.get(name).ok_or_else(unknown)
    }
}

#[async_trait]
impl ToolBox for NativeTools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.tools.values().map(|tool| tool.spec.clone()).collect()
    }

    fn permits(&self, name: &str, grant: &Grant) -> Result<(), ToolError> {
        self.of(name)?;
        match *grant == Grant::default() {
            true => Ok(()),
            false => {
                let message = format!("tool `{name}` is a Rust function and takes no grant; use `.uses(…)`");
                Err(ToolError::new(ToolErrorKind::Denied, message))
            }
        }
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        let Checked { tool, arguments, .. } = self.of(&request.tool)?;
        let invalid = |message| ToolError::new(ToolErrorKind::InvalidInput, message);
        arguments.arguments(&request.tool, &request.arguments).map_err(invalid)?;
        // The function itself may panic too, before there is a future.
        let call = async { (tool.function)(request.arguments).await };
        let call = AssertUnwindSafe(call).catch_unwind();
        match tokio::time::timeout(Duration::from_millis(request.timeout_ms), call).await {
            Ok(Ok(result)) => result.map_err(|ToolFailure(error)| error),
            Ok(Err(panic)) => Err(crashed(&request.tool, &*panic)),
            Err(_) => Err(late(&request.tool, request.timeout_ms)),
        }
    }
}

fn crashed(tool: &str, panic: &(dyn Any + Send)) -> ToolError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    ToolError::new(ToolErrorKind::Crashed, format!("tool `{tool}` panicked: {text}"))
}

fn late(tool: &str, limit_ms: u64) -> ToolError {
    let message = format!("tool `{tool}` did not answer within {limit_ms} ms and was given up");
    ToolError::new(ToolErrorKind::Timeout, message)
}
