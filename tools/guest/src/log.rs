//! Capability `log`: lines for the operator's log; the model does not see them. Lines beyond the limit of the call are
//! dropped and counted. Every tool may have it.

use crate::wire::log::{Level, write};

/// What helps to find a bug.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// What an operator may want to know.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// What an operator should look at some day.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// What an operator has to look at.
pub fn error(message: &str) {
    write(Level::Error, message);
}
