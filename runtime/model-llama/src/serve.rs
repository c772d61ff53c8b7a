//! One life of a worker: start it, pass frames in both directions, find out why it ended.
//!
//! Everything is one future. Whoever drops it kills the child; nothing of it runs anywhere else.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use playhouse_core::model::{ModelError, ModelErrorKind};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::ChildStderr,
    sync::mpsc,
    time::timeout,
};

use crate::{
    WorkerCommand, WorkerExit, engine,
    link::Link,
    process::describe,
    wire::{self, FrameError, FromWorker, LENGTH_BYTES, Start, ToWorker},
};

/// Loading may read tens of gigabytes from a slow disk.
const LOAD_WAIT: Duration = Duration::from_secs(600);
/// A dead process's last lines are in the pipe already.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);
/// Enough for an assertion and the top of a backtrace.
const LAST_WORDS_LINES: usize = 20;
/// Longer lines are not for people.
const LINE_BYTES_MAX: u64 = 4096;
/// Events of an engine thread that were not passed on yet; it waits when there are more.
const EVENTS_BOUND: usize = 256;

/// Messages for the worker.
type Outbox = mpsc::Receiver<ToWorker>;

/// A worker's life as its handle sees it.
pub(crate) struct Life<'a> {
    pub(crate) link: Arc<Link>,
    /// Called once, when the model is loaded.
    pub(crate) ready: &'a (dyn Fn() + Sync),
}

impl Life<'_> {
    /// Takes one event; an exit if it was the last.
    fn take(&self, event: FromWorker) -> Option<WorkerExit> {
        match event {
            FromWorker::Failed { message } => return Some(WorkerExit::Load(message)),
            FromWorker::Ready => (self.ready)(),
            event => self.link.receive(event),
        }
        None
    }
}

/// Runs a child process until it ends.
pub(crate) async fn process(
    command: &WorkerCommand,
    start: Start,
    life: Life<'_>,
    outbox: Outbox,
) -> WorkerExit {
    let failed = |e: std::io::Error| WorkerExit::Spawn(format!("`{}`: {e}", command.program.display()));
    let (mut child, socket) = match spawn(command) {
        Ok(started) => started,
        Err(error) => return failed(error),
    };
    let mut last_words = VecDeque::new();
    let stderr = child.stderr.take();
    let talking = async {
        let exit = talk(socket, start, &life, outbox).await;
        // Whatever the reason: when the talk is over, so is the process.
        child.start_kill().ok();
        (exit, describe(child.wait().await))
    };
    let (exit, status) = {
        let mut listening = std::pin::pin!(listen(stderr, &mut last_words));
        let mut talking = std::pin::pin!(talking);
        let (ended, silent) = tokio::select! {
            ended = &mut talking => (ended, false),
            () = &mut listening => (talking.await, true),
        };
        if !silent {
            timeout(LAST_WORDS_WAIT, listening).await.ok();
        }
        ended
    };
    exit.unwrap_or_else(|| WorkerExit::Died { status, last_words: last_words.into() })
}

/// Runs an engine on a thread of this process until it ends.
pub(crate) async fn thread(start: Start, life: Life<'_>, mut outbox: Outbox) -> WorkerExit {
    engine::silence();
    let (inbox, messages) = channel();
    let (events, mut heard) = mpsc::channel(EVENTS_BOUND);
    let body = move || {
        // When nobody listens any more, the inbox is closed, too, and the engine ends.
        let say = |event| drop(events.blocking_send(event));
        engine::run(&start, &messages, &say, None);
    };
    if let Err(error) = std::thread::Builder::new().name("llama-engine".into()).spawn(body) {
        return WorkerExit::Spawn(error.to_string());
    }
    loop {
        let event = tokio::select! {
            event = heard.recv() => event,
            Some(message) = outbox.recv() => {
                pass_on(&inbox, message);
                continue;
            }
        };
        match event.map(|event| life.take(event)) {
            Some(None) => {}
            Some(Some(exit)) => return exit,
            None => return WorkerExit::Died { status: "its thread ended".into(), last_words: Vec::new() },
        }
    }
}

fn pass_on(inbox: &Sender<ToWorker>, message: ToWorker) {
    // A closed inbox means that the thread has ended, which the event channel is about to say.
    inbox.send(message).ok();
}

fn spawn(command: &WorkerCommand) -> std::io::Result<(tokio::process::Child, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((command.spawn(theirs)?, UnixStream::from_std(ours)?))
}

/// Passes frames in both directions. `None` when the child closed the socket: its exit status says more.
async fn talk(socket: UnixStream, start: Start, life: &Life<'_>, outbox: Outbox) -> Option<WorkerExit> {
    let (source, mut target) = socket.into_split();
    match wire::encode(&ToWorker::Start(start)) {
        Ok(frame) => target.write_all(&frame).await.ok()?,
        Err(error) => return Some(WorkerExit::Protocol(error.to_string())),
    }
    tokio::select! {
        exit = hear(BufReader::new(source), life) => exit,
        () = speak(target, outbox, &life.link) => None,
    }
}

async fn hear(mut source: BufReader<OwnedReadHalf>, life: &Life<'_>) -> Option<WorkerExit> {
    let mut next = match timeout(LOAD_WAIT, read(&mut source)).await {
        Ok(first) => first,
        Err(_) => return Some(WorkerExit::Load(format!("not loaded after {} s", LOAD_WAIT.as_secs()))),
    };
    loop {
        match next {
            Ok(event) => {
                let exit = life.take(event);
                if exit.is_some() {
                    return exit;
                }
            }
            Err(FrameError::Io(_)) => return None,
            Err(error) => return Some(WorkerExit::Protocol(error.to_string())),
        }
        next = read(&mut source).await;
    }
}

async fn read(source: &mut BufReader<OwnedReadHalf>) -> Result<FromWorker, FrameError> {
    let mut head = [0; LENGTH_BYTES];
    source.read_exact(&mut head).await?;
    let mut body = vec![0; wire::length(head)?];
    source.read_exact(&mut body).await?;
    wire::decode(&body)
}

async fn speak(mut target: OwnedWriteHalf, mut outbox: Outbox, link: &Link) {
    while let Some(message) = outbox.recv().await {
        match (wire::encode(&message), message) {
            (Ok(frame), _) => {
                if target.write_all(&frame).await.is_err() {
                    return;
                }
            }
            (Err(error), ToWorker::Chat { id, .. } | ToWorker::Count { id, .. }) => {
                let told = format!("the request cannot be sent to the local model: {error}");
                link.settle(id, Err(ModelError::new(ModelErrorKind::BadRequest, told)));
            }
            (Err(error), _) => {
                tracing::error!(target: "playhouse::llama", "a message could not be sent: {error}")
            }
        }
    }
}

/// Logs what the worker writes to stderr, llama.cpp's own log above all, and remembers the last lines.
async fn listen(stderr: Option<ChildStderr>, last: &mut VecDeque<String>) {
    let Some(stderr) = stderr else { return };
    let mut source = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut source).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            continue;
        }
        tracing::debug!(target: "playhouse::llama", "{line}");
        if last.len() == LAST_WORDS_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
}
