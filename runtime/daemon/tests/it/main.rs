//! The real program, from outside: processes, signals, sockets, the shipped model and tools.

#![expect(clippy::unwrap_used, reason = "a helper that fails should fail the test, there and then")]
#![expect(clippy::print_stdout, reason = "the figures of the kill rounds are for whoever asked for them")]

mod harness;

mod bad_input;
mod cli;
mod kill;
mod operations;
mod remote;
mod telemetry;
mod templates;
mod tool;
mod tool_adapt;
