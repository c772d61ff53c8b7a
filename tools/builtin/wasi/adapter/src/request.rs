//! Requests that a component makes: what they say, and what they may say.

use std::cell::RefCell;
use std::rc::Rc;

use crate::bindings::exports::wasi::http::types::{self, ErrorCode, Method, Scheme};
use crate::body::Body;
use crate::fields::{Entries, Fields};

/// Names a granted secret that the host shall attach. A component that knows nothing of it can be told to send the header.
const SECRET: &str = "playhouse-secret";

/// A resource `outgoing-request`.
pub(crate) struct OutgoingRequest {
    line: RefCell<Line>,
    headers: Entries,
    body: Rc<Body>,
}

/// What is said beside headers and body.
#[derive(Clone)]
struct Line {
    method: Method,
    scheme: Option<Scheme>,
    authority: Option<String>,
    path: Option<String>,
}

/// A request in the contract's words, but for its body.
pub(crate) struct Plain {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) secrets: Vec<String>,
    pub(crate) body: Rc<Body>,
}

impl OutgoingRequest {
    /// As it shall go out.
    pub(crate) fn plain(self) -> Result<Plain, ErrorCode> {
        let Line { method, scheme, authority, path } = self.line.into_inner();
        let scheme = match scheme {
            Some(Scheme::Http) => "http",
            Some(Scheme::Https) | None => "https",
            Some(Scheme::Other(_)) => return Err(ErrorCode::HttpRequestUriInvalid),
        };
        let authority = authority.ok_or(ErrorCode::HttpRequestUriInvalid)?;
        let path = match path.as_deref() {
            None | Some("") => "/".to_owned(),
            Some(query) if query.starts_with('?') => format!("/{query}"),
            Some(path) => path.to_owned(),
        };
        let (mut headers, mut secrets) = (Vec::new(), Vec::new());
        for (name, value) in self.headers {
            let value = String::from_utf8(value).map_err(|_| ErrorCode::HttpRequestHeaderSize(None))?;
            match name.to_ascii_lowercase().as_str() {
                SECRET => secrets.push(value),
                // The host counts for itself.
                "content-length" => {}
                _ => headers.push((name, value)),
            }
        }
        let url = format!("{scheme}://{authority}{path}");
        Ok(Plain { method: method_name(&method), url, headers, secrets, body: self.body })
    }
}

pub(crate) fn method_name(method: &Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
    .to_owned()
}

pub(crate) fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        name => Method::Other(name.to_owned()),
    }
}

/// Whether `path` can only ever be a path: an absolute address in its place would choose another host.
pub(crate) fn is_path(path: &str) -> bool {
    let begins = path.is_empty() || path.starts_with(['/', '?']);
    begins && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\')
}

/// Whether `authority` is a host and perhaps a port, and nothing that ends it, or begins one before it.
fn is_authority(authority: &str) -> bool {
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !authority.is_empty() && authority.bytes().all(in_host)
}

impl types::GuestOutgoingRequest for OutgoingRequest {
    fn new(headers: types::Fields) -> Self {
        let headers = headers.into_inner::<Fields>().into_entries();
        let line = Line { method: Method::Get, scheme: None, authority: None, path: None };
        Self { line: RefCell::new(line), body: Body::of(&headers), headers }
    }

    fn body(&self) -> Result<types::OutgoingBody, ()> {
        self.body.open()
    }

    fn method(&self) -> Method {
        self.line.borrow().method.clone()
    }

    fn set_method(&self, method: Method) -> Result<(), ()> {
        let name = method_name(&method);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            return Err(());
        }
        self.line.borrow_mut().method = method;
        Ok(())
    }

    fn path_with_query(&self) -> Option<String> {
        self.line.borrow().path.clone()
    }

    fn set_path_with_query(&self, path: Option<String>) -> Result<(), ()> {
        if path.as_deref().is_some_and(|path| !is_path(path)) {
            return Err(());
        }
        self.line.borrow_mut().path = path;
        Ok(())
    }

    fn scheme(&self) -> Option<Scheme> {
        self.line.borrow().scheme.clone()
    }

    fn set_scheme(&self, scheme: Option<Scheme>) -> Result<(), ()> {
        if matches!(scheme, Some(Scheme::Other(_))) {
            return Err(());
        }
        self.line.borrow_mut().scheme = scheme;
        Ok(())
    }

    fn authority(&self) -> Option<String> {
        self.line.borrow().authority.clone()
    }

    fn set_authority(&self, authority: Option<String>) -> Result<(), ()> {
        if authority.as_deref().is_some_and(|authority| !is_authority(authority)) {
            return Err(());
        }
        self.line.borrow_mut().authority = authority;
        Ok(())
    }

    fn headers(&self) -> types::Fields {
        Fields::reading(&self.headers)
    }
}

/// A resource `request-options`: the deadline of the call counts, and none of these does.
#[derive(Default)]
pub(crate) struct RequestOptions(RefCell<[Option<u64>; 3]>);

impl RequestOptions {
    fn put(&self, at: usize, duration: Option<u64>) -> Result<(), ()> {
        self.0.borrow_mut()[at] = duration;
        Ok(())
    }
}

impl types::GuestRequestOptions for RequestOptions {
    fn new() -> Self {
        Self::default()
    }

    fn connect_timeout(&self) -> Option<u64> {
        self.0.borrow()[0]
    }

    fn set_connect_timeout(&self, duration: Option<u64>) -> Result<(), ()> {
        self.put(0, duration)
    }

    fn first_byte_timeout(&self) -> Option<u64> {
        self.0.borrow()[1]
    }

    fn set_first_byte_timeout(&self, duration: Option<u64>) -> Result<(), ()> {
        self.put(1, duration)
    }

    fn between_bytes_timeout(&self) -> Option<u64> {
        self.0.borrow()[2]
    }

    fn set_between_bytes_timeout(&self, duration: Option<u64>) -> Result<(), ()> {
        self.put(2, duration)
    }
}
