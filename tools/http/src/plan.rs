//! A request, read and checked once, and what of it each hop sends.

use playhouse_core::egress::HttpLimits;
use playhouse_ports::egress::{EgressErrorKind, Outgoing};
use playhouse_tools_policy::{Allowed, METHODS, Target, check_headers};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{attach::Attached, failure::Problem, redirect::Turn};

/// Headers that describe a body, and leave with it.
const ABOUT_A_BODY: [&str; 6] =
    ["content-type", "content-encoding", "content-language", "content-location", "digest", "content-digest"];

/// What holds for every hop.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) allowed: Allowed,
    pub(crate) limits: HttpLimits,
    /// Requests that may still be made.
    pub(crate) requests: u32,
    headers: HeaderMap,
    attached: Vec<Attached>,
    key: Option<HeaderValue>,
}

/// One request on the way.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) method: String,
    pub(crate) target: Target,
    pub(crate) body: Vec<u8>,
    /// Whether no redirect has led to another origin so far. What another origin asks for gets no secret, even
    /// where the secret belongs: the address was not chosen by the tool.
    is_home: bool,
}

/// Checks everything about `request` that does not depend on where redirects lead.
pub(crate) fn read(request: Outgoing) -> Result<(Plan, Hop), Problem> {
    let bad = |message: String| Problem::new(EgressErrorKind::BadRequest, message);
    let grants = request.grants.iter().map(|granted| (granted.by.as_str(), &granted.grant));
    let allowed = Allowed::by_all(grants).map_err(|error| bad(error.to_string()))?;
    if !METHODS.contains(&request.method.as_str()) {
        return Err(bad(format!("the method must be one of {}, in capitals", METHODS.join(", "))));
    }
    let target = Target::parse(&request.url).map_err(|error| bad(error.to_string()))?;
    let limits = allowed.limits();
    let body_bytes = u64::try_from(request.body.len()).unwrap_or(u64::MAX);
    if body_bytes > limits.request_bytes {
        let message = format!(
            "the request's body has {body_bytes} bytes; at most {} are granted (`request_bytes`)",
            limits.request_bytes
        );
        return Err(Problem::new(EgressErrorKind::Limit, message));
    }
    let key = request.idempotency_key.map(HeaderValue::try_from).transpose();
    let plan = Plan {
        allowed,
        limits,
        requests: limits.requests_per_call.saturating_sub(request.requests_before),
        headers: headers(&request.headers)?,
        attached: request.attach.iter().map(Attached::read).collect::<Result<_, _>>()?,
        key: key.map_err(|_| bad("no header can carry the idempotency key".into()))?,
    };
    Ok((plan, Hop { method: request.method, target, body: request.body, is_home: true }))
}

/// The tool's own headers, if it may set them.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, Problem> {
    let bad = |message: String| Problem::new(EgressErrorKind::BadRequest, message);
    check_headers(given).map_err(|error| bad(error.to_string()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let problem = || bad(format!("the header `{name}` cannot be sent"));
        let header = HeaderName::try_from(name).map_err(|_| problem())?;
        headers.append(header, HeaderValue::try_from(value).map_err(|_| problem())?);
    }
    Ok(headers)
}

impl Plan {
    /// The headers of `hop`.
    pub(crate) fn headers(&self, hop: &Hop) -> HeaderMap {
        let mut headers = self.headers.clone();
        if hop.body.is_empty() && matches!(hop.method.as_str(), "GET" | "HEAD") {
            ABOUT_A_BODY.iter().for_each(|name| drop(headers.remove(*name)));
        }
        if let Some(key) = self.key.as_ref().filter(|_| changes_something(&hop.method)) {
            headers.insert("idempotency-key", key.clone());
        }
        if hop.is_home {
            self.attached.iter().for_each(|attached| attached.add_to(&mut headers, hop.target.origin()));
        }
        headers
    }
}

fn changes_something(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

impl Hop {
    /// The hop after this one.
    pub(crate) fn after(self, turn: Turn) -> Self {
        let is_home = self.is_home && turn.target.origin() == self.target.origin();
        let body = if turn.keeps_body { self.body } else { Vec::new() };
        Self { method: turn.method, target: turn.target, body, is_home }
    }
}
