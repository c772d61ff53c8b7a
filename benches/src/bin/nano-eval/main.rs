//! How good the shipped model is, played out in our own runtime.
//!
//! Each case is a short conversation with the shipped `assistant` agent: a real house in a folder of its own,
//! the sandboxed tools, the local model in its worker process. Nothing is forced: the model writes every call
//! and every answer itself, and later turns build on what it wrote in earlier ones. A case passes when, in
//! every turn, the journal shows exactly the expected calls (none refused) and the answer holds what it must.
//!
//! Printed per file and kind: cases, passed, share; then the file's share beside its floor. Below a floor the
//! program ends with status 1.
//!
//! What the figures are not: a measure of a model's wit. The cases are synthetic sentences about three tools,
//! made by the program that made the training text (with words and numbers kept out of it), so they compare
//! this model with itself: before and after a change of weights, template, sampling or runtime. They are not
//! comparable with public benchmarks, and a model that would call a tool differently but well (`a*b` for
//! `a * b`) counts as wrong. Episodes per second depend on what else the machine does.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

mod cases;
mod groups;
mod judge;
mod play;
mod report;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Parser;

use crate::report::Report;

/// The files of cases, and the least share of each that must pass, in percent.
const FILES: [(&str, f64); 3] = [("operands", 95.0), ("phrasings", 80.0), ("refusals", 90.0)];

/// Plays the shipped model through its evaluation cases.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of `operands.jsonl`, `phrasings.jsonl` and `refusals.jsonl`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/model-llama/nano/cases"))]
    cases: PathBuf,
    /// Play only this many cases of each file, spread evenly over it.
    #[arg(long)]
    limit: Option<usize>,
    /// Show this many failed cases of each file.
    #[arg(long, default_value_t = 3)]
    failures: usize,
    /// Conversations at once.
    #[arg(long, default_value_t = 8)]
    at_once: usize,
    /// Another GGUF file instead of the shipped model.
    #[arg(long)]
    model: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    playhouse_assembly::worker_entry();
    let args = Args::parse();
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let good = tokio.block_on(evaluate(&args))?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays every file; whether all floors are met.
async fn evaluate(args: &Args) -> Result<bool> {
    let mut report = Report::begin();
    for (name, floor) in FILES {
        let cases = cases::read(&args.cases.join(format!("{name}.jsonl")))?;
        let cases = cases::spread(cases, args.limit);
        let played = play::all(cases, args.at_once, args.model.as_deref()).await?;
        report.file(name, floor, &played, args.failures);
    }
    Ok(report.end())
}
