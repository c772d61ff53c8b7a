//! Guarded requests: every hop is safe to ask, every answer is bounded, and credentials go where they belong.

use std::{error::Error, time::Duration};

use reqwest::{
    Certificate, Client, Method, Proxy, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION},
    redirect::Policy,
    retry,
};
use rustls::crypto;

use crate::{
    bounds::{ANSWER_BYTES_MAX, CONNECT_TIME_MAX, REDIRECTS_MAX},
    fetch::{FetchError, Roots},
    source::is_safe,
};

const USER_AGENT: &str = concat!("playhouse/", env!("CARGO_PKG_VERSION"));

/// The client behind all requests.
#[derive(Debug)]
pub(crate) struct Web {
    client: Client,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Goes to the origin of `url` and to no other.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) body: &'a [u8],
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Who answered in the end.
    pub(crate) url: Url,
}

impl Ask<'_> {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), authorization: None, body: &[] }
    }
}

impl Web {
    pub(crate) fn new(roots: &Roots, proxy: Option<&str>, silence: Duration) -> Result<Self, FetchError> {
        if crypto::CryptoProvider::get_default().is_none() {
            // Losing the race against another crate is as good as winning it.
            let _ = crypto::ring::default_provider().install_default();
        }
        let tls = |error: reqwest::Error| FetchError::Setup(innermost(&error));
        let builder = Client::builder()
            // Followed by hand: each hop is looked at.
            .redirect(Policy::none())
            .referer(false)
            .retry(retry::never())
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIME_MAX)
            .read_timeout(silence)
            .tcp_nodelay(true);
        let builder = match roots {
            Roots::System => builder,
            Roots::Only(roots) => {
                let roots: reqwest::Result<Vec<_>> =
                    roots.iter().map(|der| Certificate::from_der(der)).collect();
                builder.tls_certs_only(roots.map_err(tls)?)
            }
        };
        let builder = match proxy {
            // Not one of the environment, which may be meant for other programs.
            None => builder.no_proxy(),
            Some(address) => {
                // What reqwest has to say repeats the address, and with it a password.
                let bad = |_| FetchError::Setup("`proxy` is not of the form `http://host:port`".into());
                builder.proxy(Proxy::all(address).map_err(bad)?)
            }
        };
        Ok(Self { client: builder.build().map_err(tls)? })
    }

    /// Asks, follows at most [`REDIRECTS_MAX`] redirects of a request that only reads, and takes at most `most` bytes
    /// of a success.
    pub(crate) async fn ask(&self, ask: &Ask<'_>, most: u64) -> Result<Answer, FetchError> {
        let mut url = ask.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send(ask, &url).await?;
            let reads = ask.method == Method::GET || ask.method == Method::HEAD;
            match next(&response, &url)? {
                Some(there) if reads => url = there,
                Some(there) => {
                    let why = format!("a request that writes is sent on to {}", shown(&there));
                    return Err(FetchError::Redirect { url: shown(&url), why });
                }
                None => return answer(response, url, most).await,
            }
        }
        let why = format!("more than {REDIRECTS_MAX} redirects, perhaps in a circle");
        Err(FetchError::Redirect { url: shown(&ask.url), why })
    }

    async fn send(&self, ask: &Ask<'_>, url: &Url) -> Result<Response, FetchError> {
        let mut request = self.client.request(ask.method.clone(), url.clone()).headers(ask.headers.clone());
        if let Some(authorization) = &ask.authorization
            && url.origin() == ask.url.origin()
        {
            request = request.header(AUTHORIZATION, authorization);
        }
        if ask.method != Method::GET && ask.method != Method::HEAD {
            request = request.body(ask.body.to_vec());
        }
        request.send().await.map_err(|error| network(url, &error))
    }
}

/// Where a redirect leads, if this is one and leads somewhere safe.
fn next(response: &Response, here: &Url) -> Result<Option<Url>, FetchError> {
    let status = response.status();
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |why: String| FetchError::Redirect { url: shown(here), why };
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location =
        location.ok_or_else(|| refused(format!("status {status} without a readable `Location`")))?;
    let mut there = here.join(location).map_err(|error| refused(format!("to no address ({error})")))?;
    there.set_fragment(None);
    if here.scheme() == "https" && there.scheme() != "https" || !is_safe(&there) {
        let to = shown(&there);
        return Err(refused(format!("to {to}, where anybody on the way can change what is fetched")));
    }
    Ok(Some(there))
}

async fn answer(mut response: Response, url: Url, most: u64) -> Result<Answer, FetchError> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    // Of a failure only a few words are wanted.
    let (limit, cut) = if status.is_success() { (most, false) } else { (ANSWER_BYTES_MAX, true) };
    let large = || FetchError::TooLarge { url: shown(&url), most };
    if !cut && response.content_length().is_some_and(|length| limit < length) {
        return Err(large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| network(&url, &error))? {
        if limit < (body.len() + chunk.len()) as u64 {
            if cut {
                break;
            }
            return Err(large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body, url })
}

/// An address without its query, which may hold a signature that opens it.
pub(crate) fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.to_string()
}

fn network(url: &Url, error: &reqwest::Error) -> FetchError {
    let why = if error.is_timeout() { "no answer in time".into() } else { innermost(error) };
    FetchError::Network { url: shown(url), why }
}

/// The last cause, which says what happened; those above it say that something did.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
