//! From failures to [`ModelError`]: which kind, what to tell people, when to come back. Pure.
//!
//! ```text
//!   what the body says more exactly than any status ─┐
//!   the status                                       ─┼─► kind ─► advice ─► message, redacted
//!   what the body says, where there is no status     ─┘
//! ```
//!
//! The kind alone says whether to try again, so advice can change it: a provider that says "do not retry"
//! (`x-should-retry: false`), or to stay away longer than [`RETRY_AFTER_MS_MAX`], turns a retryable kind
//! into one that is not. What it advised stays in `retry_after_ms`.

use std::error::Error;

use playhouse_core::model::{ModelError, ModelErrorKind as Kind};
use reqwest::Url;

use crate::{
    advice::{Advice, RETRY_AFTER_MS_MAX},
    secret::Secret,
    wait::Passed,
};

mod detail;

pub(crate) use detail::Detail;

/// Longest piece of a provider's own words in a message, in characters: a paragraph.
const WORDS_CHARS_MAX: usize = 400;

/// Where a failure happened, as people know it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The model's alias.
    pub(crate) alias: String,
    /// Host and port of the endpoint.
    pub(crate) host: String,
    /// The environment variable of the key.
    pub(crate) key_env: Option<String>,
    /// What must not appear anywhere.
    pub(crate) secret: Option<Secret>,
}

impl Place {
    /// A failure of `kind`: `what` follows on the name of the place.
    pub(crate) fn error(&self, kind: Kind, what: &str) -> ModelError {
        let message = format!("model `{}` at {} {what}", self.alias, self.host);
        ModelError::new(kind, self.redact(&message))
    }

    /// One of our timeouts passed.
    pub(crate) fn timeout(&self, passed: Passed) -> ModelError {
        self.error(Kind::Timeout, &format!("{passed}; try again, or raise the timeout if the model is slow"))
    }

    /// The connection could not be made, or broke.
    pub(crate) fn network(&self, error: reqwest::Error, connect_ms: u64) -> ModelError {
        // The address is in `host` already, and the full one is nobody's business.
        let error = error.without_url();
        if error.is_connect() && error.is_timeout() {
            let what =
                format!("accepted no connection within {connect_ms} ms (`connect_ms`); is it running?");
            return self.error(Kind::Timeout, &what);
        }
        let chain = chain(&error);
        let what = match () {
            () if error.is_connect() => {
                format!("cannot be reached: {chain}; is it running, is `base_url` right?")
            }
            () if error.is_builder() => {
                return self.error(Kind::BadRequest, &format!("got no request: {chain}"));
            }
            () => format!("broke the connection before the answer was complete: {chain}"),
        };
        self.error(Kind::Network, &what)
    }

    /// The answer is not an answer; `body` is what it begins with.
    pub(crate) fn garbage(&self, what: &str, body: &[u8]) -> ModelError {
        let words = self.words(&detail::plain(body));
        let seen = if words.is_empty() { String::new() } else { format!("; it says {words:?}") };
        self.error(Kind::BadResponse, &format!("{what}{seen}"))
    }

    /// The provider answered with a status that is not success.
    pub(crate) fn refused(&self, status: u16, advice: &Advice, body: &[u8]) -> ModelError {
        let detail = Detail::of(body);
        let kind = detail.kind().unwrap_or_else(|| of_status(status));
        self.advised(kind, &format!("answered with status {status}"), &detail, advice)
    }

    /// The endpoint sends us elsewhere, where nobody configured us to go.
    pub(crate) fn redirected(&self, status: u16, to: Option<Url>) -> ModelError {
        // Only these parts: the others may hold a token.
        let to = to.map_or_else(String::new, |to| {
            let address = format!("{}://{}{}", to.scheme(), host_and_port(&to), to.path());
            format!(" to {}", self.words(&address))
        });
        let what = format!("redirects{to} (status {status}); set `base_url` to where the API really is");
        self.error(Kind::BadRequest, &what)
    }

    /// The provider reported an error inside an answer that had begun well.
    pub(crate) fn reported(&self, detail: &Detail) -> ModelError {
        let kind = detail.kind().or(detail.status.map(of_status)).or_else(|| detail.likely_kind());
        // What began well and then failed is most often overload.
        let kind = kind.unwrap_or(Kind::Unavailable);
        self.advised(kind, "reported an error in its answer", detail, &Advice::default())
    }

    fn advised(&self, kind: Kind, what: &str, detail: &Detail, advice: &Advice) -> ModelError {
        let kind = heed(kind, advice);
        let mut message = what.to_owned();
        let words = self.words(&detail.text);
        if !words.is_empty() {
            message.push_str(&format!(": {}", words.trim_end_matches('.')));
        }
        message.push_str(&format!("; {}", self.hint(kind)));
        if let Some(ms) = advice.after_ms {
            message.push_str(&format!("; it asks to wait {ms} ms"));
        }
        if let Some(id) = &advice.request_id {
            message.push_str(&format!(" (request id {id})"));
        }
        ModelError { retry_after_ms: advice.after_ms, ..self.error(kind, &message) }
    }

    /// What a person can do about it.
    fn hint(&self, kind: Kind) -> String {
        match (kind, &self.key_env) {
            (Kind::Auth, Some(env)) => format!("check the key in the environment variable `{env}`"),
            (Kind::Auth, None) => "name the environment variable of the key in `api_key_env`".into(),
            (Kind::BadRequest, _) => {
                "check `base_url`, `model` and what is asked; repeating will not help".into()
            }
            (Kind::ContextOverflow, _) => {
                "shorten the conversation, or use a model with a larger context".into()
            }
            (Kind::Quota, _) => {
                "check the account's plan, balance and limits; waiting will not help soon".into()
            }
            (Kind::RateLimited, _) => "try again later, or lower `max_in_flight`".into(),
            (Kind::ContentFilter, _) => "the provider's policy forbids this; ask differently".into(),
            _ => "try again later".into(),
        }
    }

    /// A provider's words, fit for a message. Redacted before they are cut: half a key is a leak too.
    fn words(&self, text: &str) -> String {
        let text = self.redact(text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(WORDS_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    fn redact(&self, text: &str) -> String {
        self.secret.as_ref().map_or_else(|| text.to_owned(), |secret| secret.redact(text))
    }
}

/// The part of an address that people know a server by.
pub(crate) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The kind that a status stands for.
fn of_status(status: u16) -> Kind {
    match status {
        401 | 403 | 407 => Kind::Auth,
        402 => Kind::Quota,
        408 | 409 | 425 | 500.. => Kind::Unavailable,
        429 => Kind::RateLimited,
        // Redirects too: the address is wrong and stays wrong.
        300..500 => Kind::BadRequest,
        ..300 => Kind::BadResponse,
    }
}

/// Bends `kind` to what the provider says about trying again.
fn heed(kind: Kind, advice: &Advice) -> Kind {
    let too_long = advice.after_ms.is_some_and(|ms| ms > RETRY_AFTER_MS_MAX);
    match (kind, advice.should_retry) {
        (Kind::RateLimited | Kind::Unavailable, _) if too_long => Kind::Quota,
        (Kind::RateLimited, Some(false)) => Kind::Quota,
        (Kind::Unavailable, Some(false)) => Kind::BadRequest,
        (Kind::BadRequest, Some(true)) => Kind::Unavailable,
        (kind, _) => kind,
    }
}

/// An error with all its causes: reqwest says only "error sending request" by itself.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
