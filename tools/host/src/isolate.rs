//! Guests in processes of their own, so that an abort of the engine costs one call.
//!
//! ```text
//!   here                                            worker: one call at a time, no file, no secret
//!   ┌──────────────────────────────────┐            ┌──────────────────────────────┐
//!   │ Guest: grants, secrets, counts,  │── Load ───▶│ engine, compiled code        │
//!   │ deadline, leak scan, digest      │── Run ────▶│ memory, table, stack, fuel   │
//!   │                                  │◀── Ask ────│ the guest calls its host     │
//!   │ the same host functions as ever  │── Answer ─▶│                              │
//!   │ time is up, nobody waits         │── Stop ───▶│ ended at its next tick       │
//!   │                                  │◀── Done ───│                              │
//!   └──────────────────────────────────┘            └──────────────────────────────┘
//! ```
//!
//! The cut is at the engine: what a guest asks of its host is a message, and is answered by the very functions that
//! answer guests in this process. So a worker that is taken over can ask no more than the guests whose calls it is given:
//! each frame is hostile until it is understood, each ask is held against what the component imports and the call is
//! given, and the first word that makes no sense ends the worker. One that does not end a call when it is told to is
//! killed.

mod asks;
#[cfg(target_os = "linux")]
mod filter;
mod pool;
mod process;
mod run;
mod seat;
mod serve;
pub(crate) mod wire;

pub(crate) use asks::Ask;
pub(crate) use pool::Pool;
pub(crate) use process::Code;
pub(crate) use serve::can_serve;
pub use serve::worker_entry;

/// When this environment variable is set, [`worker_entry`] turns the process into a worker.
const WORKER_ENV: &str = "PLAYHOUSE_TOOL_WORKER";
/// Components that a worker keeps loaded; beyond them, the one that was longest not called is forgotten.
const COMPONENTS_MAX: usize = 32;
