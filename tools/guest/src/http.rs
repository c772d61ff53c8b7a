//! Capability `http`: requests that leave. Each one, and each redirect, is checked against what is granted.
//!
//! ```no_run
//! # fn f() -> playhouse_tool::Result<()> {
//! use playhouse_tool::http;
//!
//! let page = http::get("https://example.com/").header("accept", "text/html").send()?.ok()?;
//! assert!(page.text().contains("Example"));
//! # Ok(()) }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::http;
use crate::{Error, Kind, Result};

/// A request that is being written. Nothing leaves before [`send`](Self::send).
#[derive(Debug, Clone)]
#[must_use = "nothing leaves before `send`"]
pub struct Request(http::Request);

/// A GET of `url`.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// A POST to `url`.
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// Any other request; `method` in capitals.
pub fn request(method: &str, url: impl Into<String>) -> Request {
    Request(http::Request {
        method: method.to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        secrets: Vec::new(),
    })
}

impl Request {
    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The host shall attach the granted secret of this name, where and how the operator said.
    pub fn secret(mut self, name: &str) -> Self {
        self.0.secrets.push(name.to_owned());
        self
    }

    /// What is sent along.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.body = bytes.into();
        self
    }

    /// `value` as JSON is sent along.
    ///
    /// # Errors
    /// [`Failed`](Kind::Failed), if `value` does not print as JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_vec(value)
            .map_err(|wrong| Error::failed(format!("the body of the request is not JSON: {wrong}")))?;
        Ok(self.header("content-type", "application/json").body(text))
    }

    /// Sends it, follows redirects, and waits for the whole answer, whatever its status: see [`Response::ok`].
    ///
    /// # Errors
    /// [`Denied`](Kind::Denied), [`Unavailable`](Kind::Unavailable) …, if there is no answer.
    pub fn send(self) -> Result<Response> {
        let response = http::fetch(&self.0).map_err(|error| unsent(&self.0.url, &error))?;
        let http::Response { status, headers, body, truncated, url } = response;
        Ok(Response { status, headers, body, truncated, url })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// 200, 404 …
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What came, maybe cut: see `truncated`.
    pub body: Vec<u8>,
    /// Whether the body was longer and cut off at the limit.
    pub truncated: bool,
    /// Where the answer came from, after redirects.
    pub url: String,
}

impl Response {
    /// The first header of this name; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 becomes `�`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// [`Failed`](Kind::Failed), if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|wrong| {
            Error::failed(format!("{} did not answer with the JSON expected: {wrong}", self.url))
        })
    }

    /// This answer, if its status is below 400.
    ///
    /// # Errors
    /// The status in the kinds of [`Error`]: 404 is [`NotFound`](Kind::NotFound), 429 and 5xx are
    /// [`Unavailable`](Kind::Unavailable) with the seconds of `retry-after` …
    pub fn ok(self) -> Result<Self> {
        let kind = match self.status {
            ..=399 => return Ok(self),
            401 | 403 | 407 => Kind::Denied,
            404 | 410 => Kind::NotFound,
            409 | 412 => Kind::Conflict,
            408 | 429 | 500.. => Kind::Unavailable,
            _ => Kind::Failed,
        };
        let seconds = self.header("retry-after").and_then(|text| text.trim().parse::<u32>().ok());
        let message = format!("{} answered with status {}", self.url, self.status);
        let retry_after_ms = seconds.filter(|_| kind == Kind::Unavailable).map(|s| s.saturating_mul(1_000));
        Err(Error { kind, message, retry_after_ms })
    }
}

fn unsent(url: &str, error: &http::Error) -> Error {
    use http::ErrorKind as E;
    let kind = match error.kind {
        E::NotGranted | E::PrivateAddress | E::SecretLeak => Kind::Denied,
        E::Timeout | E::Network => Kind::Unavailable,
        E::Limit | E::Tls => Kind::Failed,
        E::BadRequest => Kind::InvalidInput,
    };
    Error::new(kind, format!("the request to {url} was not answered: {}", error.message))
}
