//! Reading requests. Whatever is wrong with one becomes a [`Problem`] that says where and what would be
//! right.

mod body;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{HeaderMap, request::Parts},
};
use playhouse_core::id::check_sender_id;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
pub(crate) use body::{Bounded, Json, OptionalJson};

/// Bytes of a reason that a person gives. It is journaled, shown in lists and told to a model.
const REASON_BYTES_MAX: usize = 4096;

/// The one parameter of a path such as `/v1/tasks/{id}`, percent-decoded.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value))
            .map_err(|rejection| Problem::bad_request(format!("bad path: {}", rejection.body_text())))
    }
}

/// The query string.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection| Problem::bad_request(rejection.body_text()))
    }
}

/// The `Idempotency-Key` header, if there is one.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(key) = one_header(&parts.headers, "idempotency-key")? else { return Ok(Self(None)) };
        check_sender_id(key).map_err(|bad| Problem::bad_request(format!("`Idempotency-Key` {bad}")))?;
        Ok(Self(Some(key.to_owned())))
    }
}

/// The value of the header `name`: printable ASCII, and at most once, since two values leave open which one
/// counts.
pub(crate) fn one_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request(format!("`{name}` was sent more than once")));
    }
    let text =
        value.to_str().map_err(|_| Problem::bad_request(format!("`{name}` is not printable ASCII")))?;
    Ok(Some(text.trim()))
}

/// Parses what a caller named, such as a task id; `what` says what it was for.
pub(crate) fn name<T>(what: &str, text: String) -> Result<T, Problem>
where
    T: TryFrom<String, Error: std::fmt::Display>,
{
    T::try_from(text).map_err(|error| Problem::bad_request(format!("bad {what}: {error}")))
}

/// The reason a person gave, or `default`.
pub(crate) fn reason(given: Option<String>, default: &str) -> Result<String, Problem> {
    match given {
        Some(text) if text.len() > REASON_BYTES_MAX => Err(Problem::bad_request(format!(
            "`reason` has {} bytes; at most {REASON_BYTES_MAX} are allowed",
            text.len()
        ))),
        Some(text) => Ok(text),
        None => Ok(default.to_owned()),
    }
}
