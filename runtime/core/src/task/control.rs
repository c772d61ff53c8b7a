//! Tools that the task machine performs itself: they wait, or make other tasks.
//!
//! They look like any tool to the model. An agent has them when its definition lists them; those that make
//! tasks also need `agents`, the names of those it may give work to.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::tool::{Annotations, EffectClass, ToolError, ToolErrorKind, ToolSpec};

/// Stands where a tool's digest stands. No real tool can have it: digests are hex.
pub const DIGEST: &str = "playhouse:control@1";
/// Longest sleep, and longest wait for a signal: a year. More is a mistake in the arguments.
pub const WAIT_MS_MAX: u64 = 365 * 24 * 3_600_000;
/// Tasks one call may make. Each has a journal of its own.
pub const MAP_MAX: usize = 256;
/// How many tasks of one call run at once unless it says otherwise.
const PARALLEL: u32 = 4;

/// What a call of a control tool asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Control {
    Sleep {
        ms: Option<u64>,
        until_ms: Option<u64>,
    },
    Signal {
        name: String,
        timeout_ms: u64,
    },
    /// Make tasks; `wait` for them, and hand the conversation over.
    Make {
        orders: Vec<Order>,
        parallel: u32,
        wait: Wants,
    },
    /// Wait for tasks made before.
    Await {
        tasks: Vec<String>,
    },
}

/// What becomes of the tasks a call makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Name,
    End,
    Ends,
    HandOff,
}

/// Work for another agent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) agent: String,
    #[serde(default)]
    pub(super) input: String,
}

/// Whether `spec` is one of these.
pub fn is_control(spec: &ToolSpec) -> bool {
    spec.digest == DIGEST
}

/// Of one that must be given `required`: those that need an agent make tasks, which do whatever that agent may.
fn annotations(required: &[&str]) -> Annotations {
    let makes_tasks = required.contains(&"agent");
    Annotations::proven(!makes_tasks, makes_tasks, EffectClass::Once)
}

/// All of them, by name.
pub fn specs() -> Vec<Arc<ToolSpec>> {
    let text = || json!({ "type": "string" });
    let agent = json!({ "type": "string", "description": "name of the agent" });
    let spec = |name: &str, description: &str, properties: Value, required: &[&str]| {
        Arc::new(ToolSpec {
            name: name.into(),
            version: "1.0.0".into(),
            description: description.into(),
            input_schema: json!({
                "type": "object", "properties": properties, "required": required, "additionalProperties": false
            }),
            output_schema: json!({}),
            effect: EffectClass::Pure,
            annotations: annotations(required),
            digest: DIGEST.into(),
        })
    };
    vec![
        spec(
            "await_tasks",
            "Waits for tasks that spawn_task made, and gives their answers.",
            json!({ "tasks": { "type": "array", "items": text() } }),
            &["tasks"],
        ),
        spec(
            "hand_off",
            "Hands this conversation over to another agent, whose answer is then the answer.",
            json!({ "agent": agent, "input": { "type": "string", "description": "what it should do" } }),
            &["agent"],
        ),
        spec(
            "map_tasks",
            "Gives each input to an agent as a task of its own, and gives all answers in the same order.",
            json!({
                "agent": agent,
                "inputs": { "type": "array", "items": text(), "maxItems": MAP_MAX },
                "parallel": { "type": "integer", "minimum": 1, "description": "tasks at once" },
            }),
            &["agent", "inputs"],
        ),
        spec(
            "run_task",
            "Gives work to another agent and waits for its answer.",
            json!({ "agent": agent, "input": text() }),
            &["agent", "input"],
        ),
        spec(
            "sleep",
            "Waits, for a number of seconds or until a time.",
            json!({
                "seconds": { "type": "number", "minimum": 0 },
                "until_ms": { "type": "integer", "description": "milliseconds since 1970" },
            }),
            &[],
        ),
        spec(
            "spawn_task",
            "Gives work to another agent without waiting; await_tasks waits for it.",
            json!({ "agent": agent, "input": text() }),
            &["agent", "input"],
        ),
        spec(
            "wait_signal",
            "Waits for a message from outside and gives what it says.",
            json!({ "name": text(), "timeout_seconds": { "type": "number", "minimum": 0 } }),
            &["name"],
        ),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sleep {
    seconds: Option<f64>,
    until_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitSignal {
    name: String,
    timeout_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapTasks {
    agent: String,
    inputs: Vec<String>,
    parallel: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AwaitTasks {
    tasks: Vec<String>,
}

/// Reads a call of a control tool; the error is for the model.
pub(super) fn parse(tool: &str, arguments: &Value) -> Result<Control, ToolError> {
    let bad = |why: String| ToolError::new(ToolErrorKind::InvalidInput, format!("{tool}: {why}"));
    match tool {
        "sleep" => {
            let Sleep { seconds, until_ms } = read(arguments).map_err(bad)?;
            if seconds.is_some() == until_ms.is_some() {
                return Err(bad("give either `seconds` or `until_ms`".into()));
            }
            Ok(Control::Sleep { ms: seconds.map(millis), until_ms })
        }
        "wait_signal" => {
            let WaitSignal { name, timeout_seconds } = read(arguments).map_err(bad)?;
            Ok(Control::Signal { name, timeout_ms: timeout_seconds.map_or(WAIT_MS_MAX, millis) })
        }
        "await_tasks" => {
            let AwaitTasks { tasks } = read(arguments).map_err(bad)?;
            Ok(Control::Await { tasks })
        }
        "map_tasks" => {
            let MapTasks { agent, inputs, parallel } = read(arguments).map_err(bad)?;
            if inputs.len() > MAP_MAX {
                return Err(bad(format!("{} inputs are too many; at most {MAP_MAX} fit", inputs.len())));
            }
            let orders = inputs.into_iter().map(|input| Order { agent: agent.clone(), input }).collect();
            Ok(Control::Make { orders, parallel: parallel.unwrap_or(PARALLEL).max(1), wait: Wants::Ends })
        }
        "run_task" | "spawn_task" | "hand_off" => {
            let orders = vec![read(arguments).map_err(bad)?];
            let wait = match tool {
                "run_task" => Wants::End,
                "spawn_task" => Wants::Name,
                _ => Wants::HandOff,
            };
            Ok(Control::Make { orders, parallel: 1, wait })
        }
        _ => Err(ToolError::new(ToolErrorKind::UnknownTool, format!("there is no control tool `{tool}`"))),
    }
}

fn read<'a, T: Deserialize<'a>>(arguments: &'a Value) -> Result<T, String> {
    T::deserialize(arguments).map_err(|error| error.to_string())
}

/// At most [`WAIT_MS_MAX`]; what is no time is none.
fn millis(seconds: f64) -> u64 {
    // A float cast to an integer saturates, and NaN becomes 0.
    ((seconds * 1000.0) as u64).min(WAIT_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_tool_is_read_and_only_with_arguments_that_fit() {
        let good = [
            ("sleep", json!({"seconds": 1.5})),
            ("wait_signal", json!({"name": "paid"})),
            ("await_tasks", json!({"tasks": ["t"]})),
            ("map_tasks", json!({"agent": "a", "inputs": ["x"], "parallel": 2})),
            ("run_task", json!({"agent": "a", "input": "x"})),
            ("spawn_task", json!({"agent": "a", "input": "x"})),
            ("hand_off", json!({"agent": "a"})),
        ];
        let names: Vec<_> = specs().iter().map(|spec| spec.name.clone()).collect();
        assert!(names.is_sorted() && names.len() == good.len());
        for (tool, arguments) in good {
            assert!(names.iter().any(|name| name == tool), "{tool}");
            assert!(parse(tool, &arguments).is_ok(), "{tool}");
            let mut odd = arguments;
            odd["unexpected"] = json!(1);
            assert_eq!(
                parse(tool, &odd).map_err(|error| error.kind),
                Err(ToolErrorKind::InvalidInput),
                "{tool}"
            );
        }
        assert!(parse("sleep", &json!({})).is_err());
        assert!(parse("sleep", &json!({"seconds": 1, "until_ms": 1})).is_err());
        let eternal = parse("sleep", &json!({"seconds": 1e300}));
        assert_eq!(eternal, Ok(Control::Sleep { ms: Some(WAIT_MS_MAX), until_ms: None }));
    }
}
