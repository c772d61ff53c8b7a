//! Components that speak WASI, as other toolchains make them: adapted, in the real sandbox, behind the real guard, before
//! real servers.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails should fail loudly")]

mod house;
mod javascript;
mod requests;
mod server;
mod within;
