//! The program `playhouse`.

use std::process::ExitCode;

/// Half as many steps again per second as with glibc's, in as much memory, and what is idle goes back to the system:
/// decision 0010.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Before anything else: this process may have been started to be a model's worker.
    playhouse_assembly::worker_entry();
    playhouse_daemon::main()
}
