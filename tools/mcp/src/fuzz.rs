//! What the fuzz targets of `fuzz/` need of the inside of this crate. No part of what it offers.

use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::fault::Fault;
use crate::frames::Frames;

/// What became of the output of a server.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// Messages that were understood.
    pub messages: usize,
    /// Why there are no more.
    pub why: String,
}

/// Reads `bytes` to the end, or to where the connection would be ended.
pub fn read(bytes: &[u8]) -> Read {
    read_from(Cursor::new(bytes.to_vec()))
}

/// The same, when they come in two pieces, of which the first has `first` bytes.
pub fn read_in_pieces(bytes: &[u8], first: usize) -> Read {
    let (first, second) = bytes.split_at(first.min(bytes.len()));
    read_from(Cursor::new(first.to_vec()).chain(Cursor::new(second.to_vec())))
}

fn read_from(source: impl AsyncRead + Unpin + Send) -> Read {
    let fault = Fault::new();
    let mut frames = Frames::new(source, tokio::io::sink(), fault.clone());
    let mut messages = 0;
    // What lies in memory is always ready, so there is nothing to wait for.
    loop {
        let mut next = pin!(frames.receive());
        match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(_)) => messages += 1,
            Poll::Ready(None) => return Read { messages, why: fault.why().unwrap_or_default() },
            Poll::Pending => unreachable!("it waits for bytes that are there"),
        }
    }
}
