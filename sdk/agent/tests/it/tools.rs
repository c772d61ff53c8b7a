//! Native tools: schemas from types, and what goes back to the model.

use playhouse::{
    Agent, Tool, ToolFailure,
    testing::{answer, call_tool},
    tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{listening, tool_results};

/// Adds two whole numbers.
#[derive(Deserialize, JsonSchema)]
struct Add {
    /// The first.
    a: i64,
    b: Option<i64>,
}

fn add() -> Tool {
    tool("add", |Add { a, b }: Add| async move { Ok(a + b.unwrap_or(0)) })
}

/// Calls `tool` with `arguments`; what the model reads.
async fn called(tool: Tool, name: &str, arguments: Value) -> String {
    let (model, heard) = listening(vec![call_tool(name, arguments), answer("done")]);
    let agent = Agent::builder("tested").tool(tool).own_model(model).build().expect("the agent is sound");
    agent.run("go").await.expect("the script ends with an answer");
    tool_results(&heard).remove(0)
}

#[tokio::test]
async fn the_schema_and_the_description_of_a_tool_come_from_the_type_of_its_input() {
    let (model, heard) = listening(vec![answer("done")]);
    Agent::builder("tested").tool(add().pure()).own_model(model).build().unwrap().run("go").await.unwrap();
    let spec = heard.lock().unwrap()[0].tools[0].clone();
    assert_eq!(spec.description, "Adds two whole numbers.");
    assert_eq!(spec.digest, "native:add@1");
    assert!(
        spec.annotations.read_only && !spec.annotations.open_world,
        "as was promised: {}",
        spec.annotations
    );
    let expected = json!({
        "type": "object",
        "properties": {
            "a": { "description": "The first.", "type": "integer", "format": "int64" },
            "b": { "type": ["integer", "null"], "format": "int64" },
        },
        "required": ["a"],
    });
    assert_eq!(spec.input_schema, expected);
}

#[tokio::test]
async fn the_output_of_a_tool_goes_back_to_the_model() {
    assert_eq!(called(add(), "add", json!({ "a": 2, "b": 3 })).await, "5");
}

#[tokio::test]
async fn arguments_that_do_not_fit_go_back_to_the_model_with_what_would_fit() {
    let told = called(add(), "add", json!({ "a": "two" })).await;
    for part in [
        "invalid-input",
        "`a`",
        "is not of type",
        "It takes: a (integer), b (integer or null, optional)",
        r#"for example {\"a\":1}"#,
    ] {
        assert!(told.contains(part), "`{part}` is missing: {told}");
    }
    let told = called(add(), "add", json!({})).await;
    assert!(told.contains("required"), "{told}");
}

#[tokio::test]
async fn a_tool_the_agent_does_not_have_is_answered_with_those_it_has() {
    let told = called(add(), "subtract", json!({})).await;
    assert!(told.contains("unknown-tool") && told.contains("add"), "{told}");
}

#[tokio::test]
async fn a_tool_that_panics_is_an_error_for_the_model_and_not_the_end() {
    async fn panics(_: Add) -> Result<(), ToolFailure> {
        panic!("the abacus broke")
    }
    let told = called(tool("add", panics).pure(), "add", json!({ "a": 1 })).await;
    assert!(told.contains("crashed") && told.contains("the abacus broke"), "{told}");
    // Without a promise nobody knows what it did before it panicked.
    let told = called(tool("add", panics), "add", json!({ "a": 1 })).await;
    assert!(told.contains("outcome-unknown"), "{told}");
}

#[tokio::test]
async fn any_error_in_a_tool_becomes_one_for_the_model() {
    let parse = tool("add", |_: Add| async move { Ok("many".parse::<u8>()?) });
    let told = called(parse, "add", json!({ "a": 1 })).await;
    assert!(told.contains("upstream") && told.contains("invalid digit"), "{told}");
    let missing = tool("add", |_: Add| async move { Err::<(), _>(ToolFailure::not_found("no such number")) });
    let told = called(missing, "add", json!({ "a": 1 })).await;
    assert!(told.contains("not-found") && told.contains("no such number"), "{told}");
}
