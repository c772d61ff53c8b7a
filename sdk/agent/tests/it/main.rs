//! The SDK from outside, on a scripted model: definitions, tools, answers, sessions.

mod agents;
mod answers;
mod houses;
mod tools;
mod waits;

use std::sync::{Arc, Mutex};

use playhouse::{
    Agent, AgentBuilder, Answer, Error, ModelError,
    testing::{ChatRequest, Message, Reply, ScriptedModel},
};

/// An agent on these replies, still to be given tools.
fn scripted(replies: impl IntoIterator<Item = Result<Reply, ModelError>>) -> AgentBuilder {
    Agent::builder("tested").own_model(ScriptedModel::replies(replies))
}

/// Builds and asks.
async fn ask(agent: AgentBuilder) -> Result<Answer, Error> {
    agent.build().expect("the test's agent is sound").run("go").await
}

/// A model on these replies that keeps every prompt it was given.
fn listening(replies: Vec<Result<Reply, ModelError>>) -> (ScriptedModel, Arc<Mutex<Vec<ChatRequest>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (keep, left) = (heard.clone(), Mutex::new(replies.into_iter()));
    let model = ScriptedModel::new(move |request| {
        keep.lock().expect("no test panics with the lock").push(request.clone());
        left.lock()
            .expect("no test panics with the lock")
            .next()
            .expect("the script has a reply for every call")
    });
    (model, heard)
}

/// What the model was told by tools in its last prompt.
fn tool_results(heard: &Mutex<Vec<ChatRequest>>) -> Vec<String> {
    let heard = heard.lock().expect("no test panics with the lock");
    let result = |message: &Message| match message {
        Message::Tool { content, .. } => Some(content.clone()),
        _ => None,
    };
    heard.last().expect("the model was asked").messages.iter().filter_map(result).collect()
}
