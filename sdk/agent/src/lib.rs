//! The SDK: build an agent in Rust, and run it inside your program.
//!
//! The hello. The model is the tiny one that comes with the crate, in a child process; no key, no network:
//!
//! ```ignore
//! #[tokio::main]
//! async fn main() -> Result<(), playhouse::Error> {
//!     playhouse::worker_entry(); // first line: this program is also the worker of local models
//!     println!("{}", playhouse::ask("What is 15531 / 31?").await?);
//!     Ok(())
//! }
//! ```
//!
//! A tool is a typed function, an answer a typed value. Doc comments become descriptions for the model:
//!
//! ```ignore
//! /// Adds two whole numbers.
//! #[derive(Deserialize, JsonSchema)]
//! struct Add { a: i64, b: i64 }
//!
//! #[derive(Debug, Deserialize, JsonSchema)]
//! struct Sum { sum: i64 }
//!
//! let agent = Agent::builder("adder")
//!     .instructions("Add with the tool, never in your head.")
//!     .tool(tool("add", |Add { a, b }: Add| async move { Ok(a + b) }).pure())
//!     .returns::<Sum>()
//!     .build()?;
//! let Sum { sum } = agent.run("What is 2 + 3?").await?.typed()?;
//! ```
//!
//! From there:
//!
//! - [`Agent`]: instructions, tools, model, limits. [`Agent::run`] is for one question.
//! - [`Playhouse`]: agents that stay up, with a data directory that survives the process.
//! - [`AgentRef::session`]: a conversation of many turns. [`AgentRef::stream`]: events while they happen.
//! - [`Approval`], [`AgentBuilder::retry`], [`AgentBuilder::undo`]: who must agree, and what happens when a call fails.
//! - [`TaskRef`]: pause, decide, signal, fork, export; [`replay`] makes a recorded task a regression test.
//! - [`Tool`]: effect classes and errors that a model can act on.
//! - [`testing`]: a model that says what the test wrote down.
//!
//! Everything runs as in the daemon: supervised actors, every step journaled before it is acted on, bounded
//! queues. Not here: HTTP, configuration files beyond what [`Config::load`] reads, macros.

mod agent;
mod answer;
mod approval;
mod error;
mod house;
mod run;
mod schema;
mod session;
mod task;
mod tool;
mod toolbox;
mod travel;

pub use agent::{Agent, AgentBuilder};
pub use answer::Answer;
pub use approval::Approval;
pub use error::Error;
pub use house::{AgentRef, Playhouse, PlayhouseBuilder, ask, worker_entry};
pub use playhouse_api::{
    ApiError, ApiErrorKind, Caller, Export, ForkRequest, RuntimeApi, Submission, TaskEvent,
};
pub use playhouse_assembly::{BuildError, Config};
pub use playhouse_core::{
    agent::Limits,
    id::TaskId,
    model::{ModelError, ModelErrorKind, Sampling},
    policy::{OnUnknown, Retry},
    session::Session as History,
    task::{
        BadJournal, Decision, Divergence, Event, Record, Replayed, Status, TaskError, TaskErrorKind,
        TaskView, Wait, WaitView, Waiting,
    },
    tool::{EffectClass, Grant, ToolError, ToolErrorKind},
    window::WindowPolicy,
};
pub use playhouse_ports::ChatModel;
pub use run::Run;
pub use session::Session;
pub use task::TaskRef;
pub use tool::{Tool, ToolFailure, tool};
pub use travel::replay;

/// Doubles for tests: a scripted model, and the words to write its script with.
pub mod testing {
    pub use playhouse_core::{
        message::Message,
        model::{ChatRequest, Reply},
    };
    pub use playhouse_testkit::{ScriptedModel, answer, call_tool, call_tools};
}
