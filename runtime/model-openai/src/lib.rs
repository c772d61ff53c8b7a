//! [`ChatModel`](playhouse_ports::ChatModel) over OpenAI-compatible chat completions.
//!
//! ```text
//!   ChatRequest ─► request ─► client ─► provider
//!                                          │ bytes
//!      Deltas ◄─ accumulate ◄─ sse ◄───────┘        every wait: `wait`, every failure: `failure`
//!       Reply ◄──────┘
//! ```
//!
//! The modules in the middle (`request`, `sse`, `accumulate`, `advice`, `failure`) are pure; `call` holds
//! all the awaiting and `client` the one `reqwest` client. A reply that comes whole is fed to the
//! accumulator as a single chunk, so there is one path from bytes to reply.
//!
//! What holds for every call:
//!
//! - One request, no retries, no redirects: the task machine is the only retry loop.
//! - Four timeouts, each with a name that its error repeats; dropping the future closes the connection.
//! - Memory is bounded by `max_line_bytes` and `max_reply_bytes`, whatever the provider sends.
//! - The key appears in one header and nowhere else; errors are searched for it before they leave.
//!
//! TLS is rustls with ring; certificates are judged by the platform (on Linux the system's CA bundle, or
//! `SSL_CERT_FILE` and `SSL_CERT_DIR`). An `http://` endpoint loads no certificates at all.

mod accumulate;
mod advice;
mod call;
mod check;
mod client;
mod config;
mod failure;
mod request;
mod secret;
mod sse;
mod wait;

pub use accumulate::{Accumulator, Incomplete};
pub use call::OpenAi;
pub use check::ConfigError;
pub use config::{MaxTokensField, Omit, OpenAiConfig, Timeouts};
pub use secret::Secret;
