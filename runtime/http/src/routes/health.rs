//! `/healthz` and `/readyz`: for whoever restarts processes and whoever sends them work. No key needed.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Route, get};
use crate::{App, problem::Problem, wire};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/healthz", "200 while the process is up", healthz),
        get("/readyz", "200 when it can take work, else 503", readyz),
    ]
}

/// The process is up. Asks nobody: a busy runtime is no reason to be killed.
#[utoipa::path(
    get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "Up", body = String, content_type = "text/plain")),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the daemon can take work; if not, `problems` says what is wrong.
#[utoipa::path(
    get, path = "/readyz", tag = "health", security(()),
    responses(
        (status = 200, description = "Ready", body = wire::Ready),
        (status = 503, description = "Not ready", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let health = app.api.health().await;
    if health.ready {
        return Json(wire::Ready::from(health)).into_response();
    }
    let detail = format!("the daemon cannot take work now: {}", health.problems.join("; "));
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
    Problem { problems: health.problems, ..problem }.into_response()
}
