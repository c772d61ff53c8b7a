//! Requests as a tool host makes them.

use std::sync::Arc;

use playhouse_core::egress::{HttpGrant, HttpLimits, HttpRule};
use playhouse_ports::egress::{
    Attach, Egress, EgressError, EgressErrorKind, Granted, Incoming, Outgoing, Secret,
};
use playhouse_tools_http::{GuardedHttp, HttpConfig, Roots};
use playhouse_tools_policy::METHODS;

use crate::names::Script;

/// Enough for everything that should be answered.
pub(crate) const PLENTY_MS: u64 = 20_000;

/// A guard that trusts nobody and knows the names of `script`.
pub(crate) fn guard(script: &Arc<Script>) -> GuardedHttp {
    GuardedHttp::new(HttpConfig { resolver: script.clone(), roots: Roots::Only(Vec::new()), proxy: None })
        .unwrap()
}

/// A guard for which every one of `names` is this machine.
pub(crate) fn guard_of<const N: usize>(names: [&str; N]) -> GuardedHttp {
    guard(&Arc::new(Script::of(names.map(|name| (name, "127.0.0.1")))))
}

/// Every method and path of `origin`.
pub(crate) fn rule(origin: &str, private: bool) -> HttpRule {
    let methods = METHODS.iter().map(|method| (*method).to_owned()).collect();
    HttpRule { methods, private, ..HttpRule::reading(origin) }
}

/// The origin of a URL that has a path.
pub(crate) fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// A grant of the operator.
pub(crate) fn granted(rules: Vec<HttpRule>, limits: HttpLimits) -> Vec<Granted> {
    vec![Granted { by: "operator".into(), grant: HttpGrant { rules, limits } }]
}

/// A request that is allowed by `rules`.
pub(crate) fn asks(method: &str, url: &str, rules: Vec<HttpRule>) -> Outgoing {
    Outgoing {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        grants: granted(rules, HttpLimits::default()),
        requests_before: 0,
        timeout_ms: PLENTY_MS,
        idempotency_key: None,
        attach: Vec::new(),
    }
}

/// A request that may go to this machine.
pub(crate) fn local(method: &str, url: &str) -> Outgoing {
    asks(method, url, vec![rule(&origin(url), true)])
}

/// The same with other limits.
pub(crate) fn limited(request: Outgoing, limits: HttpLimits) -> Outgoing {
    let rules = request.grants[0].grant.rules.clone();
    Outgoing { grants: granted(rules, limits), ..request }
}

/// A bearer token for `origin`.
pub(crate) fn bearer(origin: &str) -> Attach {
    Attach { header: "authorization".into(), value: Secret::new("Bearer hush-4711"), origin: origin.into() }
}

/// The answer, or why there should have been one.
pub(crate) async fn answered(guard: &GuardedHttp, request: Outgoing) -> Incoming {
    let url = request.url.clone();
    guard.fetch(request).await.unwrap_or_else(|error| panic!("{url}: {:?}: {error}", error.kind))
}

/// The refusal, which is of `kind`.
pub(crate) async fn refused(guard: &GuardedHttp, request: Outgoing, kind: EgressErrorKind) -> EgressError {
    let url = request.url.clone();
    let error = guard.fetch(request).await.expect_err(&url);
    assert_eq!(error.kind, kind, "{url}: {error}");
    error
}
