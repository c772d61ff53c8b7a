//! `/v1/tasks`: looking at tasks and ending them.

use axum::{Json, extract::State};
use playhouse_api::{LIST_MAX, TaskQuery};
use serde::Deserialize;

use super::{Route, get, post};
use crate::{
    App,
    auth::Identity,
    extract::{OptionalJson, PathOf, QueryOf, name},
    openapi::{NotFound, Refusals},
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
    let reason = body.reason.unwrap_or_else(|| "cancelled by the caller".to_owned());
    let task = app.api.cancel(&caller, &name("task id", id)?, reason).await?;
    Ok(Json(task.into()))
}
