//! The OpenAPI description. Paths and schemas come from the handlers and wire types themselves; here they are
//! only gathered, and what every answer has in common is said once.

use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::{problem::Problem, routes, wire};

#[derive(OpenApi)]
#[openapi(
    info(title = "Playhouse", description = "Tasks for agents: submit, follow, decide, cancel, look back."),
    paths(
        routes::submit::submit_task,
        routes::tasks::list_tasks,
        routes::tasks::get_task,
        routes::tasks::cancel_task,
        routes::tasks::forget_task,
        routes::control::pause_task,
        routes::control::resume_task,
        routes::control::decide_call,
        routes::control::signal_task,
        routes::questions::list_questions,
        routes::questions::answer_question,
        routes::travel::fork_task,
        routes::travel::export_task,
        routes::events::follow_task,
        routes::sessions::get_session,
        routes::sessions::delete_session,
        routes::sessions::drop_topic,
        routes::catalog::list_agents,
        routes::catalog::list_tools,
        routes::catalog::list_models,
        routes::chat::chat_completions,
        routes::tree::show_tree,
        routes::health::healthz,
        routes::health::readyz,
        routes::index::describe,
        routes::index::index,
    ),
    components(schemas(wire::Delta, wire::Progress, Problem)),
    modifiers(&Bearer),
    security((), ("key" = [])),
)]
struct Description;

/// The description as JSON text.
pub(crate) fn text() -> String {
    Description::openapi().to_pretty_json().expect("the description is built from what JSON holds")
}

/// The scheme that `security` above names; optional, since a daemon on loopback may have no keys.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// What any route may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; `Problem` builds them")]
pub(crate) enum Refusals {
    /// The request is wrong; `detail` says where.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(Problem),
    /// No API key, or an unknown one.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// `Host` or `Origin` does not name this machine, and no key guards the daemon.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// A bug of the daemon.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// A part the request needs is not available; `Retry-After` says when to come back.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What routes under a name may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; `Problem` builds them")]
pub(crate) enum NotFound {
    /// No such thing for this caller.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

/// What routes that a task is not always ready for may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; `Problem` builds them")]
pub(crate) enum TooEarly {
    /// The task does not stand where this can be done; `detail` says what it waits for.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
}

/// What routes that take a bounded body may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; `Problem` builds them")]
pub(crate) enum BadBody {
    /// The body, or a part of it, is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(Problem),
}

/// What routes that take on work may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; `Problem` builds them")]
pub(crate) enum Busy {
    /// Too much is waiting or followed; `Retry-After` says when to come back.
    #[response(status = 429, content_type = "application/problem+json")]
    TooBusy(Problem),
}
