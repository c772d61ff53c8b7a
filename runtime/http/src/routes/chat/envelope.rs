//! OpenAI's error envelope, made of problems.
//!
//! OpenAI's SDKs try 409, 429 and 5xx again by themselves. Where the task itself ended without an answer that
//! would silently start a second one, so they are told not to.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use playhouse_openai_wire::ErrorEnvelope;

use crate::problem::Problem;

/// `response` with its problem, if it is one, in OpenAI's words.
pub(super) async fn of(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (mut parts, _) = response.into_parts();
    // Set again with the new body.
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    if problem.code().starts_with("task-") {
        parts.headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    (parts.status, parts.headers, Json(body(&problem))).into_response()
}

pub(super) fn body(problem: &Problem) -> ErrorEnvelope {
    let family = match problem.status {
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let code = match problem.code() {
        // The only thing this route looks up is the agent, which the client knows as a model.
        "not-found" => "model_not_found".to_owned(),
        "unauthenticated" => "invalid_api_key".to_owned(),
        other => other.replace('-', "_"),
    };
    ErrorEnvelope::new(family, Some(code), &problem.detail)
}
