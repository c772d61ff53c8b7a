//! The actors under a real supervision tree, with scripted models and an in-memory journal.

#![expect(clippy::unwrap_used, reason = "a helper that fails should fail the test, there and then")]

mod house;

mod children;
mod control;
mod faults;
mod sessions;
mod tasks;
mod waits;
