//! The task machine under test, through its one door: inputs in, events and effects out.
//!
//! - *Transcripts* (`answers`, `tools`, `limits`, `endings`, `resume`) show one life each, whole, as a
//!   snapshot that reads top to bottom: `>` what arrived, `+` what was journaled, `!` what must be done.
//! - *Properties* (`properties`) let a small `world` answer, lie, repeat itself and crash as it likes, and
//!   check the `invariants` J1 to J9 after every step.
//!
//! J6 (session order) is not kept by this machine but by [`crate::schedule`], and is tested there.

mod fixture;
mod run;
mod transcript;

mod answers;
mod endings;
mod limits;
mod resume;
mod tools;

mod approvals;
mod budgets;
mod checking;
mod children;
mod forking;
mod pausing;
mod replaying;
mod retries;
mod signals;
mod timers;
mod undoing;
mod verdicts;

mod bounds;
mod effects;
mod fair;
mod hostile;
mod invariants;
mod moves;
mod properties;
mod world;
