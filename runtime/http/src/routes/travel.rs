//! `/v1/tasks/{id}/fork` and `…/export`: going back in a task, and taking it elsewhere.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use playhouse_api::{Export, ForkRequest};

use super::{Route, get, post, submit::made};
use crate::{
    App,
    auth::Identity,
    extract::{OptionalJson, PathOf, name},
    openapi::{BadBody, Busy, NotFound, Refusals, TooEarly},
    problem::Problem,
    wire,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/tasks/{id}/fork", "make a task that shares the history of this one", fork_task),
        get("/v1/tasks/{id}/export", "a task with its whole journal", export_task),
    ]
}

/// Makes a task that shares the history of this one up to a step, and goes on from there by itself.
///
/// It belongs to no session: a fork is an experiment. The task it is made of is not touched.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/fork", tag = "tasks", request_body = Option<wire::Fork>,
    params(("id" = String, Path, description = "Of the task")),
    responses(
        (status = 202, description = "The new task", body = wire::Task, headers(("Location" = String))),
        TooEarly, BadBody, Busy, NotFound, Refusals,
    ),
)]
pub(crate) async fn fork_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
    OptionalJson(body): OptionalJson<wire::Fork>,
) -> Result<Response, Problem> {
    let wire::Fork { at, input, agent, model } = body;
    if at == Some(0) {
        return Err(Problem::bad_request("`at` is 0; steps are counted from 1"));
    }
    if input.as_ref().is_some_and(String::is_empty) {
        return Err(Problem::bad_request("`input` is empty; leave it out to keep the task's own"));
    }
    let task = app.api.fork(&caller, &name("task id", id)?, ForkRequest { at, input, agent, model }).await?;
    Ok(made(StatusCode::ACCEPTED, task))
}

/// A task with its whole journal, as `playhouse replay` reads it.
///
/// It holds everything the task ran on, the agent's prompt and the grants of its tools among it: treat it as
/// you treat the data directory.
#[utoipa::path(
    get, path = "/v1/tasks/{id}/export", tag = "tasks",
    params(("id" = String, Path, description = "Of the task")),
    responses(
        (status = 200, description = "`format`, `task`, `exported_ms` and `records`, each as journaled",
            body = serde_json::Value),
        NotFound, Refusals,
    ),
)]
pub(crate) async fn export_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<Json<Export>, Problem> {
    Ok(Json(app.api.export(&caller, &name("task id", id)?).await?))
}
