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
/// Bytes of a text that goes to stdin: a document, and more than most models write at once.
pub(crate) const STDIN_BYTES_MAX: usize = 128 * 1024;
/// Bytes of one message between daemon, keeper and init: arguments, stdin, variables and paths, of which JSON may make six
/// times as many.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 2 << 20;
/// Calls of one command that wait for a place.
pub(crate) const WAITING_MAX: usize = 64;
/// Setting up and taking down takes milliseconds; a machine that swaps takes longer.
pub(crate) const KEEPER_WAIT: Duration = Duration::from_secs(10);
/// What was killed is gone in milliseconds; a process in the middle of a disk access takes longer.
pub(crate) const KILL_WAIT: Duration = Duration::from_secs(2);
/// So often the keeper looks how much memory there is in use. Meanwhile it can grow by what the machine can fill: some 100
/// MiB for each CPU.
pub(crate) const MEMORY_REST: Duration = Duration::from_millis(50);
/// A look that took long is followed by a rest this many times as long: at most a tenth of a core, …
pub(crate) const MEMORY_REST_TIMES: u32 = 10;
/// … unless the rest would be longer than this: on a busy machine a look takes long, and a command may still grow.
pub(crate) const MEMORY_REST_MAX: Duration = Duration::from_millis(200);
/// So often the bytes in a folder are counted while a command may write to it. Meanwhile it can grow by what the disk takes.
pub(crate) const COUNT_REST: Duration = Duration::from_millis(250);
/// The same as [`MEMORY_REST_TIMES`], for large folders.
pub(crate) const COUNT_REST_TIMES: u32 = 10;
