//! The actors under a real supervision tree, with scripted models and an in-memory journal.

#![expect(clippy::unwrap_used, reason = "a helper that fails should fail the test, there and then")]

mod brittle;
mod house;

mod asking;
mod asking_people;
mod children;
mod control;
mod crashes;
mod drain;
mod faults;
mod lists;
mod sessions;
mod slow;
mod stuck;
mod tasks;
mod tree;
mod waits;
