//! `http`: requests, through the guard.

use std::sync::Arc;

use playhouse_core::grant::Capability;
use playhouse_ports::egress::{Attach, EgressError, EgressErrorKind, Incoming, Outgoing};

use crate::bindings::v1::playhouse::tool::http::{Error, ErrorKind, Host, Request, Response};
use crate::given::Given;
use crate::guest::Guest;

/// A request ends so much before the call, so that the tool can still say something about it.
const SPARE_MS: u64 = 50;

impl Host for Guest {
    async fn fetch(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let given = self.reach(request.body.len())?;
        self.used.exchanges += 1;
        let outgoing = match self.outgoing(&given, request) {
            Ok(outgoing) => outgoing,
            Err(error) => return Ok(self.hear(Err(error))),
        };
        let Some(egress) = &given.egress else {
            return Ok(self.hear(Err(error(ErrorKind::NotGranted, "this host sends no requests for tools"))));
        };
        let answer = self.within(egress.fetch(outgoing)).await?;
        let made = answer.as_ref().map_or_else(|error| error.requests, |incoming| incoming.requests);
        self.used.requests = self.used.requests.saturating_add(made);
        let answer = answer.map(|incoming| response(&given, incoming));
        Ok(self.bring(answer.map_err(|problem| failed(&given, problem))))
    }
}

impl Guest {
    /// The request as the guard wants it, if nothing in it must stay here.
    fn outgoing(&self, given: &Arc<Given>, request: Request) -> Result<Outgoing, Error> {
        if let Some(why) = given.withheld(Capability::Http) {
            return Err(error(ErrorKind::NotGranted, &why));
        }
        let Request { method, url, headers, body, secrets } = request;
        let parts = headers.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let leaked =
            parts.chain([method.as_bytes(), url.as_bytes(), &body]).find_map(|part| given.leaks.find(part));
        if let Some(name) = leaked {
            let why = format!(
                "the request holds the secret `{name}`: name it in `secrets` instead, and the host attaches it"
            );
            return Err(error(ErrorKind::SecretLeak, &why));
        }
        let attach = secrets.iter().map(|name| attached(given, name)).collect::<Result<_, _>>()?;
        let left = u64::try_from(self.left().as_millis()).unwrap_or(u64::MAX);
        Ok(Outgoing {
            method,
            url,
            headers,
            body,
            grants: given.http.clone(),
            requests_before: self.used.requests,
            timeout_ms: left.saturating_sub(SPARE_MS).max(1),
            idempotency_key: Some(format!("{}.{}", given.request.effect_id, self.used.exchanges)),
            attach,
        })
    }
}

fn attached(given: &Given, name: &str) -> Result<Attach, Error> {
    if let Some(why) = given.withheld(Capability::Secrets) {
        return Err(error(ErrorKind::NotGranted, &why));
    }
    let secret = given.secrets.get(name);
    let secret =
        secret.ok_or_else(|| error(ErrorKind::NotGranted, &format!("no secret `{name}` is granted")))?;
    secret.attach().ok_or_else(|| {
        error(
            ErrorKind::NotGranted,
            &format!("the secret `{name}` is granted for signing, and not to be sent"),
        )
    })
}

/// What the guest sees of an answer. A server that sends a secret back, as some do, does not tell it to the guest.
fn response(given: &Given, incoming: Incoming) -> Response {
    let Incoming { status, mut headers, mut body, truncated, mut url, requests: _ } = incoming;
    let mut hidden = false;
    // A redirect may carry one in the address.
    for value in headers.iter_mut().map(|(_, value)| value).chain([&mut url]) {
        if let Some((without, _)) = given.leaks.hide(value) {
            (*value, hidden) = (without, true);
        }
    }
    if let Some((without, _)) = given.leaks.hide_bytes(&body) {
        (body, hidden) = (without, true);
    }
    if hidden {
        tracing::warn!(tool = given.request.tool, "an answer held a secret; the tool does not see it");
    }
    Response { status, headers, body, truncated, url }
}

fn failed(given: &Given, problem: EgressError) -> Error {
    let kind = match problem.kind {
        EgressErrorKind::NotGranted => ErrorKind::NotGranted,
        EgressErrorKind::PrivateAddress => ErrorKind::PrivateAddress,
        EgressErrorKind::Limit => ErrorKind::Limit,
        EgressErrorKind::Timeout => ErrorKind::Timeout,
        EgressErrorKind::Tls => ErrorKind::Tls,
        EgressErrorKind::Network => ErrorKind::Network,
        EgressErrorKind::BadRequest => ErrorKind::BadRequest,
    };
    let hidden = given.leaks.hide(&problem.message);
    error(kind, hidden.as_ref().map_or(&problem.message, |(message, _)| message))
}

fn error(kind: ErrorKind, message: &str) -> Error {
    Error { kind, message: message.to_owned() }
}
