//! `/v1/sessions`: what is kept of conversations, and forgetting it.

use axum::{Json, extract::State, http::StatusCode};

use super::{Route, delete, get};
use crate::{
    App,
    auth::Identity,
    extract::{PathOf, name},
    openapi::{NotFound, Refusals},
    problem::Problem,
    wire,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/sessions/{id}", "a conversation with its history", get_session),
        delete("/v1/sessions/{id}", "forget a conversation", delete_session),
        delete("/v1/sessions/{id}/topics/{topic}", "forget a conversation's turns about a topic", drop_topic),
    ]
}

/// A conversation with its history.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Of the session")),
    responses((status = 200, description = "The conversation", body = wire::Session), NotFound, Refusals),
)]
pub(crate) async fn get_session(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<Json<wire::Session>, Problem> {
    let session = app.api.session(&caller, &name("session", id)?).await?;
    Ok(Json(session.into()))
}

/// Forgets a conversation.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Of the session")),
    responses((status = 204, description = "Forgotten"), NotFound, Refusals),
)]
pub(crate) async fn delete_session(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    app.api.delete_session(&caller, &name("session", id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets a conversation's turns about a topic.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}/topics/{topic}", tag = "sessions",
    params(
        ("id" = String, Path, description = "Of the session"),
        ("topic" = String, Path, description = "As given when its tasks were submitted"),
    ),
    responses((status = 200, description = "How many left", body = wire::Dropped), NotFound, Refusals),
)]
pub(crate) async fn drop_topic(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf((id, topic)): PathOf<(String, String)>,
) -> Result<Json<wire::Dropped>, Problem> {
    let dropped = app.api.drop_topic(&caller, &name("session", id)?, &topic).await?;
    Ok(Json(wire::Dropped { dropped }))
}
