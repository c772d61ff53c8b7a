//! The child process: a socket on stdin, an engine on the main thread, a reader beside it.
//!
//! It lives exactly as long as its parent wants it to: when the socket closes, for whatever reason, the process
//! kills itself at once, even in the middle of a computation. There is nothing in it that is worth saving.

use std::{
    cell::RefCell,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use crate::{
    engine,
    wire::{self, FromWorker, Start, ToWorker},
};

/// When this environment variable is set, [`worker_entry`] turns the process into a worker.
pub const WORKER_ENV: &str = "PLAYHOUSE_LLAMA_WORKER";
/// Test hook, read in worker processes only: see `engine::AbortOn`.
const TEST_ABORT_ENV: &str = "PLAYHOUSE_LLAMA_TEST_ABORT";
/// The engine empties its inbox between any two batches; more than this waits in the socket.
const INBOX_BOUND: usize = 64;

/// Call this first thing in `main`: in a process that was started as a llama worker it serves until the parent
/// is gone and never returns; in any other it does nothing.
pub fn worker_entry() {
    if std::env::var_os(WORKER_ENV).is_none() {
        return;
    }
    // The exit status is for people; the parent reads the frames and the last lines of stderr.
    let code = match serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("llama worker: {error}");
            1
        }
    };
    std::process::exit(code);
}

fn serve() -> Result<(), wire::FrameError> {
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let Some(start) = read_start(&mut socket)? else { return Ok(()) };
    let (sender, inbox) = sync_channel(INBOX_BOUND);
    let source = socket.try_clone()?;
    std::thread::Builder::new().name("llama-reader".into()).spawn(move || read_all(source, &sender))?;
    compute(&start, &inbox, socket);
    Ok(())
}

fn compute(start: &Start, inbox: &Receiver<ToWorker>, socket: UnixStream) {
    let socket = RefCell::new(socket);
    let say = |event: FromWorker| {
        if let Err(error) = wire::write(&mut *socket.borrow_mut(), &event) {
            eprintln!("llama worker: cannot answer: {error}");
            die();
        }
    };
    engine::run(start, inbox, &say, std::env::var(TEST_ABORT_ENV).ok());
}

fn read_start(socket: &mut UnixStream) -> Result<Option<Start>, wire::FrameError> {
    match wire::read(socket)? {
        Some(ToWorker::Start(start)) => Ok(Some(start)),
        _ => Ok(None),
    }
}

fn read_all(mut source: UnixStream, inbox: &SyncSender<ToWorker>) {
    while let Ok(Some(message)) = wire::read(&mut source) {
        if inbox.send(message).is_err() {
            break;
        }
    }
    die();
}

/// Ends the process without running any of C++'s destructors under a thread that is still computing.
fn die() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
}
