//! `/v1/tree`: who is at work inside the daemon, and how they fare.

use axum::{Json, extract::State};

use super::{Route, get};
use crate::{App, auth::Identity, openapi::Refusals, problem::Problem, wire};

pub(super) fn routes() -> Vec<Route> {
    vec![get("/v1/tree", "the supervision tree, live", show_tree)]
}

/// The supervision tree as it is now: status, restarts, last failure, uptime, messages that wait, and what
/// each actor says of itself. Planners, which are named after their tasks, are listed for the caller's own
/// tasks only.
#[utoipa::path(
    get, path = "/v1/tree", tag = "health",
    responses((status = 200, description = "The root, and everything below it", body = wire::Node), Refusals),
)]
pub(crate) async fn show_tree(
    State(app): State<App>,
    Identity(caller): Identity,
) -> Result<Json<wire::Node>, Problem> {
    Ok(Json(app.api.tree(&caller).await?.into()))
}
