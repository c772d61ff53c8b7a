//! `/v1/tasks/{id}/…`: holding a task still, deciding for it, sending it messages.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use playhouse_api::{Caller, Verdict};
use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Decision, Signal},
};
use serde_json::Value;

use super::{Route, post};
use crate::{
    App,
    auth::Identity,
    extract::{Bounded, IdempotencyKey, OptionalJson, PathOf, name, reason},
    openapi::{BadBody, Busy, NotFound, Refusals, TooEarly},
    problem::Problem,
    wire::{self, Verb},
};

/// Bytes of a decision, and of a signal. Both go whole into the journal and on to the model, for which this is
/// a lot; a task keeps at most 64 signals that no call has taken.
const WORD_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the name of who decided.
const BY_BYTES_MAX: usize = 128;

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/tasks/{id}/pause", "hold a task still", pause_task),
        post("/v1/tasks/{id}/resume", "let a paused task go on", resume_task),
        post("/v1/tasks/{id}/decisions", "decide about a call that waits for a person", decide_call),
        post("/v1/tasks/{id}/signals/{name}", "send a task a message", signal_task),
    ]
}

/// Holds a task still until it is resumed: nothing more begins. A model call that runs is dropped and made again
/// later; tool calls that run come to their end, then the task is `parked`.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/pause", tag = "tasks", request_body = Option<wire::Pause>,
    params(("id" = String, Path, description = "Of the task")),
    responses(
        (status = 200, description = "The task", body = wire::Task), TooEarly, BadBody, NotFound, Refusals,
    ),
)]
pub(crate) async fn pause_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
    OptionalJson(body): OptionalJson<wire::Pause>,
) -> Result<Json<wire::Task>, Problem> {
    let reason = reason(body.reason, "paused by the caller")?;
    let task = app.api.pause(&caller, &name("task id", id)?, reason).await?;
    Ok(Json(task.into()))
}

/// Lets a paused task go on.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/resume", tag = "tasks",
    params(("id" = String, Path, description = "Of the task")),
    responses((status = 200, description = "The task", body = wire::Task), TooEarly, NotFound, Refusals),
)]
pub(crate) async fn resume_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<Json<wire::Task>, Problem> {
    let task = app.api.resume(&caller, &name("task id", id)?).await?;
    Ok(Json(task.into()))
}

/// Decides about a call that waits for a person: an entry of the task's `waits`.
///
/// With `args_digest`, the decision holds only for the arguments that were seen. A call that does not wait, or
/// does not wait for this kind of decision, is refused with 409.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/decisions", tag = "tasks", request_body = wire::Decide,
    params(("id" = String, Path, description = "Of the task")),
    responses(
        (status = 200, description = "The task", body = wire::Task), TooEarly, BadBody, NotFound, Refusals,
    ),
)]
pub(crate) async fn decide_call(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
    Bounded(body): Bounded<wire::Decide, WORD_BYTES_MAX>,
) -> Result<Json<wire::Task>, Problem> {
    let id: TaskId = name("task id", id)?;
    let verdict = verdict(&id, &caller, body)?;
    let task = app.api.decide(&caller, &id, verdict).await?;
    Ok(Json(task.into()))
}

fn verdict(task: &TaskId, caller: &Caller, body: wire::Decide) -> Result<Verdict, Problem> {
    let wire::Decide { effect_id, decision, arguments, reason, output, args_digest, by } = body;
    let only_with = [
        (arguments.is_some(), "arguments", "approve", Verb::Approve),
        (reason.is_some(), "reason", "deny", Verb::Deny),
        (output.is_some(), "output", "happened", Verb::Happened),
    ];
    if let Some((_, field, word, _)) = only_with.iter().find(|(given, .., verb)| *given && *verb != decision)
    {
        return Err(Problem::bad_request(format!("`{field}` goes with the decision `{word}` only")));
    }
    let decision = match decision {
        Verb::Approve => Decision::Approve { arguments },
        Verb::Deny => Decision::Deny { reason: self::reason(reason, "")? },
        Verb::Happened => Decision::Happened { output: output.unwrap_or_default() },
        Verb::Retry => Decision::Retry,
    };
    let by = by.unwrap_or_else(|| caller.tenant.to_string());
    if by.is_empty() || by.len() > BY_BYTES_MAX {
        let detail = format!("`by` has {} bytes; 1 to {BY_BYTES_MAX} are allowed", by.len());
        return Err(Problem::bad_request(detail));
    }
    Ok(Verdict { effect_id: call(task, &effect_id)?, args_digest, decision, by })
}

/// The call that `text` names: `TASK/3.0`, or `3.0`, since the task is in the path.
fn call(task: &TaskId, text: &str) -> Result<EffectId, Problem> {
    let (owner, last) = text.rsplit_once('/').unwrap_or((task.as_str(), text));
    if owner != task.as_str() || last.is_empty() {
        return Err(Problem::bad_request(format!(
            "`effect_id` is `{text}`, which names no call of task {task}; look at the task's `waits`"
        )));
    }
    Ok(EffectId(format!("{task}/{last}")))
}

/// Sends a task a message: the payload is the body, any JSON.
///
/// With an `Idempotency-Key`, sending it again changes nothing. When this answers, the message survives a crash;
/// it is kept until a call of `wait_signal` takes it.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/signals/{name}", tag = "tasks",
    request_body(content = serde_json::Value, description = "What it says, at most 64 KiB"),
    params(
        ("id" = String, Path, description = "Of the task"),
        ("name" = String, Path, description = "One of the agent's signals"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable bytes"),
    ),
    responses(
        (status = 202, description = "Accepted", body = wire::Task), TooEarly, BadBody, Busy, NotFound, Refusals,
    ),
)]
pub(crate) async fn signal_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf((task, signal)): PathOf<(String, String)>,
    IdempotencyKey(key): IdempotencyKey,
    Bounded(payload): Bounded<Value, WORD_BYTES_MAX>,
) -> Result<Response, Problem> {
    let id = key.unwrap_or_else(|| ulid::Ulid::generate().to_string());
    let signal = Signal { id, name: signal, payload };
    let task = app.api.signal(&caller, &name("task id", task)?, signal).await?;
    Ok((StatusCode::ACCEPTED, Json(wire::Task::from(task))).into_response())
}
