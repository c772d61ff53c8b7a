//! Tools as WebAssembly components, run on wasmtime.
//!
//! ```text
//!   load:  bytes ─▶ lock? ─▶ imports ⊆ grants? ─▶ compile or cache ─▶ describe() ─▶ ToolSpec, schemas
//!          (each arrow can refuse; a tool that is loaded can be called)
//!
//!   call:  request ─▶ grant ─▶ schema ─▶ permit ─▶ ┌─ here, then on own threads ─────────┐ ─▶ schema ─▶ output
//!                                                  │ log line, fresh instance, call()    │
//!                                                  │ deadline · fuel · memory · host calls │
//!                                                  └─────────────────────────────────────┘
//! ```
//!
//! What a tool may touch is what its component imports, and only granted interfaces are linked; a component that imports
//! anything else is refused before a line of it has run. WASI is not offered at all. Every call gets an instance of its
//! own, so nothing of one call is left in the next. A failure is classified by what the host saw (deadline passed, memory
//! refused, trap, output unfit), never by what the guest says about itself.
//!
//! Not here: which agent may use which tool (the planner and the policy decide), retries (the executor), and durability
//! (the journal). The host performs one call, once.

mod bindings;
mod cache;
mod call_log;
mod component;
mod config;
mod describe;
mod engine;
mod error;
mod executor;
mod explain;
#[doc(hidden)]
pub mod fuzz;
mod given;
mod guest;
mod heard;
mod imports;
mod inspect;
mod isolate;
mod limits;
mod lock;
mod meant;
mod offers;
mod powers;
mod ready;
mod sandbox;
mod secrets;
mod shelf;
mod tally;
mod toolbox;
mod trace;

pub use config::{Allow, Config, FolderConfig, Isolation, StoreConfig, Table, ToolConfig, WorkerCommand};
pub use error::LoadError;
pub use explain::{Question, Standing};
pub use inspect::{About, Import, Inspection, inspect, inspect_bytes};
pub use isolate::worker_entry;
pub use limits::{Limits, REQUEST_BYTES_MAX};
pub use secrets::{SecretHeader, SecretUse};
pub use toolbox::WasmToolBox;
