//! What is said over the line to a worker: frames of a length and that many bytes.
//!
//! A frame begins with a message in `postcard`; some have more behind it: code, or an answer whose type follows from
//! what was asked. There is no version: both ends are the same build of the same crate.

use std::io;

use serde::{Deserialize, Serialize};

use super::asks::Ask;
use crate::ready::{HANDED_OVER_MAX, Job, Said};

/// Every frame starts with its length: a little-endian u32.
pub(crate) const HEAD_BYTES: usize = 4;
/// From a worker: as much as a guest may hand over at once, and what goes around it.
pub(crate) const FROM_WORKER_MAX: usize = HANDED_OVER_MAX + (64 << 10);
/// To a worker: code above all. That of a whole Python is some 50 MiB.
pub(crate) const TO_WORKER_MAX: usize = 512 << 20;

/// To a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker<'a> {
    /// The first frame: what one instance may use.
    Start { memory_bytes: usize, table_elements: usize },
    /// A component to keep under this number. Its compiled code follows.
    Load { id: u64 },
    /// One that is not needed any more.
    Forget { id: u64 },
    /// A job for one of those loaded.
    Run {
        id: u64,
        fuel: u64,
        #[serde(borrow)]
        job: Job<'a>,
    },
    /// What the guest asked for. The value follows.
    Answer,
    /// The guest is to be ended. Says nothing where none runs.
    Stop,
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// It waits for work. Whether the kernel keeps it from every file.
    Ready { is_confined: bool },
    /// The guest asks its host for something.
    Ask(Ask),
    /// The job is done or was ended; what is left of its fuel.
    Done { said: Result<Said, Fate>, fuel: u64 },
}

/// How the engine ended a guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// It was told to, by what it was answered or by `Stop`.
    Stopped,
    Fuel,
    Memory,
    /// The guest crashed, in these words, and there.
    Crashed {
        words: String,
        trace: Option<String>,
    },
}

/// `message` as a frame. A pair is one thing behind the other.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let frame = postcard::to_extend(message, vec![0; HEAD_BYTES]).map_err(io::Error::other)?;
    sealed(frame)
}

/// `message` with `rest` behind it, as a frame.
pub(crate) fn frame_with(message: &impl Serialize, rest: &[u8]) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; HEAD_BYTES]).map_err(io::Error::other)?;
    frame.extend_from_slice(rest);
    sealed(frame)
}

fn sealed(mut frame: Vec<u8>) -> io::Result<Vec<u8>> {
    let bytes = frame.len() - HEAD_BYTES;
    let length =
        u32::try_from(bytes).ok().filter(|_| bytes <= TO_WORKER_MAX).ok_or_else(|| too_long(bytes))?;
    frame[..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length in a frame's first bytes, if it is at most `most`.
pub(crate) fn length(head: [u8; HEAD_BYTES], most: usize) -> io::Result<usize> {
    let bytes = u32::from_le_bytes(head) as usize;
    if bytes <= most { Ok(bytes) } else { Err(too_long(bytes)) }
}

/// The message that a frame's body begins with, and what follows.
pub(crate) fn open<'a, T: Deserialize<'a>>(body: &'a [u8]) -> io::Result<(T, &'a [u8])> {
    postcard::take_from_bytes(body).map_err(io::Error::other)
}

/// The message in a frame's body, if there is nothing else in it.
pub(crate) fn whole<'a, T: Deserialize<'a>>(body: &'a [u8]) -> io::Result<T> {
    match open(body)? {
        (message, []) => Ok(message),
        _ => Err(io::Error::other("a frame with more in it than its message")),
    }
}

fn too_long(bytes: usize) -> io::Error {
    io::Error::other(format!("a frame of {bytes} bytes"))
}
