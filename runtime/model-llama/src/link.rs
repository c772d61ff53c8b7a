//! The calls that are under way in one worker. A worker's life is one `Link`; the next worker gets a new one.
//!
//! Invariant: a call stays in the table, and keeps its permit, until the *worker* has answered it or is gone. So a
//! cancelled call counts until its place is really free, and the outbox never holds more than two
//! messages per permit: the request and its cancellation. That is why sending never has to wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use playhouse_core::model::{ModelError, ModelErrorKind, Reply};
use playhouse_ports::Deltas;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::wire::{CallId, FromWorker, ToWorker};

/// What a call is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    Reply(Reply),
    Tokens(u32),
}

type Outcome = Result<Answer, ModelError>;

pub(crate) struct Link {
    outbox: mpsc::Sender<ToWorker>,
    calls: Mutex<Calls>,
}

struct Calls {
    /// `false` once the worker is gone.
    open: bool,
    next: CallId,
    table: HashMap<CallId, Call>,
}

struct Call {
    /// `None` when nobody listens any more.
    listener: Option<(Deltas, oneshot::Sender<Outcome>)>,
    _permit: OwnedSemaphorePermit,
}

/// A call that was entered. Dropping it cancels the call.
pub(crate) struct Waiting {
    link: Arc<Link>,
    id: CallId,
    outcome: oneshot::Receiver<Outcome>,
}

impl Link {
    /// A link for at most `calls_max` calls, and the messages it wants sent.
    pub(crate) fn new(calls_max: usize) -> (Arc<Self>, mpsc::Receiver<ToWorker>) {
        let (outbox, messages) = mpsc::channel(2 * calls_max.max(1));
        let calls = Mutex::new(Calls { open: true, next: 0, table: HashMap::new() });
        (Arc::new(Self { outbox, calls }), messages)
    }

    /// Enters a call; gives the permit back if the worker is gone already.
    pub(crate) fn enter(
        self: &Arc<Self>,
        deltas: Deltas,
        permit: OwnedSemaphorePermit,
    ) -> Result<Waiting, OwnedSemaphorePermit> {
        let mut calls = self.lock();
        if !calls.open {
            return Err(permit);
        }
        let id = calls.next;
        calls.next += 1;
        let (listener, outcome) = oneshot::channel();
        calls.table.insert(id, Call { listener: Some((deltas, listener)), _permit: permit });
        Ok(Waiting { link: self.clone(), id, outcome })
    }

    /// Passes on what the worker said about a call.
    pub(crate) fn receive(&self, event: FromWorker) {
        match event {
            FromWorker::Delta { id, delta } => {
                // Taken out of the lock: the listener's code is not ours.
                let deltas =
                    self.lock().table.get(&id).and_then(|call| Some(call.listener.as_ref()?.0.clone()));
                if let Some(deltas) = deltas {
                    deltas(delta.into());
                }
            }
            FromWorker::Done { id, reply } => self.settle(id, Ok(Answer::Reply(reply))),
            FromWorker::Counted { id, tokens } => self.settle(id, Ok(Answer::Tokens(tokens))),
            FromWorker::Error { id, error } => self.settle(id, Err(error)),
            FromWorker::Warn { message } => tracing::warn!(target: "playhouse::llama", "{message}"),
            FromWorker::Ready | FromWorker::Failed { .. } => {}
        }
    }

    /// Ends one call.
    pub(crate) fn settle(&self, id: CallId, outcome: Outcome) {
        let call = self.lock().table.remove(&id);
        if let Some((_, listener)) = call.and_then(|call| call.listener) {
            // A listener that left meanwhile does not want to know.
            listener.send(outcome).ok();
        }
    }

    /// The worker is gone: every call fails now, and no new one is taken.
    pub(crate) fn close(&self, why: &str) {
        let mut calls = self.lock();
        calls.open = false;
        let table = std::mem::take(&mut calls.table);
        drop(calls);
        for (_, listener) in table.into_values().filter_map(|call| call.listener) {
            listener.send(Err(ModelError::new(ModelErrorKind::Crashed, why))).ok();
        }
    }

    fn abandon(&self, id: CallId) {
        let mut calls = self.lock();
        if let Some(call) = calls.table.get_mut(&id) {
            call.listener = None;
            drop(calls);
            self.send(ToWorker::Cancel { id });
        }
    }

    fn send(&self, message: ToWorker) {
        let sent = self.outbox.try_send(message);
        debug_assert!(
            !matches!(sent, Err(mpsc::error::TrySendError::Full(_))),
            "two messages per permit fit into the outbox"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing panics while it holds this lock, and a table of calls is never half changed.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Sends the call and waits for its answer.
    pub(crate) async fn ask(mut self, message: impl FnOnce(CallId) -> ToWorker) -> Outcome {
        self.link.send(message(self.id));
        let gone = || Err(ModelError::new(ModelErrorKind::Crashed, "the llama worker is gone"));
        (&mut self.outcome).await.unwrap_or_else(|_| gone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.link.abandon(self.id);
    }
}
