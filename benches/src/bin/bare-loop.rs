//! The floor of `thousand-tasks`, with the system's allocator: see [`playhouse_benches::thousand_tasks`].

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    playhouse_benches::thousand_tasks::main()
}
