//! The store from outside: what is written, decided, compared, fetched and pushed, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod crashes;
mod differences;
mod fuzz;
mod garbage;
mod keys;
mod kit;
mod lies;
mod locks;
mod oci;
mod registry;
mod server;
mod sources;
mod stores;
mod story;
mod verdicts;
mod web;
