//! JSON bodies: bounded in size and time, strict in form.
//!
//! The order of the checks is the order of their cost: content type, announced length, real length, UTF-8,
//! JSON. Depth is bounded by serde_json (128 levels), duplicate and unknown fields by the types.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::{App, problem::Problem};

/// Time for a client to send a whole body. A megabyte in this time is slower than any network in use.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes read and thrown away after a body has proved too large. A socket closed with bytes unread is reset,
/// and the client may then lose the answer that would have told it why.
const DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body of at most `BYTES_MAX`, for what is smaller than a submission.
pub(crate) struct Bounded<T, const BYTES_MAX: usize>(pub(crate) T);

/// A JSON body, or `T::default()` when there is none.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        required(request, app.options.body_bytes_max).await.map(Self)
    }
}

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<App> for Bounded<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        required(request, app.options.body_bytes_max.min(BYTES_MAX)).await.map(Self)
    }
}

async fn required<T: DeserializeOwned>(request: Request, bytes_max: usize) -> Result<T, Problem> {
    check_content_type(request.headers())?;
    let body = read(request, bytes_max).await?;
    if body.is_empty() {
        return Err(Problem::bad_request("the body is empty; JSON is expected"));
    }
    parse(&body)
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let checked = check_content_type(request.headers());
        let body = read(request, app.options.body_bytes_max).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        checked?;
        parse(&body).map(Self)
    }
}

/// Also a guard: a web page cannot send this type to another origin without asking first.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the body must be JSON, announced with `Content-Type: application/json`";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::bad_request(format!(
            "the body is not UTF-8: first bad byte at offset {}",
            error.valid_up_to()
        ))
    })?;
    serde_json::from_str(text).map_err(|error| Problem::bad_request(format!("bad JSON body: {error}")))
}

async fn read(request: Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let (parts, body) = request.into_parts();
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let waits_for_leave = parts.headers.contains_key(header::EXPECT);
    if waits_for_leave && announced.is_some_and(|bytes: u64| bytes > bytes_max as u64) {
        // The client sends nothing until it is told to go on, so nothing needs to be drained.
        return Err(too_large(bytes_max));
    }
    let late =
        |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "the body did not arrive in time");
    tokio::time::timeout(BODY_TIME_MAX, collect(body, bytes_max)).await.map_err(late)?
}

async fn collect(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let (mut kept, mut seen) = (Vec::new(), 0usize);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body broke off before its end"))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= bytes_max {
            kept.extend_from_slice(&chunk);
        } else if seen > bytes_max.saturating_add(DRAIN_BYTES_MAX) {
            break;
        }
    }
    if seen > bytes_max { Err(too_large(bytes_max)) } else { Ok(kept) }
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("the body is larger than the {bytes_max} bytes allowed");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}
