//! Who is calling.
//!
//! [`Identity`] is an extractor, and every method of `RuntimeApi` that touches data wants the `Caller` inside
//! it: a route that forgot to authenticate would not compile.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use playhouse_api::Caller;
use sha2::{Digest, Sha256};

use crate::{App, options::ApiKey, problem::Problem};

/// The caller behind a request, authenticated where keys are configured.
pub(crate) struct Identity(pub(crate) Caller);

impl FromRequestParts<App> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let keys = &app.options.keys;
        if keys.is_empty() {
            return Ok(Self(Caller::local()));
        }
        let secret = bearer(&parts.headers)
            .ok_or_else(|| refused("this daemon wants an API key: send `Authorization: Bearer <key>`"))?;
        let caller = find(keys, secret).ok_or_else(|| refused("this API key is not known here"))?;
        Ok(Self(caller))
    }
}

/// Never says more than this: not which key came close, and not what was sent.
fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, secret) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(secret.trim_ascii())
}

/// The caller whose key `secret` is. Digests are compared, all of them and to the last byte, so that the time
/// taken tells nothing about any key.
fn find(keys: &[ApiKey], secret: &[u8]) -> Option<Caller> {
    let shown: [u8; 32] = Sha256::digest(secret).into();
    let mut found = None;
    for key in keys {
        let difference = key.sha256.iter().zip(shown).fold(0, |sum, (a, b)| sum | (a ^ b));
        if std::hint::black_box(difference) == 0 {
            found = Some(key);
        }
    }
    found.map(|key| Caller { tenant: key.tenant.clone() })
}
