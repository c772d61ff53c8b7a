//! The guard against real servers on this machine, and against everything that should not reach them.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails should fail loudly")]

mod ask;
mod bounds;
mod corpus;
mod headers;
mod names;
mod pools;
mod proxy;
mod redirects;
mod secrets;
mod server;
mod tls;
mod works;
