//! The tests of `tests/it` once more, with guests in worker processes; and what only there can happen.
//!
//! - `workers`: a worker that dies, hangs or is stopped costs its own call; and what it holds.
//! - `hostile_worker`: one that is taken over.
//! - `receipts`: what a call came to is the same wherever it ran.

#[path = "../it/arguments.rs"]
mod arguments;
#[path = "../it/asking.rs"]
mod asking;
#[path = "../it/bodies.rs"]
mod bodies;
#[path = "../it/escape/mod.rs"]
mod escape;
#[path = "../it/hostile.rs"]
mod hostile;
mod hostile_worker;
#[path = "../it/keeping.rs"]
mod keeping;
#[path = "../it/loading.rs"]
mod loading;
#[path = "../it/reaching.rs"]
mod reaching;
mod receipts;
#[path = "../it/shipped.rs"]
mod shipped;
#[path = "../it/support.rs"]
mod support;
#[path = "../it/traces.rs"]
mod traces;
mod workers;

use playhouse_tools_host::{Isolation, WorkerCommand};

fn isolation() -> Isolation {
    Isolation::Process(WorkerCommand::new(env!("CARGO_BIN_EXE_playhouse-tool-worker")))
}
