//! Scripted models, in-memory journals and one conformance suite per port.

mod agent;
mod clock;
mod journal;
mod model;
pub mod suites;
mod tools;

pub use agent::agent;
pub use clock::TokioClock;
pub use journal::MemoryJournal;
pub use model::{ScriptedModel, answer, call_tool, call_tools};
pub use tools::FnTools;
