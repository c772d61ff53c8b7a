//! The adapter against a real model file and real worker processes.

#![expect(clippy::disallowed_methods, reason = "a test's runtime, and every task in it, ends with the test")]

mod crash;
mod kit;
mod nano;
mod open;
mod serve;
