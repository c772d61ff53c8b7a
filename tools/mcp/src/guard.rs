//! What a server may say to us, and how often, whatever the transport.
//!
//! The SDK starts a task for every notification and every request of a server, and sets no bound. So here all that
//! nobody would read is dropped before it costs more than its parsing, and whoever says too much is cut off.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, GetMeta, JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerNotification,
    },
    transport::Transport,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

use crate::{
    bounds::{
        NOTIFICATIONS_MAX, NOTIFICATIONS_PERIOD, QUESTIONS_MAX, REQUESTS_MAX, WORDS_CHARS_MAX, WRITES_MAX,
    },
    client::{Client, Policy},
    desk::Desk,
    fault::Fault,
    words::line,
};

/// The reason of an end that has no other.
pub(crate) const CLOSED: &str = "the connection was closed";

/// A transport that keeps the other side to its bounds.
pub(crate) struct Guard<T> {
    inner: T,
    server: String,
    fault: Fault,
    /// Told when the server's list of tools has changed.
    changed: Arc<Notify>,
    /// The calls that progress is about.
    desk: Desk,
    policy: Arc<Policy>,
    /// Requests of the server that we have not answered.
    owed: Arc<Mutex<HashSet<RequestId>>>,
    writes: Arc<Semaphore>,
    period: Instant,
    notifications: u32,
    questions: u32,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError<E> {
    /// Too many wait already.
    #[error("{WRITES_MAX} messages wait to be sent")]
    Full,
    /// The transport failed.
    #[error(transparent)]
    Inner(E),
}

impl<T> Guard<T> {
    /// Guards what comes through `inner` for `client`.
    pub(crate) fn new(client: &Client, inner: T, fault: Fault, changed: Arc<Notify>) -> Self {
        Self {
            inner,
            server: client.server.clone(),
            fault,
            changed,
            desk: client.desk.clone(),
            policy: client.policy.clone(),
            owed: Arc::default(),
            writes: Arc::new(Semaphore::new(WRITES_MAX)),
            period: Instant::now(),
            notifications: 0,
            questions: 0,
        }
    }

    /// Whether the SDK is to see this message; the error ends the connection.
    fn admit(&mut self, message: &ServerJsonRpcMessage) -> Result<bool, String> {
        if self.period.elapsed() > NOTIFICATIONS_PERIOD {
            (self.period, self.notifications, self.questions) = (Instant::now(), 0, 0);
        }
        match message {
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => Ok(true),
            JsonRpcMessage::Request(request) => {
                self.questions += 1;
                if self.questions > QUESTIONS_MAX {
                    let seconds = NOTIFICATIONS_PERIOD.as_secs();
                    return Err(format!("it asked more than {QUESTIONS_MAX} times in {seconds} s"));
                }
                let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
                owed.insert(request.id.clone());
                if owed.len() > REQUESTS_MAX {
                    return Err(format!("it has more than {REQUESTS_MAX} requests of its own unanswered"));
                }
                Ok(true)
            }
            JsonRpcMessage::Notification(notification) => self.hear(&notification.notification),
        }
    }

    fn hear(&mut self, notification: &ServerNotification) -> Result<bool, String> {
        self.notifications += 1;
        if self.notifications > NOTIFICATIONS_MAX {
            let seconds = NOTIFICATIONS_PERIOD.as_secs();
            return Err(format!("it sent more than {NOTIFICATIONS_MAX} notifications in {seconds} s"));
        }
        match notification {
            ServerNotification::ToolListChangedNotification(_) => self.changed.notify_one(),
            ServerNotification::ProgressNotification(said) => self.desk.progress(&said.params, &self.policy),
            ServerNotification::LoggingMessageNotification(log) => {
                #[expect(
                    deprecated,
                    reason = "servers of the older protocol versions, which are most, log this way"
                )]
                let (server, said) = (&self.server, line(&log.params.data.to_string(), WORDS_CHARS_MAX));
                tracing::debug!(target: "playhouse::mcp", server, "{said}");
            }
            ServerNotification::CancelledNotification(cancelled) => {
                if let Some(id) = &cancelled.params.request_id {
                    self.owed.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
                }
                return Ok(true);
            }
            ServerNotification::SubscriptionsAcknowledgedNotification(_) => return Ok(true),
            _ => {}
        }
        // What belongs to a subscription is waited for there.
        Ok(notification.get_meta().subscription_id().is_some())
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Guard<T> {
    type Error = SendError<T::Error>;

    fn send(
        &mut self,
        mut message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.desk.note(&mut message);
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        let (owed, writes) = (self.owed.clone(), self.writes.clone());
        let sending = self.inner.send(message);
        async move {
            let _place = writes.try_acquire().map_err(|_| SendError::Full)?;
            let sent = sending.await;
            if let Some(id) = answered {
                owed.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
            sent.map_err(SendError::Inner)
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let message = tokio::select! {
                biased;
                _ = self.fault.raised() => return None,
                message = self.inner.receive() => message,
            };
            let Some(message) = message else {
                self.fault.raise("it closed the connection");
                return None;
            };
            match self.admit(&message) {
                Ok(true) => return Some(message),
                Ok(false) => {}
                Err(why) => {
                    self.fault.raise(why);
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await.map_err(SendError::Inner)
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // However the SDK ended: nobody must wait for this connection any more.
        self.fault.raise(CLOSED);
    }
}
