//! What people say to a task that exists. Each gives the task as it then is.

use playhouse_http::wire::{Decide, Task, Verb};
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{Call, DecideArgs, Verdict},
    client::Client,
};

/// `POST /v1/tasks/{id}/{what}`.
pub(super) async fn to(client: &Client, id: &str, what: &str, body: &impl Serialize) -> anyhow::Result<Task> {
    client.post(&format!("/v1/tasks/{id}/{what}"), body, None).await
}

pub(super) async fn approve(client: &Client, call: Call, arguments: Option<Value>) -> anyhow::Result<Task> {
    let (id, word) = word(call, Verb::Approve);
    to(client, &id, "decisions", &Decide { arguments, ..word }).await
}

pub(super) async fn deny(client: &Client, call: Call, reason: Option<String>) -> anyhow::Result<Task> {
    let (id, word) = word(call, Verb::Deny);
    to(client, &id, "decisions", &Decide { reason, ..word }).await
}

pub(super) async fn decide(client: &Client, args: DecideArgs) -> anyhow::Result<Task> {
    let verb = match args.verdict {
        Verdict::Happened => Verb::Happened,
        Verdict::Retry => Verb::Retry,
        Verdict::Unknown => Verb::Deny,
    };
    let (id, word) = word(args.call, verb);
    to(client, &id, "decisions", &Decide { output: args.output, ..word }).await
}

/// The task, and a decision about its call without anything that belongs to one verb only.
fn word(call: Call, decision: Verb) -> (String, Decide) {
    let Call { id, call, by, args_digest } = call;
    // `USER` may be set and empty.
    let by = by.filter(|by| !by.is_empty());
    let word =
        Decide { effect_id: call, decision, arguments: None, reason: None, output: None, args_digest, by };
    (id, word)
}
