//! The committer: the one that writes. It turns commands into durable commits.
//!
//! An fsync costs the same for one record as for a thousand, so commands that arrive while one is under way
//! are committed together by the next. A lone command never waits for company.
//!
//! It is one future. In production it has an OS thread to itself, since everything it does blocks; a
//! simulation runs it among its other tasks.

use std::{
    fmt,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use playhouse_ports::JournalError;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    time::{Instant, sleep, timeout},
};

use crate::{engine::Engine, error::panic_text, stage::Change};

/// Records in one commit. Beyond this the fsync is paid for, and the first of them has waited long enough.
const GROUP_RECORDS_MAX: usize = 1024;
/// Bytes in one commit.
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
    /// What is told to whoever comes too late.
    pub(crate) fn refusal(&self) -> JournalError {
        match self {
            Self::Closed => JournalError::Unavailable("it is closed".to_owned()),
            // Opening it again heals it or says what is lost: whoever asks may wait for that.
            Self::Failed(JournalError::Damaged(what)) => {
                JournalError::Unavailable(format!("it is opened again to be repaired: {what}"))
            }
            Self::Failed(error) => error.clone(),
        }
    }
}

/// Empty while the committer works.
pub(crate) type Ended = Arc<OnceLock<End>>;

/// The committer's life: a future that is ready once it has ended **and** its files are closed, so that the
/// journal can be opened again. `Ok` means it was closed on purpose; an error is the one that ended it.
#[must_use = "a journal whose committer has died refuses everything until it is opened again"]
pub struct Committer {
    freed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    ended: Ended,
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Future for Committer {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.freed.as_mut().poll(cx).map(|()| outcome(&self.ended))
    }
}

/// Ready when nothing works in the directory any more.
pub(crate) async fn freed(mut closed: watch::Receiver<()>) {
    // Nothing is ever sent: the sender goes with the files it belongs to.
    while closed.changed().await.is_ok() {}
}

fn outcome(ended: &Ended) -> Result<(), JournalError> {
    match ended.get() {
        Some(End::Failed(error)) => Err(error.clone()),
        Some(End::Closed) | None => Ok(()),
    }
}

/// Starts a thread that works with `engine`.
pub(crate) fn start(
    engine: Engine,
    closed: watch::Receiver<()>,
    inbox: mpsc::Receiver<Command>,
    ended: Ended,
) -> io::Result<Committer> {
    let committer = Committer { freed: Box::pin(freed(closed)), ended: Arc::clone(&ended) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let work = move || drop(runtime.block_on(live(engine, inbox, ended)));
    thread::Builder::new().name("journal".to_owned()).spawn(work)?;
    Ok(committer)
}

/// Works until the end, then answers everybody who comes too late, and lets go of the files.
pub(crate) async fn live(
    mut engine: Engine,
    mut inbox: mpsc::Receiver<Command>,
    ended: Ended,
) -> Result<(), JournalError> {
    let end = match serve(&mut engine, &mut inbox).await {
        Ok(()) => End::Closed,
        Err(error) => End::Failed(error),
    };
    if let End::Failed(error) = &end {
        tracing::error!(%error, "the journal stops: nothing is written until it is opened again");
        engine.fail(error);
    }
    let refusal = end.refusal();
    // Before the inbox closes, so that whoever finds it closed also finds out why.
    let _ = ended.set(end);
    inbox.close();
    while let Some(command) = inbox.recv().await {
        let _ = command.done.send(Err(refusal.clone()));
    }
    outcome(&ended)
}

/// Commits group after group. The first error is the last: after it nobody knows what the disk holds.
async fn serve(engine: &mut Engine, inbox: &mut mpsc::Receiver<Command>) -> Result<(), JournalError> {
    loop {
        let waited = match engine.next_chore() {
            None => Ok(inbox.recv().await),
            Some(chore) => timeout(chore, inbox.recv()).await,
        };
        let is_idle = waited.is_err();
        match waited {
            Err(_) => {}
            Ok(None) => break,
            Ok(Some(first)) => {
                let group = collect(first, inbox);
                let is_last = group.iter().any(|command| matches!(command.change, Change::Close));
                guarded(|| engine.commit(group))?;
                if is_last {
                    break;
                }
            }
        }
        guarded(|| engine.chores(is_idle))?;
        if let Some(rest) = engine.rest() {
            sleep(rest).await;
        }
    }
    guarded(|| engine.checkpoint())
}

/// A panic of ours ends the journal, not the thread.
fn guarded(work: impl FnOnce() -> Result<(), JournalError>) -> Result<(), JournalError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(JournalError::Unavailable(format!("the committer panicked: {}", panic_text(&*panic))))
    })
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
