//! The floor: the same requests with `reqwest` and `serde_json`, the tool called in place, nothing kept.
//!
//! It sends what the runtime sends (instructions, input, every call and result so far, the tool's schema) and
//! reads what the runtime reads. It has as many requests in flight, on as many threads.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    args::{Args, Place},
    phase::{Phase, Stopwatch},
    playhouse::{INSTRUCTIONS, MAX_TOKENS},
    script,
};
use crate::crowd;

/// Client, address, and places for requests in flight.
struct Bare {
    client: reqwest::Client,
    url: String,
    in_flight: Semaphore,
    rounds: u32,
    /// What is offered with every request.
    tools: Value,
}

/// Runs the tasks and measures them.
pub(crate) fn run(args: &Args, place: &Place) -> Result<Phase> {
    // Not for the mock: `reqwest` wants to know one before it makes a client.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parameters = json!({ "type": "object" });
    let function = json!({ "name": "adder", "description": "adds two numbers", "parameters": parameters });
    let bare = Arc::new(Bare {
        client: reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?,
        url: format!("{}/chat/completions", place.model),
        in_flight: Semaphore::new(args.in_flight),
        rounds: args.rounds,
        tools: json!([{ "type": "function", "function": function }]),
    });
    let (tasks, at_once) = (args.tasks, place.at_once);
    args.tokio()?.block_on(async {
        let watch = Stopwatch::start()?;
        let results = crowd::run(tasks, at_once, move |n| {
            let bare = bare.clone();
            async move { bare.task(n).await.map_err(|error| format!("task {n}: {error:#}")) }
        });
        let results = results.await;
        watch.stop(&results)
    })
}

#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Value,
}

impl Bare {
    /// One task: no record is written, so the count is 0.
    async fn task(&self, n: usize) -> Result<u64> {
        let mut messages = vec![
            json!({ "role": "system", "content": INSTRUCTIONS }),
            json!({ "role": "user", "content": script::input(n) }),
        ];
        loop {
            let message = self.ask(&messages).await?;
            let calls = message.get("tool_calls").and_then(Value::as_array).cloned().unwrap_or_default();
            if calls.is_empty() {
                let said = message["content"].as_str().unwrap_or_default();
                let wanted = script::answer(n, self.rounds);
                ensure!(said == wanted, "said `{said}`, not `{wanted}`");
                return Ok(0);
            }
            messages.push(message);
            for call in calls {
                let arguments = call["function"]["arguments"].as_str().context("a call without arguments")?;
                let Some(output) = script::add(&serde_json::from_str(arguments)?) else {
                    bail!("not a sum: {arguments}")
                };
                messages.push(
                    json!({ "role": "tool", "tool_call_id": call["id"], "content": output.to_string() }),
                );
            }
        }
    }

    async fn ask(&self, messages: &[Value]) -> Result<Value> {
        let body = json!({
            "model": "mock",
            "messages": messages,
            "tools": self.tools,
            "stream": false,
            "temperature": 0.0,
            "max_tokens": MAX_TOKENS,
        });
        let _place = self.in_flight.acquire().await?;
        let response = self.client.post(&self.url).json(&body).send().await?.error_for_status()?;
        let response: Response = response.json().await?;
        Ok(response.choices.into_iter().next().context("no choice")?.message)
    }
}
