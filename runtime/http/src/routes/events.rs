//! `GET /v1/tasks/{id}/events`: following a task by server-sent events.
//!
//! ```text
//! id: 4                      <- `seq` in the journal; a client that lost the connection sends it back as
//! event: tool_done              `Last-Event-ID` and goes on at 5: nothing is lost, nothing comes twice
//! data: {"seq":4,"type":"tool_done",…}
//!
//! event: delta               <- provisional, so without id: a reconnect must not count it
//! data: {"step":2,"text":"Ber"}
//! ```

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event as Frame, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use playhouse_api::{EventStream, TaskEvent};
use playhouse_core::id::{Seq, TaskId};
use serde::{Deserialize, Serialize};

use super::{Route, get};
use crate::{
    App,
    auth::Identity,
    extract::{PathOf, QueryOf, name, one_header},
    openapi::{Busy, NotFound, Refusals},
    problem::Problem,
    serve::Stopping,
    wire,
};

/// Pause after which a comment is sent. Proxies commonly cut connections that are silent for 60 s, some at
/// 30.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Vec<Route> {
    vec![get("/v1/tasks/{id}/events", "follow a task (SSE)", follow_task)]
}

/// Where to begin, and how much to tell.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Id of the first event wanted; 0 when absent. `Last-Event-ID` goes before it.
    from: Option<u64>,
    /// Whether to send what is provisional: the model's text as `delta` events, and what tools say before their end
    /// as `progress` events.
    deltas: bool,
}

/// Follows a task until it is over.
///
/// Events come in the order of their ids, without gaps, and the stream ends after `finished`. A client that
/// reconnects after that is answered 204, which tells a browser's `EventSource` to stop. When the stream
/// cannot go on, a last event `problem` without id says why.
#[utoipa::path(
    get, path = "/v1/tasks/{id}/events", tag = "tasks",
    params(
        ("id" = String, Path, description = "Of the task"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Id of the last event received"),
        EventsQuery,
    ),
    responses(
        (status = 200, description = "Events: each a Record, `delta` a Delta, `progress` a Progress, `problem` a Problem",
            body = wire::Record, content_type = "text/event-stream"),
        (status = 204, description = "The task is over and the client has every event"),
        Busy, NotFound, Refusals,
    ),
)]
pub(crate) async fn follow_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<EventsQuery>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id: TaskId = name("task id", id)?;
    let from = position(&headers, &query)?;
    let head = app.api.task(&caller, &id).await?.head;
    if head.status.is_final() && from >= head.next_seq {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = app.api.events(&caller, &id, from, query.deltas).await?;
    let frames = frames(events).take_until(stopped(stopping));
    let sse = Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx would otherwise collect events until a buffer is full.
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

/// Id of the first event to send.
fn position(headers: &HeaderMap, query: &EventsQuery) -> Result<Seq, Problem> {
    let Some(last) = one_header(headers, "last-event-id")? else { return Ok(query.from.unwrap_or(0)) };
    let next = last.parse::<Seq>().ok().and_then(|last| last.checked_add(1));
    next.ok_or_else(|| {
        Problem::bad_request(
            "`Last-Event-ID` is not the id of an event; send one as received, or leave it out",
        )
    })
}

/// Ends when the server stops, never when nobody said how it would.
pub(super) async fn stopped(stopping: Option<Extension<Stopping>>) {
    match stopping {
        Some(Extension(Stopping(mut stopping))) => drop(stopping.wait_for(|stopping| *stopping).await),
        None => std::future::pending().await,
    }
}

/// Frames for `events`, the last of them `finished` or `problem`.
fn frames(events: EventStream) -> impl Stream<Item = Result<Frame, Infallible>> {
    stream::unfold(Some(events), async |events| {
        let mut events = events?;
        let (frame, is_last) = match events.next().await? {
            Ok(TaskEvent::Record(record)) => of_record(record.into()),
            Ok(TaskEvent::Delta { step, text }) => (frame("delta", &wire::Delta { step, text }), false),
            Ok(TaskEvent::Progress { effect_id, tool, progress }) => {
                (frame("progress", &wire::Progress::of(effect_id, tool, progress)), false)
            }
            Err(error) => (of_problem(error.into()), true),
        };
        Some((Ok(frame), (!is_last).then_some(events)))
    })
}

fn of_record(record: wire::Record) -> (Frame, bool) {
    let is_last = matches!(record.event, wire::Event::Finished(_));
    (frame(record.event.name(), &record).id(record.seq.to_string()), is_last)
}

/// `retry` tells a browser when to come back.
fn of_problem(problem: Problem) -> Frame {
    let frame = frame("problem", &problem);
    match problem.retry_after_ms {
        Some(ms) => frame.retry(Duration::from_millis(ms)),
        None => frame,
    }
}

fn frame(name: &str, data: &impl Serialize) -> Frame {
    let json = serde_json::to_string(data).expect("wire types hold only what JSON holds");
    Frame::default().event(name).data(json)
}
