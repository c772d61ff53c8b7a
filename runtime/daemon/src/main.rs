//! The program `playhouse`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: this process may have been started to be a model's worker.
    playhouse_assembly::worker_entry();
    playhouse_daemon::main()
}
