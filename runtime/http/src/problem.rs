//! Every refusal, as RFC 9457 `application/problem+json`.
//!
//! `type` says which kind of refusal, for programs; `detail` says what happened and what to do, for people.
//! The kinds of [`ApiErrorKind`] and those that only HTTP knows (a wrong method, a wrong `Host`) look the
//! same.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use playhouse_api::{ApiError, ApiErrorKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What `type` begins with; the kind follows.
const TYPE_PREFIX: &str = "urn:playhouse:problem:";

/// Bytes of `detail`. A parser's complaint may quote a megabyte of the request; nobody reads that back.
const DETAIL_BYTES_MAX: usize = 512;

/// Advice for 429 and 503 when the runtime gives none, in milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Kind of refusal, e.g. `urn:playhouse:problem:not-found`.
    #[serde(rename = "type")]
    #[schema(example = "urn:playhouse:problem:not-found")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened here, and what to do next.
    pub detail: String,
    /// What is not ready; only in answers of `/readyz`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Sent as `Retry-After` and `retry-after-ms`.
    #[serde(skip)]
    pub(crate) retry_after_ms: Option<u64>,
}

impl Problem {
    /// A refusal of `kind` (kebab-case), answered with `status`.
    pub(crate) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let retry = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Self {
            kind: format!("{TYPE_PREFIX}{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: cut(detail.into()),
            problems: Vec::new(),
            retry_after_ms: retry.then_some(RETRY_AFTER_MS),
        }
    }

    /// 400: the request is wrong.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// The kind in kebab-case.
    pub(crate) fn code(&self) -> &str {
        self.kind.strip_prefix(TYPE_PREFIX).unwrap_or(&self.kind)
    }

    /// 500 without internals: those are in the log, under the request's id.
    pub(crate) fn internal() -> Self {
        let detail = "something broke inside the daemon; its log tells more under this x-request-id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let (status, kind) = match error.kind {
            ApiErrorKind::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
            ApiErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            ApiErrorKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            ApiErrorKind::Conflict => (StatusCode::CONFLICT, "conflict"),
            ApiErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            ApiErrorKind::TooBusy => (StatusCode::TOO_MANY_REQUESTS, "too-busy"),
            ApiErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ApiErrorKind::StorageFull => (StatusCode::INSUFFICIENT_STORAGE, "storage-full"),
            ApiErrorKind::Internal => {
                tracing::error!(error = %error.message, "the runtime reported a bug");
                return Self::internal();
            }
        };
        let problem = Self::new(status, kind, error.message);
        Self { retry_after_ms: error.retry_after_ms.or(problem.retry_after_ms), ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("a problem holds only strings and numbers");
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(ms) = self.retry_after_ms {
            // `Retry-After` knows whole seconds only; rounded down, a client would be early every time.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
            headers.insert("retry-after-ms", HeaderValue::from(ms));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For routes that say the same in another protocol's words.
        response.extensions_mut().insert(self);
        response
    }
}

/// At most [`DETAIL_BYTES_MAX`] bytes of `text`: its head and its tail, where parsers put the position.
fn cut(text: String) -> String {
    if text.len() <= DETAIL_BYTES_MAX {
        return text;
    }
    let half = DETAIL_BYTES_MAX / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    format!("{} … {}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_complaint_is_cut_in_the_middle_and_keeps_its_position() {
        let text = format!("invalid type: string \"{}\" at line 3 column 7", "ü".repeat(100_000));
        let cut = cut(text);
        assert!(cut.len() < DETAIL_BYTES_MAX + 10, "{} bytes", cut.len());
        assert!(cut.starts_with("invalid type") && cut.ends_with("at line 3 column 7"), "{cut}");
    }

    #[test]
    fn a_bug_of_the_runtime_is_reported_without_its_words() {
        let problem = Problem::from(ApiError::new(ApiErrorKind::Internal, "secret path /x"));
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("secret"));
    }
}
