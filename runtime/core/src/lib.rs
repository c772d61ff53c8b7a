//! Every decision of the runtime, as data and functions.
//!
//! Nothing here awaits, spawns, reads a clock, rolls dice or opens a file. Time arrives as an argument;
//! what should happen leaves as an [`task::Effect`] for an actor to perform. So every decision can be
//! tested as a transcript, replayed from a journal, and simulated under a seed.

pub mod admission;
pub mod agent;
mod annotations;
pub mod digest;
pub mod egress;
pub mod grant;
pub mod id;
pub mod labels;
pub mod lenient;
pub mod message;
pub mod model;
pub mod policy;
pub mod restart;
pub mod schedule;
pub mod session;
pub mod task;
pub mod tool;
pub mod window;
