//! An agent that gives work to another: each input becomes a task of its own, two at a time, and all answers come
//! back in order.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use playhouse::{
    Agent, Playhouse,
    testing::{ChatRequest, Message, ScriptedModel, answer, call_tool},
};
use serde_json::json;

/// What the model was told last.
fn last(request: &ChatRequest) -> &str {
    match request.messages.last() {
        Some(Message::User { content } | Message::Tool { content, .. }) => content,
        _ => "",
    }
}

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    let researcher = Agent::builder("researcher")
        .own_model(ScriptedModel::new(|request| answer(&format!("{} is a colour", last(request)))))
        .build()?;
    let editor = Agent::builder("editor")
        .agents(["researcher"])
        .uses("map_tasks")
        .own_model(ScriptedModel::new(|request| match request.messages.last() {
            Some(Message::Tool { content, .. }) => answer(content),
            _ => call_tool(
                "map_tasks",
                json!({ "agent": "researcher", "inputs": ["red", "green", "blue"], "parallel": 2 }),
            ),
        }))
        .build()?;
    let house = Playhouse::builder().agent(researcher).agent(editor).start().await?;

    let answer = house.agent("editor").run("What are red, green and blue?").await?;
    println!("{answer}");
    let places: Vec<_> =
        ["red", "green", "blue"].map(|word| answer.text().find(&format!("{word} is a colour"))).into();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "all answers, in the order of the inputs"
    );
    house.stop().await;
    Ok(())
}
