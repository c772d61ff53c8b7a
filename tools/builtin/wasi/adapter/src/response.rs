//! What comes back to a component that asked, and both sides of a component that answers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::bindings::exports::wasi::http::types::{self, ErrorCode, Method, Scheme, StatusCode};
use crate::bindings::playhouse::tool::http;
use crate::body::{Body, IncomingBody};
use crate::fields::{Entries, Fields, told};

/// A resource `incoming-response`.
pub(crate) struct IncomingResponse {
    status: u16,
    headers: Entries,
    body: RefCell<Option<(Vec<u8>, Option<ErrorCode>)>>,
}

impl IncomingResponse {
    /// A body that the host has cut off ends with an error, as one does whose connection breaks.
    pub(crate) fn of(response: http::Response) -> Self {
        let http::Response { status, headers, body, truncated, .. } = response;
        let cut = truncated.then_some(ErrorCode::HttpResponseBodySize(Some(body.len() as u64)));
        let mut headers = told(headers);
        // The whole body is here, and may be shorter than what was sent: compressed, or cut off.
        headers.retain(|(name, _)| name != "content-length");
        Self { status, headers, body: RefCell::new(Some((body, cut))) }
    }
}

impl types::GuestIncomingResponse for IncomingResponse {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> types::Fields {
        Fields::reading(&self.headers)
    }

    fn consume(&self) -> Result<types::IncomingBody, ()> {
        let (bytes, cut) = self.body.take().ok_or(())?;
        Ok(IncomingBody::export(bytes, cut))
    }
}

/// A resource `incoming-request`.
pub(crate) struct IncomingRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Entries,
    pub(crate) body: RefCell<Option<Vec<u8>>>,
}

/// What a tool is called under. Nothing listens there.
const AUTHORITY: &str = "tool.invalid";

impl types::GuestIncomingRequest for IncomingRequest {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn path_with_query(&self) -> Option<String> {
        Some(self.path.clone())
    }

    fn scheme(&self) -> Option<Scheme> {
        Some(Scheme::Http)
    }

    fn authority(&self) -> Option<String> {
        Some(AUTHORITY.to_owned())
    }

    fn headers(&self) -> types::Fields {
        Fields::reading(&self.headers)
    }

    fn consume(&self) -> Result<types::IncomingBody, ()> {
        Ok(IncomingBody::export(self.body.take().ok_or(())?, None))
    }
}

/// A resource `outgoing-response`.
pub(crate) struct OutgoingResponse {
    pub(crate) status: Cell<u16>,
    pub(crate) headers: Entries,
    pub(crate) body: Rc<Body>,
}

impl types::GuestOutgoingResponse for OutgoingResponse {
    fn new(headers: types::Fields) -> Self {
        let headers = headers.into_inner::<Fields>().into_entries();
        Self { status: Cell::new(200), body: Body::of(&headers), headers }
    }

    fn status_code(&self) -> StatusCode {
        self.status.get()
    }

    fn set_status_code(&self, status: StatusCode) -> Result<(), ()> {
        if !(100..1_000).contains(&status) {
            return Err(());
        }
        self.status.set(status);
        Ok(())
    }

    fn headers(&self) -> types::Fields {
        Fields::reading(&self.headers)
    }

    fn body(&self) -> Result<types::OutgoingBody, ()> {
        self.body.open()
    }
}

/// What a component has answered: there is one question in a call.
pub(crate) type Answer = Result<OutgoingResponse, ErrorCode>;

thread_local! {
    static ANSWER: RefCell<Option<Answer>> = const { RefCell::new(None) };
}

/// The answer, once.
pub(crate) fn answer() -> Option<Answer> {
    ANSWER.take()
}

/// A resource `response-outparam`.
pub(crate) struct ResponseOutparam;

impl types::GuestResponseOutparam for ResponseOutparam {
    fn set(_: types::ResponseOutparam, response: Result<types::OutgoingResponse, ErrorCode>) {
        ANSWER.set(Some(response.map(|response| response.into_inner::<OutgoingResponse>())));
    }
}
