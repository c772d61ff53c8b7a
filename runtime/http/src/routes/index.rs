//! `/` and `/openapi.json`: what this is, for people and for programs. No key needed.

use std::fmt::Write as _;

use axum::http::header;

use super::{Route, endpoints, get};
use crate::openapi;

pub(super) fn routes() -> Vec<Route> {
    vec![get("/openapi.json", "this API, described for programs", describe), get("/", "this page", index)]
}

/// What this is and what it answers, as plain text.
#[utoipa::path(
    get, path = "/", tag = "about", security(()),
    responses((status = 200, description = "A list", body = String, content_type = "text/plain")),
)]
pub(crate) async fn index() -> String {
    let mut page =
        "Playhouse: a runtime for agents. Tasks go in, answers and their journal come out.\n\n".to_owned();
    for endpoint in endpoints() {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{:<7}{:<34}{}", endpoint.method, endpoint.path, endpoint.about);
    }
    page
}

/// This API, as OpenAPI.
#[utoipa::path(
    get, path = "/openapi.json", tag = "about", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")),
)]
pub(crate) async fn describe() -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], openapi::text())
}
