//! The worker's side of one instance: its limits, and the line to whoever answers it.

use std::io::{self, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::net::RecvFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::asks::Ask;
use super::wire::{self, FROM_WORKER_MAX, FromWorker, HEAD_BYTES, TO_WORKER_MAX, ToWorker};
use crate::guest::Held;
use crate::limits::Limits;
use crate::ready::Bounded;
use crate::sandbox::cause;
use crate::trace::trace;

use super::wire::Fate;

/// The line to the daemon.
#[derive(Debug)]
pub(crate) struct Line {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Line {
    /// The socket that this process was started with.
    pub(crate) fn of_stdin() -> io::Result<Self> {
        let writer = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { reader: BufReader::new(writer.try_clone()?), writer })
    }

    /// The body of the next frame; `None` when the daemon has closed the line.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut head = [0; HEAD_BYTES];
        match self.reader.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut body = vec![0; wire::length(head, TO_WORKER_MAX)?];
        self.reader.read_exact(&mut body)?;
        Ok(Some(body))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If it is too long to be sent. When the line is gone, so is this process.
    pub(crate) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let frame = wire::frame(message)?;
        if frame.len() - HEAD_BYTES > FROM_WORKER_MAX {
            return Err(io::Error::other("more than a tool may hand over at once"));
        }
        self.writer.write_all(&frame).unwrap_or_else(|_| gone());
        Ok(())
    }

    /// Whether the daemon has something to say, or has gone.
    fn rings(&self) -> bool {
        let look = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let silent = || matches!(rustix::net::recv(&self.writer, &mut [0_u8][..], look), Err(error) if error == rustix::io::Errno::AGAIN);
        !self.reader.buffer().is_empty() || !silent()
    }
}

/// Nobody is there any more, and nothing here is worth saving.
fn gone() -> ! {
    std::process::exit(0)
}

/// The host's side of an instance, in a worker.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) line: Line,
    limits: Limits,
    held: Held,
    ended: Option<Fate>,
}

impl Seat {
    pub(crate) fn new(line: Line, limits: Limits) -> Self {
        Self { line, limits, held: Held::default(), ended: None }
    }

    /// Asks the daemon, and waits.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, ask: Ask) -> wasmtime::Result<T> {
        self.line.send(&FromWorker::Ask(ask))?;
        let Ok(Some(body)) = self.line.receive() else { gone() };
        match wire::open(&body)? {
            (ToWorker::Answer, answer) => Ok(wire::whole(answer)?),
            _ => Err(self.stopped()),
        }
    }

    /// The daemon wants the guest ended.
    pub(crate) fn stopped(&mut self) -> wasmtime::Error {
        self.end(Fate::Stopped)
    }

    /// What became of a guest that the engine ended.
    pub(crate) fn fate(&self, error: &wasmtime::Error) -> Fate {
        let is_out_of_fuel = error.downcast_ref::<wasmtime::Trap>() == Some(&wasmtime::Trap::OutOfFuel);
        let ended = self.ended.clone().or(is_out_of_fuel.then_some(Fate::Fuel));
        ended.unwrap_or_else(|| Fate::Crashed { words: cause(error), trace: trace(error) })
    }

    fn end(&mut self, fate: Fate) -> wasmtime::Error {
        self.ended = Some(fate);
        wasmtime::Error::msg("ended by the host")
    }
}

impl Bounded for Seat {
    fn at_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.line.rings() { Err(self.stopped()) } else { Ok(UpdateDeadline::Continue(1)) }
    }
}

impl ResourceLimiter for Seat {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if !self.held.memory(current, desired, &self.limits) {
            return Err(self.end(Fate::Memory));
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if !self.held.table(current, desired, &self.limits) {
            return Err(self.end(Fate::Memory));
        }
        Ok(true)
    }
}
