//! [`Egress`] over HTTP: requests of tools, each hop and each address checked before anything leaves.
//!
//! ```text
//!  Outgoing ─▶ Plan ─▶ ┌ hop: decide (policy) ─▶ literal address? admitted? ─▶ client of its reach ─┐
//!                      │                                                        │ resolver: every   │
//!                      └── redirect: a new target, a new decision ◀── response ◀┘ address admitted? │
//! ```
//!
//! What is connected to is what was checked: names are resolved by a resolver that drops what may not be reached,
//! and the connection goes to what it returned, without asking a second time. There is one client for requests that
//! may reach public addresses only and one for those that may reach private ones too, each with a pool of its own, so
//! that no request rides on a connection that it could not have made.

mod attach;
mod client;
mod exchange;
mod failure;
mod names;
mod plan;
mod redirect;
mod response;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use playhouse_ports::egress::{Egress, EgressError, EgressErrorKind, Incoming, Outgoing};
use tokio::{sync::Semaphore, time::timeout};

pub use attach::check_attach;
pub use client::{HttpConfig, Roots, SetupError};
pub use names::{ADDRESSES_MAX, Resolver, SystemResolver};
pub use response::{RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX};

use crate::{client::Clients, failure::Problem};

/// Most exchanges at once; others wait within their time. With the usual limit of 1 MiB a response, 64 hold
/// 64 MiB; and more connections than that from one host look like an attack to those they go to.
pub const IN_FLIGHT_MAX: usize = 64;

/// The guard, and the connections behind it. Cheap to share as `Arc<dyn Egress>`.
#[derive(Debug)]
pub struct GuardedHttp {
    clients: Clients,
    turns: Semaphore,
}

impl GuardedHttp {
    /// A guard without connections. Fails if TLS cannot be set up, such as without any root certificates.
    pub fn new(config: HttpConfig) -> Result<Self, SetupError> {
        Ok(Self { clients: Clients::new(config)?, turns: Semaphore::new(IN_FLIGHT_MAX) })
    }

    async fn in_turn(&self, request: Outgoing, made: &AtomicU32) -> Result<Incoming, Problem> {
        let _turn = self.turns.acquire().await.expect("nobody closes the semaphore");
        exchange::run(&self.clients, request, made).await
    }
}

#[async_trait]
impl Egress for GuardedHttp {
    async fn fetch(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        let ms = request.timeout_ms;
        // Counted here, so that a request that ran out of time is paid for like any other.
        let made = AtomicU32::new(0);
        let answer = timeout(Duration::from_millis(ms), Box::pin(self.in_turn(request, &made))).await;
        let late = || Problem::new(EgressErrorKind::Timeout, format!("no complete answer within {ms} ms"));
        let problem = match answer {
            Ok(Ok(incoming)) => return Ok(incoming),
            Ok(Err(problem)) => problem,
            Err(_) => late(),
        };
        let Problem { kind, message } = problem;
        tracing::debug!(kind = kind.name(), message, "a request of a tool was not answered");
        Err(EgressError { kind, message, requests: made.load(Ordering::Relaxed) })
    }
}
