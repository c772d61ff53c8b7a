//! `POST /v1/tasks`: accepting work.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use playhouse_api::Submission;
use playhouse_core::{labels::Labels, task::TaskView};

use super::{Route, post};
use crate::{
    App,
    auth::Identity,
    extract::{IdempotencyKey, Json, name},
    openapi::{Busy, Refusals},
    problem::Problem,
    wire,
};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) fn routes() -> Vec<Route> {
    vec![post("/v1/tasks", "submit a task", submit_task)]
}

/// Accepts a task; when this answers, the task survives a crash.
///
/// With an `Idempotency-Key`, sending the same body again returns the same task with status 200 and
/// `Idempotency-Replayed: true`; another body under the same key is refused with 409.
#[utoipa::path(
    post, path = "/v1/tasks", tag = "tasks", request_body = wire::Submit,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable bytes")),
    responses(
        (status = 202, description = "Accepted", body = wire::Task, headers(("Location" = String))),
        (status = 200, description = "Accepted earlier under this key", body = wire::Task,
            headers(("Location" = String), ("Idempotency-Replayed" = String))),
        (status = 404, description = "No such agent", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "The key was used with another body", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem,
            content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = Problem,
            content_type = "application/problem+json"),
        Busy, Refusals,
    ),
)]
pub(crate) async fn submit_task(
    State(app): State<App>,
    Identity(caller): Identity,
    IdempotencyKey(key): IdempotencyKey,
    Json(body): Json<wire::Submit>,
) -> Result<Response, Problem> {
    let submitted = app.api.submit(&caller, submission(body, key)?).await?;
    let status = if submitted.replayed { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = made(status, submitted.task);
    if submitted.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A task that exists now, and where.
pub(super) fn made(status: StatusCode, task: TaskView) -> Response {
    let task = wire::Task::from(task);
    let location = HeaderValue::from_str(&format!("/v1/tasks/{}", task.id))
        .expect("the characters of an id fit a header");
    (status, [(header::LOCATION, location)], axum::Json(task)).into_response()
}

fn submission(body: wire::Submit, idempotency_key: Option<String>) -> Result<Submission, Problem> {
    let wire::Submit { agent, input, session, topic, limits, labels, until_ms } = body;
    Ok(Submission {
        agent,
        input,
        session: session.map(|session| name("session", session)).transpose()?,
        topic,
        limits: limits.into(),
        labels: Labels(labels.into_iter().collect()),
        until_ms,
        idempotency_key,
    })
}
