//! Makes a tool of a component that speaks WASI, without a host that speaks WASI.
//!
//! ```text
//!   playhouse:tool/{http, clock, random, log}          as far as the component asks for what needs them
//!        │
//!     adapter ──wasi:*──▶ the component ──wasi:http/incoming-handler──▶ front ──▶ playhouse:tool/tool
//!        └──────────────────────── one question, one answer ─────────────┘
//! ```
//!
//! The result is one component that holds the other one as it was, byte for byte, between parts that were built with this
//! crate (`tools/builtin/wasi`). What it imports is what the host is asked for: a component that makes no requests gives a
//! tool that cannot, though the adapter could. A component that exports the contract itself needs no front.
//!
//! Nothing here runs a component, and no engine is linked.

mod about;
mod compose;
mod error;
mod given;
mod look;
mod origin;
mod parts;

pub use about::Label;
pub use compose::{Adapted, adapt};
pub use error::AdaptError;
pub use given::is_given;
pub use origin::{Origin, origin};
