//! The host and its guests, through the port that the runtime uses.
//!
//! - `shipped`: the tools we ship do what they say, and are what the lock says.
//! - `loading`: what is refused before it runs.
//! - `arguments`: what a model gets wrong.
//! - `hostile`: guests that mean harm, and a host that survives.
//! - `keeping`: the cache of compiled code and the call log.

mod arguments;
mod hostile;
mod keeping;
mod loading;
mod reaching;
mod shipped;
mod support;
