//! Planner, tool executor, memory and LLM backend: mailboxes and effects, no decisions.
//!
//! ```text
//!   Runtime (RuntimeApi) ─▶ Tasks ─▶ Planner ─▶ Pool of LlmBackend ─▶ ChatModel
//!                            │         │ └────▶ Pool of ToolExecutor ─▶ ToolBox
//!                            │         └──────▶ Memory ─▶ Context
//!                   Timers ──┘└── Ledger ─▶ Journal
//! ```
//!
//! Three rules of every actor here: the mailbox stays open (only a journal append is awaited; everything
//! slow is a job); write before you act (J1); every started job reports exactly once, even by panicking, and
//! dies with its actor.

mod catalog;
mod drain;
mod events;
mod ledger;
mod llm_backend;
mod memory;
mod planner;
mod planners;
mod pool;
mod promise;
mod questions;
mod runtime;
mod service;
mod services;
mod tasks;
mod timers;
mod tool_executor;
mod tree;

pub use catalog::{BadAgent, Catalog};
pub use runtime::{Problems, Runtime};
pub use service::{Run, show};
pub use tree::{Backend, Parts, Tree};
