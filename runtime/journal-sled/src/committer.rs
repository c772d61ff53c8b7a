//! The committer: one OS thread that owns the engine and turns commands into durable commits.
//!
//! An fsync costs the same for one record as for a thousand, so commands that arrive while one is under way
//! are committed together by the next. A lone command never waits for company.

use std::{
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use playhouse_ports::JournalError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{error::panic_text, open::OpenTasks, stage::Change, store::Store, writes::Writes};

/// Records in one commit. Beyond this the fsync is paid for, and the first of them has waited long enough.
const GROUP_RECORDS_MAX: usize = 1024;
/// Bytes in one commit: one segment of the engine.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// How long a group may collect while more keeps arriving.
const GROUP_TIME_MAX: Duration = Duration::from_millis(2);

/// A change, and where its answer goes: how many things changed.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) change: Change,
    pub(crate) done: oneshot::Sender<Result<usize, JournalError>>,
    /// Its share of the inbox's memory, given back once it is durable.
    pub(crate) room: OwnedSemaphorePermit,
}

/// How a committer ends.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// It was told to, or nobody was left to give it work.
    Closed,
    /// By this error.
    Failed(JournalError),
}

impl End {
    /// What a command is told that comes too late.
    pub(crate) fn refusal(&self) -> JournalError {
        match self {
            Self::Closed => JournalError::Unavailable("it is closed".to_owned()),
            Self::Failed(error) => error.clone(),
        }
    }
}

/// Empty while the committer works.
pub(crate) type Ended = Arc<OnceLock<End>>;

/// The committer's life: a future that is ready once it has ended **and** its files are closed, so that the
/// journal can be opened again. `Ok` means it was closed on purpose; an error is the one that ended it.
#[derive(Debug)]
#[must_use = "a journal whose committer has died refuses everything until it is opened again"]
pub struct Committer {
    closed: oneshot::Receiver<()>,
    ended: Ended,
}

impl Future for Committer {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing is ever sent: the sender goes with the store it belongs to.
        Pin::new(&mut self.closed).poll(cx).map(|_| match self.ended.get() {
            Some(End::Failed(error)) => Err(error.clone()),
            Some(End::Closed) | None => Ok(()),
        })
    }
}

/// Starts the thread over `store`.
pub(crate) fn start(
    store: Arc<Store>,
    tasks: OpenTasks,
    closed: oneshot::Receiver<()>,
    inbox: mpsc::Receiver<Command>,
    ended: Ended,
) -> io::Result<Committer> {
    let committer = Committer { closed, ended: Arc::clone(&ended) };
    thread::Builder::new().name("journal".to_owned()).spawn(move || live(store, tasks, inbox, &ended))?;
    Ok(committer)
}

/// Works until the end, then answers everybody who comes too late, and lets go of the store.
fn live(store: Arc<Store>, mut tasks: OpenTasks, mut inbox: mpsc::Receiver<Command>, ended: &Ended) {
    let work = AssertUnwindSafe(|| serve(&store, &mut tasks, &mut inbox));
    let end = match catch_unwind(work) {
        Ok(Ok(())) => End::Closed,
        Ok(Err(error)) => End::Failed(error),
        Err(panic) => {
            let why = format!("the committer panicked: {}", panic_text(&*panic));
            End::Failed(JournalError::Unavailable(why))
        }
    };
    if let End::Failed(error) = &end {
        tracing::error!(%error, "the journal stops: nothing is written until it is opened again");
    }
    let refusal = end.refusal();
    // Before the inbox closes, so that whoever finds it closed also finds out why.
    let _ = ended.set(end);
    inbox.close();
    while let Some(command) = inbox.blocking_recv() {
        let _ = command.done.send(Err(refusal.clone()));
    }
}

/// Commits group after group. The first error is the last: after it nobody knows what the disk holds.
fn serve(
    store: &Store,
    tasks: &mut OpenTasks,
    inbox: &mut mpsc::Receiver<Command>,
) -> Result<(), JournalError> {
    while let Some(first) = inbox.blocking_recv() {
        let group = collect(first, inbox);
        let is_last = group.iter().any(|command| matches!(command.change, Change::Close));
        commit(group, store, tasks)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

/// `first` and what waits behind it, within the bounds of a group.
fn collect(first: Command, inbox: &mut mpsc::Receiver<Command>) -> Vec<Command> {
    let start = Instant::now();
    let (mut records, mut bytes) = (first.change.records(), first.change.bytes());
    let mut group = vec![first];
    while records < GROUP_RECORDS_MAX && bytes < GROUP_BYTES_MAX && start.elapsed() < GROUP_TIME_MAX {
        let Ok(next) = inbox.try_recv() else { break };
        records += next.change.records();
        bytes += next.change.bytes();
        group.push(next);
    }
    group
}

/// Makes a group durable, then answers it. Refusals wait too: "this key was used" is a promise about
/// something that may be in the same group.
fn commit(group: Vec<Command>, store: &Store, tasks: &mut OpenTasks) -> Result<(), JournalError> {
    let mut writes = Writes::over(store);
    let stage = |Command { change, done, room }| (change.stage(&mut writes, tasks), done, room);
    let staged: Vec<_> = group.into_iter().map(stage).collect();
    let outcome = if writes.is_empty() { Ok(()) } else { store.commit(writes.into_batch()) };
    for (answer, done, _room) in staged {
        // Whoever gave up waiting does not mind.
        let _ = done.send(outcome.clone().and(answer));
    }
    outcome
}
