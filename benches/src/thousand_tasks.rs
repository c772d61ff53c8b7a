//! A thousand tasks at once, beside a bare loop that makes the same calls.
//!
//! ```text
//!  this program ──starts──▶ mock: a model that asks for `rounds` tool calls, then answers, and counts requests
//!       │                     ▲
//!       ├──starts──▶ bare-loop ┤  reqwest and serde_json, nothing else; the system's allocator
//!       ├──starts──▶ bare ─────┤  the same, with the allocator that `playhouse` has
//!       └──starts──▶ playhouse ┘  the whole runtime: model-openai, tools, journal on disk, supervision
//! ```
//!
//! Measured: processor time per task (`getrusage` of the phase's own process, from the first submission to the
//! last answer), wall time, records written to the journal per second, and the peak of resident memory over
//! the whole life of the phase's process (`VmHWM`). The mock and each phase are processes of their own, so
//! neither the mock nor the other phase is in any figure. Every answer is checked: it is a sum that only comes
//! out right when each tool's result found its way into the next request. The mock checks that each task made
//! exactly `rounds + 1` requests.
//!
//! What the ratio is not: the bare loop keeps nothing. It has no journal, no supervision, no limits, no
//! sandbox, no event stream; it is the floor below which no runtime can fall, not a rival. Wall time is not
//! comparable between machines, and on a machine that is busy not even between two rows. Memory is not
//! comparable between `--tool native` and `--tool wasm`.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

mod args;
mod bare;
mod mock;
mod parts;
mod phase;
mod playhouse;
mod script;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use self::{
    args::{Args, Part},
    parts::Parts,
    table::Table,
};

/// What both programs do: `thousand-tasks` has the allocator of the program `playhouse`, `bare-loop` the system's,
/// and is otherwise the same.
pub fn main() -> Result<ExitCode> {
    playhouse_assembly::worker_entry();
    let args = Args::parse();
    match &args.part {
        None => measure(&args),
        Some(Part::Mock) => {
            mock::serve(&args)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Prepare(place)) => {
            playhouse::prepare(&args, place)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Bare(place)) => phase::report(&bare::run(&args, place)?),
        Some(Part::Playhouse(place)) => phase::report(&playhouse::run(&args, place)?),
    }
}

/// All phases at both concurrencies, then the verdict.
fn measure(args: &Args) -> Result<ExitCode> {
    let parts = Parts::start(args)?;
    let mut table = Table::begin(args);
    for at_once in [args.concurrency.min(args.tasks), args.tasks] {
        if !args.in_process {
            table.bare("bare, its alloc", at_once, parts.measure("bare", at_once)?);
            table.bare("bare", at_once, parts.measure_plain(at_once)?);
        }
        table.playhouse(at_once, parts.measure("playhouse", at_once)?);
    }
    Ok(if table.verdict() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
