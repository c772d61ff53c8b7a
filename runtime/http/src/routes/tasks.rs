//! `/v1/tasks`: looking at tasks, ending and forgetting them.

use axum::{Json, extract::State, http::StatusCode};
use playhouse_api::{LIST_MAX, TaskQuery};
use serde::Deserialize;

use super::{Route, delete, get, post};
use crate::{
    App,
    auth::Identity,
    extract::{OptionalJson, PathOf, QueryOf, name, reason},
    openapi::{NotFound, Refusals, TooEarly},
    problem::Problem,
    wire,
};

/// Tasks on one page unless the caller says otherwise: a screenful.
const LIST_DEFAULT: usize = 50;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/tasks", "list tasks, newest first", list_tasks),
        get("/v1/tasks/{id}", "one task", get_task),
        post("/v1/tasks/{id}/cancel", "ask a task to end", cancel_task),
        delete("/v1/tasks/{id}", "forget a task that is over", forget_task),
    ]
}

/// Which tasks to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only tasks older than this one: `next` of the page before.
    before: Option<String>,
    /// Page size, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Only tasks that stand here.
    status: Option<wire::Status>,
    /// Only tasks of this conversation.
    session: Option<String>,
    /// Only tasks that wait for this.
    waiting: Option<wire::Waiting>,
    /// Only tasks that this one made.
    parent: Option<String>,
}

/// Lists tasks, newest first.
#[utoipa::path(
    get, path = "/v1/tasks", tag = "tasks", params(ListQuery),
    responses((status = 200, description = "One page", body = wire::TaskList), Refusals),
)]
pub(crate) async fn list_tasks(
    State(app): State<App>,
    Identity(caller): Identity,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<wire::TaskList>, Problem> {
    let limit = query.limit.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is {limit}; 1 to {LIST_MAX} are allowed")));
    }
    let query = TaskQuery {
        before: query.before.map(|before| name("`before`", before)).transpose()?,
        limit,
        status: query.status.map(Into::into),
        session: query.session.map(|session| name("`session`", session)).transpose()?,
        waiting: query.waiting.map(Into::into),
        parent: query.parent.map(|parent| name("`parent`", parent)).transpose()?,
    };
    let page = app.api.tasks(&caller, query).await?;
    let tasks = page.tasks.into_iter().map(wire::TaskSummary::from).collect();
    Ok(Json(wire::TaskList { tasks, next: page.next.map(String::from) }))
}

/// One task.
#[utoipa::path(
    get, path = "/v1/tasks/{id}", tag = "tasks", params(("id" = String, Path, description = "Of the task")),
    responses((status = 200, description = "The task", body = wire::Task), NotFound, Refusals),
)]
pub(crate) async fn get_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<Json<wire::Task>, Problem> {
    let task = app.api.task(&caller, &name("task id", id)?).await?;
    Ok(Json(task.into()))
}

/// Asks a task to end and returns it as it then is. Cancelling a finished task changes nothing.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/cancel", tag = "tasks", request_body = Option<wire::Cancel>,
    params(("id" = String, Path, description = "Of the task")),
    responses((status = 200, description = "The task", body = wire::Task), NotFound, Refusals),
)]
pub(crate) async fn cancel_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
    OptionalJson(body): OptionalJson<wire::Cancel>,
) -> Result<Json<wire::Task>, Problem> {
    let reason = reason(body.reason, "cancelled by the caller")?;
    let task = app.api.cancel(&caller, &name("task id", id)?, reason).await?;
    Ok(Json(task.into()))
}

/// Forgets a task that is over: its journal leaves the disk for good.
#[utoipa::path(
    delete, path = "/v1/tasks/{id}", tag = "tasks", params(("id" = String, Path, description = "Of the task")),
    responses((status = 204, description = "Forgotten"), TooEarly, NotFound, Refusals),
)]
pub(crate) async fn forget_task(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.api.forget(&caller, &name("task id", id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
