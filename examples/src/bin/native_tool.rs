//! A Rust function as a tool, and a Rust type as the answer. The scripted model stands for any other: leave
//! `own_model` out and the configured one is asked.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use playhouse::{
    Agent,
    testing::{ScriptedModel, answer, call_tool},
    tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Adds two whole numbers.
#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Sum {
    /// The exact result.
    sum: i64,
}

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    let script = [call_tool("add", json!({ "a": 2, "b": 3 })), answer(r#"{ "sum": 5 }"#)];
    let agent = Agent::builder("adder")
        .instructions("Add with the tool, never in your head.")
        .tool(tool("add", |Add { a, b }: Add| async move { Ok(a + b) }).pure())
        .returns::<Sum>()
        .own_model(ScriptedModel::replies(script))
        .build()?;
    let answer = agent.run("What is 2 + 3?").await?;
    println!("{:?} after {} steps", answer.typed::<Sum>()?, answer.steps());
    assert_eq!(answer.typed::<Sum>()?, Sum { sum: 5 });
    Ok(())
}
