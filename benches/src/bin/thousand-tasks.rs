//! A thousand tasks at once, beside a bare loop: see [`playhouse_benches::thousand_tasks`].

use std::process::ExitCode;

/// As in the program `playhouse`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<ExitCode> {
    playhouse_benches::thousand_tasks::main()
}
