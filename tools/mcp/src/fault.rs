//! Why a connection ended: said once, by whoever notices first, and heard by everybody who waits for it.

use tokio::sync::watch;

/// The reason of one connection's end. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Fault(watch::Sender<Option<String>>);

impl Fault {
    /// A connection without a fault so far.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Ends the connection for this reason, unless it has ended for another.
    pub(crate) fn raise(&self, why: impl Into<String>) {
        self.0.send_if_modified(|fault| {
            let first = fault.is_none();
            if first {
                *fault = Some(why.into());
            }
            first
        });
    }

    /// Resolves with the reason when there is one.
    pub(crate) async fn raised(&self) -> String {
        let mut fault = self.0.subscribe();
        let why = fault.wait_for(Option::is_some).await;
        // The sender lives in `self`, so waiting cannot fail.
        why.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// The reason, if there is one already.
    pub(crate) fn why(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}
