//! `RuntimeApi` over HTTP and server-sent events.
//!
//! ```text
//!  socket ──▶ serve ──▶ edge: request id, span, panics ──▶ guard: Host, Origin ──▶ route
//!             bounds,                                                                 │ extract: key, path,
//!             timeouts                                                                │ query, JSON body
//!                                                                                     ▼
//!  socket ◀── problem+json or wire types ◀────────────────────────────────────── RuntimeApi
//! ```
//!
//! A route reads a request into types, calls one method of [`RuntimeApi`] and writes the answer in the types
//! of [`wire`]. Nothing here decides about tasks, keeps state between requests, or knows how the runtime is
//! built.

mod auth;
mod edge;
mod extract;
mod guard;
mod openapi;
mod options;
mod problem;
mod routes;
mod serve;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use playhouse_api::RuntimeApi;

pub use options::{ApiKey, BODY_BYTES_MAX, BadKey, Options};
pub use problem::Problem;
pub use routes::{Endpoint, endpoints};
pub use serve::{CONNECTIONS_MAX, GRACE_MAX, HEADER_TIME_MAX, check_listen, serve};

/// What every route can reach.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) api: Arc<dyn RuntimeApi>,
    pub(crate) options: Arc<Options>,
}

/// All routes over `api`, ready for [`serve`] or for a router that adds more.
pub fn router(api: Arc<dyn RuntimeApi>, options: Options) -> Router {
    let app = App { api, options: Arc::new(options) };
    edge::around(guard::around(routes::all(), &app)).with_state(app)
}

/// The OpenAPI description of every route, as JSON text: what `GET /openapi.json` answers.
pub fn openapi_json() -> String {
    openapi::text()
}
