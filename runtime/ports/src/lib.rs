//! What the runtime needs from the world, as traits. Adapters implement them; the actors hold them as
//! `Arc<dyn …>`. Nothing here knows a socket, a file or an engine.
//!
//! `Journal` and `Context` come with suites in `playhouse-testkit` that each adapter must pass.

mod clock;
mod context;
pub mod crash;
pub mod egress;
mod journal;
mod model;
mod tools;

pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use journal::{Batch, HeldLane, Journal, JournalError, Submission};
pub use model::{ChatModel, Delta, Deltas, no_deltas};
pub use tools::{AnswerCheck, ToolAnswer, ToolBox, ToolCaller, ToolForm, ToolQuestion, nobody};
