//! The host and its guests, through the port that the runtime uses.
//!
//! - `shipped`: the tools we ship do what they say, and are what the lock says.
//! - `loading`: what is refused before it runs.
//! - `arguments`: what a model gets wrong.
//! - `bodies`: how much a guest hands over at once.
//! - `reaching`, `asking`: what a call is given of the world, and of the model; how much of it.
//! - `hostile`: guests that mean harm, and a host that survives.
//! - `escape`: a corpus of everything else that was thought of, and a table of what became of it.
//! - `fuzz`: the fuzz targets, without a fuzzer.
//! - `traces`: what the log says of a crash.
//! - `keeping`: the cache of compiled code and the call log.

mod arguments;
mod asking;
mod bodies;
mod escape;
mod fuzz;
mod hostile;
mod keeping;
mod loading;
mod reaching;
mod shipped;
mod support;
mod traces;

/// These run in this process; `tests/isolated` has them again, in others.
fn isolation() -> playhouse_tools_host::Isolation {
    playhouse_tools_host::Isolation::Thread
}
