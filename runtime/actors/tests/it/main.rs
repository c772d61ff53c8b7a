//! The actors under a real supervision tree, with scripted models and an in-memory journal.

#![expect(clippy::disallowed_methods, reason = "a test is the root of its own tasks")]

mod house;

mod faults;
mod sessions;
mod tasks;
