//! What happens to every request, whatever its route: an id, a span, and a net under panics.

use std::any::Any;

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{App, problem::Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a request id that a caller chose. Holds a UUID or a trace id, and bounds what enters the log.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// `routes` with the net and the span around them; the span is outside, so that panics are logged within it.
pub(crate) fn around(routes: Router<App>) -> Router<App> {
    routes.layer(CatchPanicLayer::custom(after_panic)).layer(middleware::from_fn(observed))
}

/// Gives the request an id and a span, and writes one log line when the answer's head is ready.
async fn observed(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route,
        id = id.to_str().unwrap_or("-"),
        status = tracing::field::Empty,
        latency_ms = tracing::field::Empty,
    );
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    span.record("latency_ms", started.elapsed().as_millis() as u64);
    span.in_scope(|| tracing::debug!("answered"));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The caller's id where it is fit for a log line, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fit = |id: &&HeaderValue| {
        let plain = |c: &u8| c.is_ascii_alphanumeric() || b"._:-".contains(c);
        (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
    };
    headers.get(REQUEST_ID).filter(fit).cloned().unwrap_or_else(new_id)
}

fn new_id() -> HeaderValue {
    let mut bytes = [0; 16];
    // Without randomness ids are all zero: worse for whoever reads the log, no reason to refuse work.
    let _ = getrandom::fill(&mut bytes);
    HeaderValue::from_str(&format!("{:032x}", u128::from_be_bytes(bytes))).expect("hex digits fit a header")
}

/// Tells the log what panicked and the caller only that something did.
fn after_panic(panic: Box<dyn Any + Send>) -> HttpResponse<Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a request handler panicked");
    Problem::internal().into_response()
}
