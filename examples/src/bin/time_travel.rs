//! Going back in a finished task: another way from one of its steps on, and the whole of it as a regression test.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use playhouse::{
    Agent, AgentBuilder, Approval, ForkRequest, ModelError, Playhouse, replay,
    testing::{ChatRequest, Message, Reply, ScriptedModel, answer, call_tool},
    tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Mixes a colour.
#[derive(Deserialize, JsonSchema)]
struct Mix {
    colour: String,
}

/// Mixes grey for a cat; later wishes change the picture, not the paint.
fn paint(request: &ChatRequest) -> Result<Reply, ModelError> {
    match request.messages.last() {
        Some(Message::User { content }) if content == "Paint a cat." => {
            call_tool("mix", json!({ "colour": "grey" }))
        }
        Some(Message::User { content }) => answer(&format!("a grey cat, {content}")),
        _ => answer("a grey cat"),
    }
}

fn painter() -> AgentBuilder {
    let mix = tool("mix", |Mix { colour }: Mix| async move { Ok(format!("a pot of {colour}")) }).pure();
    Agent::builder("painter").tool(mix).own_model(ScriptedModel::new(paint))
}

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    let house = Playhouse::builder().agent(painter().build()?).start().await?;
    let task = house.agent("painter").stream("Paint a cat.").await?.handle();
    println!("the task:  {}", task.answer().await?);

    // Step 1 and its tool call are shared: nothing of them runs again. Step 2 is asked anew.
    let other = ForkRequest { at: Some(2), input: Some("sleeping".into()), ..ForkRequest::default() };
    let fork = task.fork(other).await?.answer().await?;
    println!("its fork:  {fork}");
    assert_eq!(fork.text(), "a grey cat, sleeping");

    let recorded = task.export().await?;
    house.stop().await;

    // No house, no model, no tool: what was recorded is enough.
    let same = replay(&recorded, None).expect("the journal is whole");
    println!("replayed:  {} records, the same again", same.records);
    assert_eq!(same.divergence, None);

    let careful = painter().approve(Approval::of("mix")).build()?;
    let differs = replay(&recorded, Some(&careful)).expect("the journal is whole").divergence;
    let differs = differs.expect("an agent that asks first acts otherwise");
    println!("a careful painter would have gone another way at event {}", differs.at);
    Ok(())
}
