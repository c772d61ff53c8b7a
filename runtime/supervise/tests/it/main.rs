//! Trees of real actors, on a paused clock: what they do is written to a log in the order in which it
//! happens, and a test reads the log.

mod dynamic;
mod escalation;
mod looking;
mod order;
mod probe;
mod restart;
mod starting;
