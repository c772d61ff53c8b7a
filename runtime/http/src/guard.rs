//! Keeps web pages away from a daemon without keys.
//!
//! Loopback is open to every page in the user's browser. A page of `evil.example` can let its own name
//! resolve to 127.0.0.1 (DNS rebinding) and then read answers as its own origin, but the browser still sends
//! the page's name in `Host` and `Origin`. So, when no key guards the daemon, both must name this machine.
//! With keys a page would need one, which it has no way to get.

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, Uri, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::{App, problem::Problem};

/// Names of this machine that need no configuration.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// `routes` behind the check.
pub(crate) fn around(routes: Router<App>, app: &App) -> Router<App> {
    routes.layer(middleware::from_fn_with_state(app.clone(), check))
}

async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.options.keys.is_empty()
        && let Err(problem) = is_local(&request, &app.options.hosts)
    {
        return problem.into_response();
    }
    next.run(request).await
}

fn is_local(request: &Request, names: &[String]) -> Result<(), Problem> {
    let allowed = |name: &str| {
        let name = name.to_ascii_lowercase();
        LOCAL_NAMES.contains(&name.as_str()) || names.iter().any(|known| known.eq_ignore_ascii_case(&name))
    };
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::bad_request("a request needs exactly one `Host` header"));
    };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    if !host.is_some_and(|host| allowed(host.host())) {
        return Err(forbidden("Host"));
    }
    // `GET http://name/path` names the host a second time.
    if request.uri().host().is_some_and(|host| !allowed(host)) {
        return Err(forbidden("Host"));
    }
    for origin in request.headers().get_all(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        if !origin.is_some_and(|origin| origin.host().is_some_and(allowed)) {
            return Err(forbidden("Origin"));
        }
    }
    Ok(())
}

fn forbidden(header: &str) -> Problem {
    let detail = format!(
        "`{header}` does not name this machine; use localhost or 127.0.0.1, \
         or add the name to the daemon's hosts"
    );
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}
