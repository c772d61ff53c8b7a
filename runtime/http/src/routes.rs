//! The table of routes: one file per resource, each listing its own.
//!
//! To add an endpoint, write a handler with its `utoipa::path`, put a line into the file's `routes()`, and
//! name the handler in `openapi.rs`; a test fails until all three agree.

pub(crate) mod catalog;
pub(crate) mod chat;
pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod questions;
pub(crate) mod sessions;
pub(crate) mod submit;
pub(crate) mod tasks;
pub(crate) mod travel;
pub(crate) mod tree;

use axum::{
    Router,
    handler::Handler,
    http::{Method, StatusCode, Uri},
    routing::{self, MethodRouter},
};

use crate::{App, problem::Problem};

/// One method of one path, as `GET /` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Such as `GET`.
    pub method: &'static str,
    /// Such as `/v1/tasks/{id}`.
    pub path: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
}

pub(crate) struct Route {
    endpoint: Endpoint,
    handler: MethodRouter<App>,
}

fn table() -> Vec<Route> {
    let mut routes = submit::routes();
    routes.extend(tasks::routes());
    routes.extend(control::routes());
    routes.extend(questions::routes());
    routes.extend(travel::routes());
    routes.extend(events::routes());
    routes.extend(sessions::routes());
    routes.extend(catalog::routes());
    routes.extend(chat::routes());
    routes.extend(tree::routes());
    routes.extend(health::routes());
    routes.extend(index::routes());
    routes
}

/// Every endpoint, in the order of `GET /`.
pub fn endpoints() -> Vec<Endpoint> {
    table().into_iter().map(|route| route.endpoint).collect()
}

/// A router with every route, and problems for what is none.
pub(crate) fn all() -> Router<App> {
    let add = |router: Router<App>, route: Route| router.route(route.endpoint.path, route.handler);
    table().into_iter().fold(Router::new(), add).fallback(no_route).method_not_allowed_fallback(wrong_method)
}

async fn no_route(uri: Uri) -> Problem {
    let detail = format!("there is nothing at `{}`; `GET /` lists what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

/// axum adds `Allow`.
async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` does not take {method}; the `Allow` header says what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

fn get<H: Handler<T, App>, T: 'static>(path: &'static str, about: &'static str, handler: H) -> Route {
    Route { endpoint: Endpoint { method: "GET", path, about }, handler: routing::get(handler) }
}

fn post<H: Handler<T, App>, T: 'static>(path: &'static str, about: &'static str, handler: H) -> Route {
    Route { endpoint: Endpoint { method: "POST", path, about }, handler: routing::post(handler) }
}

fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, about: &'static str, handler: H) -> Route {
    Route { endpoint: Endpoint { method: "DELETE", path, about }, handler: routing::delete(handler) }
}
