//! `wasi:io`: streams over bytes that are all here, and things to wait for that do not take time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::Adapter;
use crate::bindings::exports::wasi::http::types::ErrorCode;
use crate::bindings::exports::wasi::io::streams::StreamError;
use crate::bindings::exports::wasi::io::{error, poll, streams};
use crate::body::Body;
use crate::cli::Lines;
use crate::clocks;
use crate::outgoing::Sent;

/// Bytes that one read or write moves at most: a chunk has to fit twice, here and where it goes.
const CHUNK_MAX: usize = 64 << 10;

impl error::Guest for Adapter {
    type Error = Failure;
}

/// Why a stream broke.
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
}

impl error::GuestError for Failure {
    fn to_debug_string(&self) -> String {
        format!("{:?}", self.code)
    }
}

pub(crate) fn broken(code: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(error::Error::new(Failure { code }))
}

impl poll::Guest for Adapter {
    type Pollable = Pollable;

    fn poll(waiting: Vec<poll::PollableBorrow<'_>>) -> Vec<u32> {
        assert!(!waiting.is_empty(), "the contract of `poll` wants something to wait for");
        let all: Vec<&Pollable> = waiting.iter().map(poll::PollableBorrow::get).collect();
        let ready =
            || (0..).zip(&all).filter(|(_, one)| one.is_ready()).map(|(at, _)| at).collect::<Vec<u32>>();
        let found = ready();
        if !found.is_empty() {
            return found;
        }
        wait(&all);
        ready()
    }
}

/// What somebody waits for.
pub(crate) enum Pollable {
    Ready,
    /// An instant of the monotonic clock.
    At(u64),
    /// The answer to a request.
    Answer(Rc<Sent>),
}

impl Pollable {
    fn is_ready(&self) -> bool {
        match self {
            Self::Ready => true,
            Self::At(instant) => clocks::now() >= *instant,
            Self::Answer(sent) => sent.is_done(),
        }
    }

    pub(crate) fn export(self) -> poll::Pollable {
        poll::Pollable::new(self)
    }
}

impl poll::GuestPollable for Pollable {
    fn ready(&self) -> bool {
        self.is_ready()
    }

    fn block(&self) {
        if !self.is_ready() {
            wait(&[self]);
        }
    }
}

/// Nothing is ready. Time passes at once if that helps; and whoever waits for the answer to a request whose body it has
/// not finished would wait for ever, so that the request ends there.
fn wait(all: &[&Pollable]) {
    let instants =
        all.iter().filter_map(|one| if let Pollable::At(instant) = one { Some(*instant) } else { None });
    if let Some(first) = instants.min() {
        return clocks::jump(first);
    }
    for one in all {
        if let Pollable::Answer(sent) = one {
            sent.give_up();
        }
    }
}

impl streams::Guest for Adapter {
    type InputStream = InputStream;
    type OutputStream = OutputStream;
}

/// Bytes that are here.
pub(crate) struct InputStream {
    bytes: Vec<u8>,
    at: Cell<usize>,
    /// Said once, where the bytes end before their time.
    cut: RefCell<Option<ErrorCode>>,
}

impl InputStream {
    pub(crate) fn export(bytes: Vec<u8>, cut: Option<ErrorCode>) -> streams::InputStream {
        streams::InputStream::new(Self { bytes, at: Cell::new(0), cut: RefCell::new(cut) })
    }

    fn next(&self, len: u64) -> Result<&[u8], StreamError> {
        let rest = &self.bytes[self.at.get()..];
        if rest.is_empty() {
            return Err(self.cut.take().map_or(StreamError::Closed, broken));
        }
        let count = usize::try_from(len).unwrap_or(usize::MAX).min(rest.len()).min(CHUNK_MAX);
        self.at.set(self.at.get() + count);
        Ok(&rest[..count])
    }
}

impl streams::GuestInputStream for InputStream {
    fn read(&self, len: u64) -> Result<Vec<u8>, StreamError> {
        self.next(len).map(<[u8]>::to_vec)
    }

    fn blocking_read(&self, len: u64) -> Result<Vec<u8>, StreamError> {
        self.read(len)
    }

    fn skip(&self, len: u64) -> Result<u64, StreamError> {
        self.next(len).map(|bytes| bytes.len() as u64)
    }

    fn blocking_skip(&self, len: u64) -> Result<u64, StreamError> {
        self.skip(len)
    }

    fn subscribe(&self) -> poll::Pollable {
        Pollable::Ready.export()
    }
}

/// Where bytes go.
pub(crate) enum OutputStream {
    Body(Rc<Body>),
    Lines(Lines),
}

impl OutputStream {
    pub(crate) fn export(self) -> streams::OutputStream {
        streams::OutputStream::new(self)
    }

    fn put(&self, bytes: &[u8]) -> Result<(), StreamError> {
        match self {
            Self::Body(body) => body.write(bytes),
            Self::Lines(lines) => {
                lines.write(bytes);
                Ok(())
            }
        }
    }
}

impl streams::GuestOutputStream for OutputStream {
    fn check_write(&self) -> Result<u64, StreamError> {
        match self {
            Self::Body(body) => Ok(body.room()?.min(CHUNK_MAX) as u64),
            Self::Lines(_) => Ok(CHUNK_MAX as u64),
        }
    }

    fn write(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        self.put(&contents)
    }

    fn blocking_write_and_flush(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        self.put(&contents)
    }

    fn flush(&self) -> Result<(), StreamError> {
        if let Self::Lines(lines) = self {
            lines.flush();
        }
        Ok(())
    }

    fn blocking_flush(&self) -> Result<(), StreamError> {
        self.flush()
    }

    fn subscribe(&self) -> poll::Pollable {
        Pollable::Ready.export()
    }

    fn write_zeroes(&self, len: u64) -> Result<(), StreamError> {
        assert!(
            len <= CHUNK_MAX as u64,
            "the contract of `write-zeroes` wants no more than `check-write` permits"
        );
        self.put(&vec![0; len as usize])
    }

    fn blocking_write_zeroes_and_flush(&self, len: u64) -> Result<(), StreamError> {
        self.write_zeroes(len)
    }

    fn splice(&self, src: streams::InputStreamBorrow<'_>, len: u64) -> Result<u64, StreamError> {
        let len = len.min(streams::GuestOutputStream::check_write(self)?);
        let bytes = src.get::<InputStream>().next(len)?;
        self.put(bytes)?;
        Ok(bytes.len() as u64)
    }

    fn blocking_splice(&self, src: streams::InputStreamBorrow<'_>, len: u64) -> Result<u64, StreamError> {
        self.splice(src, len)
    }
}
