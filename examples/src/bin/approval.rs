//! A person agrees before money moves. The task waits in the journal meanwhile, without an actor: minutes or days,
//! across restarts.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use playhouse::{
    Agent, Approval, Playhouse,
    testing::{ScriptedModel, answer, call_tool},
    tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Sends money.
#[derive(Deserialize, JsonSchema)]
struct Transfer {
    to: String,
    amount: u32,
}

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    let send = |Transfer { to, amount }: Transfer| async move { Ok(format!("{amount} went to {to}")) };
    let script = [call_tool("transfer", json!({ "to": "Ada", "amount": 250 })), answer("Ada has her money.")];
    let clerk = Agent::builder("clerk")
        .tool(tool("transfer", send))
        .approve(Approval::of("transfer").above("/amount", 100.0).reason("more than 100"))
        .own_model(ScriptedModel::replies(script))
        .build()?;
    let house = Playhouse::builder().agent(clerk).start().await?;

    let task = house.agent("clerk").stream("Send Ada 250.").await?.handle();
    let waiting = task.parked().await?;
    let call = &waiting.waits[0];
    println!("{} {} waits for a person", call.tool, call.arguments);
    assert_eq!(call.arguments["amount"], 250);

    // The person agrees to less. The decision holds for this call with these arguments, and for no other.
    task.approve_with(call, "grace", json!({ "to": "Ada", "amount": 90 })).await?;
    println!("{}", task.answer().await?);

    let journal = serde_json::to_string(&task.export().await?).expect("a journal is JSON");
    assert!(journal.contains("90 went to Ada") && !journal.contains("250 went to Ada"));
    house.stop().await;
    Ok(())
}
