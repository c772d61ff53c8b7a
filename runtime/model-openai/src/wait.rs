//! The timeouts of one call. Every wait goes through here, so that an error can name what passed.

use std::{fmt, future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::config::Timeouts;

/// Which timeout passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// [`Timeouts::first_byte_ms`]
    FirstByte,
    /// [`Timeouts::idle_ms`]
    Idle,
    /// [`Timeouts::total_ms`]
    Total,
}

/// A timeout that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    limit: Limit,
    ms: u64,
}

/// When each timeout of a call passes.
#[derive(Debug)]
pub(crate) struct Waits {
    timeouts: Timeouts,
    total: Instant,
    /// Set when the request leaves; the wait for a slot is not the provider's fault.
    first_byte: Option<Instant>,
}

impl Waits {
    /// The call begins now.
    pub(crate) fn start(timeouts: Timeouts) -> Self {
        Self { timeouts, total: Instant::now() + Duration::from_millis(timeouts.total_ms), first_byte: None }
    }

    /// The request leaves now, and the first byte is expected soon.
    pub(crate) fn expect_first_byte(&mut self) {
        self.first_byte = Some(Instant::now() + Duration::from_millis(self.timeouts.first_byte_ms));
    }

    /// Waits for the beginning of an answer: first byte (where expected) or total.
    pub(crate) async fn beginning<T>(&self, future: impl Future<Output = T>) -> Result<T, Passed> {
        let limit = self.first_byte.map(|at| (at, Limit::FirstByte));
        self.until(limit, future).await
    }

    /// Waits for the next piece of an answer that has begun: idle or total.
    pub(crate) async fn next<T>(&self, future: impl Future<Output = T>) -> Result<T, Passed> {
        let idle = Instant::now() + Duration::from_millis(self.timeouts.idle_ms);
        self.until(Some((idle, Limit::Idle)), future).await
    }

    /// Waits for `future` until `limit` or the end of the call, whichever comes first.
    async fn until<T>(
        &self,
        limit: Option<(Instant, Limit)>,
        future: impl Future<Output = T>,
    ) -> Result<T, Passed> {
        let (at, limit) = limit.filter(|(at, _)| *at < self.total).unwrap_or((self.total, Limit::Total));
        timeout_at(at, future).await.map_err(|_| Passed {
            limit,
            ms: match limit {
                Limit::FirstByte => self.timeouts.first_byte_ms,
                Limit::Idle => self.timeouts.idle_ms,
                Limit::Total => self.timeouts.total_ms,
            },
        })
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.ms;
        match self.limit {
            Limit::FirstByte => write!(f, "sent no first byte within {ms} ms (`first_byte_ms`)"),
            Limit::Idle => write!(f, "fell silent for {ms} ms in the middle of its answer (`idle_ms`)"),
            Limit::Total => write!(f, "did not finish within {ms} ms (`total_ms`)"),
        }
    }
}
