//! The HTTP face over a real loopback socket, with a runtime that lives in memory.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod bad_input;
mod chat;
mod control;
mod errors;
mod events;
mod fake;
mod guard;
mod harness;
mod outline;
mod parked;
mod questions;
mod sockets;
mod tasks;
mod travel;
mod tree;
mod wire;
