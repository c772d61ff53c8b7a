//! What a phase measures of itself, and how it tells the process that started it: one line of JSON.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::cost;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The figures of one phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Phase {
    /// Answers that are right.
    pub(crate) correct: usize,
    /// What the first wrong one was.
    pub(crate) wrong: Option<String>,
    /// From the first submission to the last answer.
    pub(crate) wall: Duration,
    /// The same stretch, in processor time of all threads.
    pub(crate) cpu: Duration,
    /// Resident before the first submission, in kilobytes.
    pub(crate) before_kb: u64,
    /// Resident at most, in kilobytes.
    pub(crate) peak_kb: u64,
    /// Records written to the journal.
    pub(crate) records: u64,
}

/// A measurement under way.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    cpu: Duration,
    before_kb: u64,
}

impl Stopwatch {
    /// Begins now.
    pub(crate) fn start() -> Result<Self> {
        let before_kb = cost::memory()?.now_kb;
        Ok(Self { before_kb, cpu: cost::cpu(), began: Instant::now() })
    }

    /// Ends now, with what each task answered (or why it did not) and how many records it wrote.
    pub(crate) fn stop(self, results: &[Result<u64, String>]) -> Result<Phase> {
        let (wall, cpu) = (self.began.elapsed(), cost::cpu() - self.cpu);
        Ok(Phase {
            correct: results.iter().filter(|result| result.is_ok()).count(),
            wrong: results.iter().find_map(|result| result.as_ref().err().cloned()),
            wall,
            cpu,
            before_kb: self.before_kb,
            peak_kb: cost::memory()?.peak_kb,
            records: results.iter().flatten().sum(),
        })
    }
}

/// Tells the parent.
pub(crate) fn report(phase: &Phase) -> Result<ExitCode> {
    println!("{}", serde_json::to_string(phase)?);
    Ok(ExitCode::SUCCESS)
}
