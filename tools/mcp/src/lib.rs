//! Tools of servers that speak the Model Context Protocol, as a [`ToolBox`](playhouse_ports::ToolBox).
//!
//! ```text
//!   ToolBox ─▶ McpServer ─▶ shelf: allowed? pinned? ─▶ Link ─▶ rmcp ─▶ Guard ─▶ Frames ─▶ child process
//!              (the handle)                            (one life)       bounds  └──────▶ HTTP
//! ```
//!
//! A server is a stranger's program. It gets a cleaned environment, limits, and as much of the file system as it was
//! granted; what it says is bounded before it is parsed; its tools are `once` and denied until somebody says otherwise;
//! and a tool that changed after it was approved is closed. Its death is an event: [`McpServer::run`] returns, and a
//! supervisor calls it again.
//!
//! Not here: which agent may use which tool (the planner and the policy decide), retries of calls (the task machine),
//! restarts without end (the supervisor), OAuth, and roots: a server is told of no folder of ours.

mod approvals;
mod bounds;
mod call;
mod client;
mod config;
mod definition;
mod desk;
mod error;
mod fault;
mod form;
mod frames;
#[doc(hidden)]
pub mod fuzz;
mod guard;
mod http;
mod library;
mod life;
mod link;
mod pages;
mod pins;
mod process;
mod reading;
mod result;
mod sampling;
mod schema;
mod server;
mod shelf;
mod template;
mod toolbox;
mod words;

pub use approvals::Approvals;
pub use call::EFFECT_ID_META;
pub use config::{ProcessLimits, Sampling, ServerConfig, Text};
pub use error::{ApproveError, ConfigError, PinsError, ServerExit};
pub use library::{Prompt, PromptArgument, PromptMessage, Resource};
pub use server::{ChangedTool, McpServer, ServerStatus};
pub use toolbox::{McpOptions, McpToolBox};
