//! Every limit on what a command may make us hold or wait for, in one place.

use std::time::Duration;

/// Bytes of stdout that a model is shown, from the beginning.
pub(crate) const STDOUT_BYTES_MAX: usize = 48 * 1024;
/// The same of stderr.
pub(crate) const STDERR_BYTES_MAX: usize = 8 * 1024;
/// Bytes that are read of either; after them the pipe is closed, which ends most programs.
pub(crate) const PIPE_BYTES_MAX: usize = 16 << 20;
/// Arguments of one call.
pub(crate) const ARGUMENTS_MAX: usize = 256;
/// Bytes of all arguments of one call.
pub(crate) const ARGUMENTS_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one message between daemon, keeper and init: arguments, variables and paths.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 1 << 20;
/// Calls of one command that wait for a place.
pub(crate) const WAITING_MAX: usize = 64;
/// Setting up and taking down takes milliseconds; a machine that swaps takes longer.
pub(crate) const KEEPER_WAIT: Duration = Duration::from_secs(10);
/// What was killed is gone in milliseconds; a process in the middle of a disk access takes longer.
pub(crate) const KILL_WAIT: Duration = Duration::from_secs(2);
