//! The real program, from outside: processes, signals, sockets, the shipped model and tools.

mod harness;

mod bad_input;
mod cli;
mod kill;
mod remote;
mod telemetry;
