//! Bodies: whole, and in memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::bindings::exports::wasi::http::types::{self, ErrorCode};
use crate::bindings::exports::wasi::io::streams::StreamError;
use crate::bindings::exports::wasi::io::{poll, streams};
use crate::io::{InputStream, OutputStream, Pollable, broken};
use crate::outgoing::Sent;

/// Bytes of a body that a component makes: as many as the host takes at once.
pub(crate) const BODY_MAX: usize = 4 << 20;

/// A body that is being written.
pub(crate) struct Body {
    bytes: RefCell<Vec<u8>>,
    state: Cell<State>,
    /// What `content-length` says.
    declared: Option<u64>,
    /// Whose it is: sent when it is finished.
    request: RefCell<Option<Rc<Sent>>>,
}

/// How far a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody has asked for it: it is empty.
    Untouched,
    Open,
    Finished,
    /// It will never be finished.
    Broken,
}

impl Body {
    pub(crate) fn of(headers: &[(String, Vec<u8>)]) -> Rc<Self> {
        let declared = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let declared = declared.and_then(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse().ok());
        let (bytes, request) = (RefCell::default(), RefCell::default());
        Rc::new(Self { bytes, state: Cell::new(State::Untouched), declared, request })
    }

    /// Opens it, the first time.
    pub(crate) fn open(self: &Rc<Self>) -> Result<types::OutgoingBody, ()> {
        if self.state.get() != State::Untouched {
            return Err(());
        }
        self.state.set(State::Open);
        Ok(types::OutgoingBody::new(OutgoingBody { body: Rc::clone(self), is_written: Cell::new(false) }))
    }

    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        self.bytes.take()
    }

    /// What follows when it is finished.
    pub(crate) fn then(&self, request: Rc<Sent>) {
        *self.request.borrow_mut() = Some(request);
    }

    /// Bytes that may still be written.
    pub(crate) fn room(&self) -> Result<usize, StreamError> {
        if self.state.get() != State::Open {
            return Err(StreamError::Closed);
        }
        match BODY_MAX - self.bytes.borrow().len() {
            0 => Err(broken(ErrorCode::HttpRequestBodySize(Some(BODY_MAX as u64)))),
            room => Ok(room),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), StreamError> {
        if bytes.len() > self.room()? {
            return Err(broken(ErrorCode::HttpRequestBodySize(Some(BODY_MAX as u64))));
        }
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&self) -> Result<(), ErrorCode> {
        let length = self.bytes.borrow().len() as u64;
        if self.declared.is_some_and(|declared| declared != length) {
            self.give_up();
            return Err(ErrorCode::HttpRequestBodySize(Some(length)));
        }
        self.state.set(State::Finished);
        if let Some(request) = self.request.take() {
            request.send();
        }
        Ok(())
    }

    fn give_up(&self) {
        self.state.set(State::Broken);
        if let Some(request) = self.request.take() {
            request.give_up();
        }
    }
}

/// A resource `outgoing-body`.
pub(crate) struct OutgoingBody {
    body: Rc<Body>,
    is_written: Cell<bool>,
}

impl types::GuestOutgoingBody for OutgoingBody {
    fn write(&self) -> Result<streams::OutputStream, ()> {
        if self.is_written.replace(true) {
            return Err(());
        }
        Ok(OutputStream::Body(Rc::clone(&self.body)).export())
    }

    fn finish(this: types::OutgoingBody, trailers: Option<types::Fields>) -> Result<(), ErrorCode> {
        let this = this.into_inner::<Self>();
        let has_trailers = trailers.is_some_and(|trailers| {
            !types::GuestFields::entries(trailers.get::<crate::fields::Fields>()).is_empty()
        });
        if has_trailers {
            return Err(ErrorCode::InternalError(Some("trailers cannot be sent".to_owned())));
        }
        this.body.finish()
    }
}

impl Drop for OutgoingBody {
    fn drop(&mut self) {
        if self.body.state.get() == State::Open {
            self.body.give_up();
        }
    }
}

/// A resource `incoming-body`: all of it is here.
pub(crate) struct IncomingBody {
    bytes: RefCell<Option<(Vec<u8>, Option<ErrorCode>)>>,
}

impl IncomingBody {
    /// `cut`: what to say at its end if that is not the end.
    pub(crate) fn export(bytes: Vec<u8>, cut: Option<ErrorCode>) -> types::IncomingBody {
        types::IncomingBody::new(Self { bytes: RefCell::new(Some((bytes, cut))) })
    }
}

impl types::GuestIncomingBody for IncomingBody {
    fn stream(&self) -> Result<streams::InputStream, ()> {
        let (bytes, cut) = self.bytes.take().ok_or(())?;
        Ok(InputStream::export(bytes, cut))
    }

    fn finish(_: types::IncomingBody) -> types::FutureTrailers {
        types::FutureTrailers::new(FutureTrailers { is_told: Cell::new(false) })
    }
}

/// A resource `future-trailers`: there are none.
pub(crate) struct FutureTrailers {
    is_told: Cell<bool>,
}

impl types::GuestFutureTrailers for FutureTrailers {
    fn subscribe(&self) -> poll::Pollable {
        Pollable::Ready.export()
    }

    fn get(&self) -> Option<Result<Result<Option<types::Fields>, ErrorCode>, ()>> {
        Some(if self.is_told.replace(true) { Err(()) } else { Ok(Ok(None)) })
    }
}
