//! A conversation: the follow-up can only be answered by who remembers the answer before it. The model here is
//! scripted to read its own prompt, so the example shows what the session really put there.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use playhouse::{
    Agent, Playhouse,
    testing::{ChatRequest, Message, ScriptedModel, answer},
};

/// Says a number when asked for one, and its double when asked to double what was said.
fn doubler(request: &ChatRequest) -> String {
    let said = request.messages.iter().rev().find_map(|message| match message {
        Message::Assistant(reply) => reply.content.parse::<u64>().ok(),
        _ => None,
    });
    match (request.messages.last(), said) {
        (Some(Message::User { content }), Some(said)) if content.contains("Double") => (2 * said).to_string(),
        (Some(Message::User { content }), None) if content.contains("Double") => "Double what?".into(),
        _ => "21".into(),
    }
}

#[tokio::main]
async fn main() -> Result<(), playhouse::Error> {
    let model = ScriptedModel::new(|request| answer(&doubler(request)));
    let agent = Agent::builder("doubler").own_model(model).build()?;
    let house = Playhouse::builder().agent(agent).start().await?;

    let stranger = house.agent("doubler").run("Double it.").await?;
    println!("without a session: {stranger}");
    assert_eq!(stranger.text(), "Double what?");

    let talk = house.agent("doubler").session("numbers")?;
    println!("first turn:        {}", talk.run("Think of a number.").await?);
    let follow_up = talk.run("Double it.").await?;
    println!("second turn:       {follow_up}");
    assert_eq!(follow_up.text(), "42");
    assert_eq!(talk.history().await?.turns.len(), 2);

    house.stop().await;
    Ok(())
}
