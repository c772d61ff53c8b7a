//! `wasi:http/outgoing-handler`, and `wasi:http/types` as far as it is one interface: a request goes out, whole, when its
//! body is finished, and its answer is here when the call that finished it returns.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::Adapter;
use crate::bindings::exports::wasi::http::outgoing_handler;
use crate::bindings::exports::wasi::http::types::{self, ErrorCode};
use crate::bindings::exports::wasi::io::{error, poll};
use crate::bindings::playhouse::tool::http::{self, ErrorKind};
use crate::body::{FutureTrailers, IncomingBody, OutgoingBody, State};
use crate::fields::Fields;
use crate::io::{Failure, Pollable};
use crate::request::{OutgoingRequest, Plain, RequestOptions};
use crate::response::{IncomingRequest, IncomingResponse, OutgoingResponse, ResponseOutparam};

/// Problems that are told in the words of the host; the others are only counted by whoever made them.
const PROBLEMS_MAX: usize = 8;

thread_local! {
    static PROBLEMS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What became of requests that were refused or failed.
pub(crate) fn problems() -> Vec<String> {
    PROBLEMS.take()
}

impl types::Guest for Adapter {
    type Fields = Fields;
    type IncomingRequest = IncomingRequest;
    type OutgoingRequest = OutgoingRequest;
    type RequestOptions = RequestOptions;
    type ResponseOutparam = ResponseOutparam;
    type IncomingResponse = IncomingResponse;
    type IncomingBody = IncomingBody;
    type FutureTrailers = FutureTrailers;
    type OutgoingResponse = OutgoingResponse;
    type OutgoingBody = OutgoingBody;
    type FutureIncomingResponse = FutureIncomingResponse;

    fn http_error_code(error: error::ErrorBorrow<'_>) -> Option<ErrorCode> {
        Some(error.get::<Failure>().code.clone())
    }
}

impl outgoing_handler::Guest for Adapter {
    fn handle(
        request: types::OutgoingRequest,
        _: Option<types::RequestOptions>,
    ) -> Result<types::FutureIncomingResponse, ErrorCode> {
        let request = request.into_inner::<OutgoingRequest>().plain()?;
        let body = Rc::clone(&request.body);
        let sent = Rc::new(Sent { request: RefCell::new(Some(request)), answer: RefCell::default() });
        match body.state() {
            State::Untouched | State::Finished => sent.send(),
            State::Open => body.then(Rc::clone(&sent)),
            State::Broken => sent.give_up(),
        }
        let future = FutureIncomingResponse { sent, is_told: Cell::new(false) };
        Ok(types::FutureIncomingResponse::new(future))
    }
}

/// A request on its way, or its answer.
pub(crate) struct Sent {
    request: RefCell<Option<Plain>>,
    answer: RefCell<Option<Result<http::Response, ErrorCode>>>,
}

impl Sent {
    pub(crate) fn is_done(&self) -> bool {
        self.request.borrow().is_none()
    }

    /// Sends it, and waits for the answer.
    pub(crate) fn send(&self) {
        let Some(Plain { method, url, headers, secrets, body }) = self.request.take() else { return };
        let place = format!("{method} {url}");
        let request = http::Request { method, url, headers, body: body.take(), secrets };
        let answer = http::fetch(&request).map_err(|error| {
            note(format!("{place}: {}", error.message));
            code(error)
        });
        *self.answer.borrow_mut() = Some(answer);
    }

    /// It will never be sent: its body will never be whole.
    pub(crate) fn give_up(&self) {
        if let Some(request) = self.request.take() {
            note(format!("{} {}: the body of the request was not finished", request.method, request.url));
            *self.answer.borrow_mut() = Some(Err(ErrorCode::HttpProtocolError));
        }
    }
}

pub(crate) fn note(problem: String) {
    PROBLEMS.with_borrow_mut(|problems| {
        if problems.len() < PROBLEMS_MAX {
            problems.push(problem);
        }
    });
}

/// The nearest that WASI has.
fn code(error: http::Error) -> ErrorCode {
    match error.kind {
        ErrorKind::NotGranted | ErrorKind::SecretLeak => ErrorCode::HttpRequestDenied,
        ErrorKind::PrivateAddress => ErrorCode::DestinationIpProhibited,
        ErrorKind::Limit => ErrorCode::ConnectionLimitReached,
        ErrorKind::Timeout => ErrorCode::HttpResponseTimeout,
        ErrorKind::Tls => ErrorCode::TlsProtocolError,
        ErrorKind::Network => ErrorCode::DestinationUnavailable,
        ErrorKind::BadRequest => ErrorCode::InternalError(Some(error.message)),
    }
}

/// A resource `future-incoming-response`.
pub(crate) struct FutureIncomingResponse {
    sent: Rc<Sent>,
    is_told: Cell<bool>,
}

impl types::GuestFutureIncomingResponse for FutureIncomingResponse {
    fn subscribe(&self) -> poll::Pollable {
        Pollable::Answer(Rc::clone(&self.sent)).export()
    }

    fn get(&self) -> Option<Result<Result<types::IncomingResponse, ErrorCode>, ()>> {
        if !self.sent.is_done() {
            return None;
        }
        if self.is_told.replace(true) {
            return Some(Err(()));
        }
        let answer = self.sent.answer.take()?;
        Some(Ok(answer.map(|response| types::IncomingResponse::new(IncomingResponse::of(response)))))
    }
}
