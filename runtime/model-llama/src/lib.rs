//! A [`ChatModel`] over llama.cpp, in a child process that may die.
//!
//! llama.cpp is C++: a bad model file or a grammar without a legal continuation ends its *process*. So it gets
//! one of its own. The child is this same binary, started once more with an environment variable set:
//!
//! ```text
//!  callers ──chat──▶ Llama ──frames over one socket──▶ child: reader ─▶ engine (owns the context) ─▶ writer
//!            ◀─────────┘   ◀── deltas, replies, errors ──────────────────────────────────────────────────┘
//!                      │
//!  supervisor ─run()───┘   ends when the child does, says why; run() again and the same handle works again
//! ```
//!
//! A crash costs the calls that were in flight (`ModelErrorKind::Crashed`, retryable) and the keys and values of
//! every conversation, nothing else: each reply carries the exact tokens the model wrote, in
//! `Assistant::provider`, so the next turn rebuilds the same token list and only has to evaluate it again.
//!
//! Use:
//!
//! ```ignore
//! fn main() {
//!     playhouse_model_llama::worker_entry();             // first line: becomes the worker when started as one
//!     // …
//!     let llama = Llama::open("nano", LlamaConfig::new("nano.gguf"), Worker::this_binary()?)?;
//!     tokio::spawn({ let llama = llama.clone(); async move { loop { eprintln!("{}", llama.run().await) } } });
//!     let reply = llama.chat(request, no_deltas()).await?;
//! }
//! ```
//!
//! What is not here: no restart policy (the supervisor's), no retry (the router's), no window over the history
//! (the planner's), no checking of tool arguments (the tool box's).
//!
//! [`ChatModel`]: playhouse_ports::ChatModel

mod config;
mod engine;
mod gguf;
mod grammar;
mod handle;
mod link;
mod parse;
mod process;
mod prompt;
mod serve;
mod template;
mod wire;
mod worker;

pub use config::{LlamaConfig, StartError};
pub use gguf::{GgufError, GgufProblem, GgufSummary};
pub use handle::Llama;
pub use parse::{Note, Parsed, parse_reply};
pub use process::{Worker, WorkerCommand, WorkerExit};
pub use worker::{WORKER_ENV, worker_entry};
