//! Trees of real actors, on a paused clock: what they do is written to a log in the order in which it
//! happens, and a test reads the log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop, helpers included")]

mod dynamic;
mod escalation;
mod looking;
mod order;
mod probe;
mod report;
mod restart;
mod starting;
