//! `POST /v1/chat/completions`: an agent, spoken to as if it were a model of OpenAI.
//!
//! `model` names the agent; a task is submitted and its outcome awaited. The task is an ordinary one: it
//! survives a client that hangs up, is listed, and can be followed under `/v1/tasks`. Errors have OpenAI's
//! envelope.
//!
//! A task may be parked, for a person's decision or a message, longer than any client waits. After
//! [`Options::parked_wait`](crate::Options) the client hears so in an error that names the task: this protocol has
//! no word for "later" either.
//!
//! With `stream`, the answer comes as one piece when the task is done. Text that the model writes on the way
//! is provisional: a retry takes it back, or it turns out to introduce a tool call. This protocol has no word
//! for taking back, so provisional text is only under `/v1/tasks/{id}/events?deltas=true`.

mod convert;
mod envelope;

use std::time::Duration;

use axum::{
    Extension, Json as JsonAnswer,
    extract::State,
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event as Frame, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use playhouse_api::{ApiError, ApiErrorKind, Caller, TaskEvent};
use playhouse_core::{
    id::TaskId,
    task::{Event, Head, Status, TaskView, Waiting},
};
use playhouse_openai_wire::{ChatRequest, DONE};
use tokio::time::{Instant, timeout_at};

use super::{
    Endpoint, Route,
    events::{KEEP_ALIVE, stopped},
};
use crate::{
    App,
    auth::Identity,
    extract::{IdempotencyKey, Json},
    problem::Problem,
    serve::Stopping,
};

type Stop = Option<Extension<Stopping>>;

pub(super) fn routes() -> Vec<Route> {
    let endpoint =
        Endpoint { method: "POST", path: "/v1/chat/completions", about: "ask an agent, in OpenAI's shape" };
    let handler = axum::routing::post(chat_completions).layer(middleware::map_response(envelope::of));
    vec![Route { endpoint, handler }]
}

/// Asks an agent as if it were a model of OpenAI; `model` is its name.
///
/// The last message is what is asked; the ones before are shown to the agent as a transcript. The agent's own
/// definition decides about sampling, so `temperature`, `max_tokens` and the like are accepted and not used.
/// Tools, `n`, `stop`, `logprobs`, audio, images and response formats other than text are refused.
///
/// A task that is parked for more than 30 s, for a decision, a message or a time, is answered 409 with the code
/// `task_parked`. It goes on when what it waits for comes; `/v1/tasks/{id}`, named in the message, has its answer.
/// So has the same request with the same `Idempotency-Key`.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "openai",
    request_body(content = serde_json::Value, description = "OpenAI's CreateChatCompletionRequest"),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable bytes")),
    responses(
        (status = 200, description = "OpenAI's CreateChatCompletionResponse, or chunks of it as SSE",
            content((serde_json::Value = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "OpenAI's error envelope", body = serde_json::Value),
        (status = "5XX", description = "OpenAI's error envelope", body = serde_json::Value),
    ),
)]
pub(crate) async fn chat_completions(
    State(app): State<App>,
    Identity(caller): Identity,
    IdempotencyKey(key): IdempotencyKey,
    stop: Stop,
    Json(request): Json<ChatRequest>,
) -> Result<Response, Problem> {
    let submission = convert::submission(&request, key)?;
    let task = app.api.submit(&caller, submission).await?.task;
    if !request.stream.unwrap_or(false) {
        let task = finished(&app, &caller, &task.head.task, stop).await?;
        return Ok(JsonAnswer(convert::response(task)?).into_response());
    }
    let with_usage = request.stream_options.is_some_and(|options| options.include_usage);
    let frames = frames(app, caller, task, stop, with_usage);
    Ok(Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// How long tasks that a task made are waited for in one stretch, since they may be parked themselves: as long as
/// OpenAI's SDKs wait for an answer.
const CHILDREN_WAIT: Duration = Duration::from_secs(600);

/// The task once it is over; a refusal when it is parked for too long.
async fn finished(app: &App, caller: &Caller, id: &TaskId, stop: Stop) -> Result<TaskView, Problem> {
    let lost = |error| convert::lost(id, error);
    let events = app.api.events(caller, id, 0, false).await.map_err(lost)?;
    let mut events = std::pin::pin!(events.take_until(stopped(stop)));
    // Since when it is parked, and until when that is waited for.
    let mut parked: Option<(Instant, Instant)> = None;
    loop {
        let event = match parked {
            None => events.next().await,
            Some((since, until)) => match timeout_at(until, events.next()).await {
                Ok(event) => event,
                Err(_) => {
                    let task = app.api.task(caller, id).await.map_err(lost)?;
                    if !is_waited_for(&task.head, since) {
                        return Err(convert::parked(&task.head));
                    }
                    parked = Some((since, until + app.options.parked_wait));
                    continue;
                }
            },
        };
        let Some(event) = event else { break };
        let TaskEvent::Record(record) = event.map_err(lost)? else { continue };
        match record.event {
            Event::Finished { .. } => return app.api.task(caller, id).await.map_err(lost),
            Event::Parked { .. } => parked = Some((Instant::now(), Instant::now() + app.options.parked_wait)),
            Event::Woken { .. } => parked = None,
            _ => {}
        }
    }
    Err(lost(ApiError::new(ApiErrorKind::Unavailable, "the daemon is stopping")))
}

/// Whether a task that has been parked `since` then goes on by its own, or has just gone on.
fn is_waited_for(head: &Head, since: Instant) -> bool {
    head.status != Status::Parked
        || (head.waiting == Some(Waiting::Children) && since.elapsed() < CHILDREN_WAIT)
}

/// A first chunk at once, so that the client sees life; the rest when the task is over.
fn frames(
    app: App,
    caller: Caller,
    task: TaskView,
    stop: Stop,
    with_usage: bool,
) -> impl Stream<Item = Result<Frame, serde_json::Error>> {
    let first = convert::first_chunk(&task);
    let rest = async move {
        let ended = finished(&app, &caller, &task.head.task, stop).await;
        match ended.and_then(|task| convert::last_chunks(task, with_usage)) {
            Ok(chunks) => chunks.iter().map(serde_json::to_string).collect(),
            Err(problem) => vec![serde_json::to_string(&envelope::body(&problem))],
        }
    };
    let first = stream::once(async move { serde_json::to_string(&first) });
    let rest = stream::once(rest).flat_map(stream::iter);
    let done = stream::once(async { Ok(DONE.to_owned()) });
    first.chain(rest).chain(done).map(|data| Ok(Frame::default().data(data?)))
}
