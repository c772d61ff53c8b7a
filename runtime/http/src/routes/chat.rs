//! `POST /v1/chat/completions`: an agent, spoken to as if it were a model of OpenAI.
//!
//! `model` names the agent; a task is submitted and its outcome awaited. The task is an ordinary one: it
//! survives a client that hangs up, is listed, and can be followed under `/v1/tasks`. Errors have OpenAI's
//! envelope.
//!
//! With `stream`, the answer comes as one piece when the task is done. Text that the model writes on the way
//! is provisional: a retry takes it back, or it turns out to introduce a tool call. This protocol has no word
//! for taking back, so provisional text is only under `/v1/tasks/{id}/events?deltas=true`.

mod convert;
mod envelope;

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
    task::{Event, TaskView},
};
use playhouse_openai_wire::{ChatRequest, DONE};

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

/// The task once it is over.
async fn finished(app: &App, caller: &Caller, id: &TaskId, stop: Stop) -> Result<TaskView, Problem> {
    let lost = |error| convert::lost(id, error);
    let events = app.api.events(caller, id, 0, false).await.map_err(lost)?;
    let mut events = std::pin::pin!(events.take_until(stopped(stop)));
    while let Some(event) = events.next().await {
        if let TaskEvent::Record(record) = event.map_err(lost)?
            && matches!(record.event, Event::Finished { .. })
        {
            return app.api.task(caller, id).await.map_err(lost);
        }
    }
    Err(lost(ApiError::new(ApiErrorKind::Unavailable, "the daemon is stopping")))
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
