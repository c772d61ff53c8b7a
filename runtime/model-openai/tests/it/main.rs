//! The adapter against a real, misbehaving HTTP server on loopback.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails should fail loudly")]

mod bounds;
mod config;
mod refusals;
mod replies;
mod secrets;
mod server;
mod support;
mod timeouts;
