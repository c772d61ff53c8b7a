//! May this tool do that? Decisions about what a tool reaches over HTTP, as functions over plain data.
//!
//! ```text
//!   text ──▶ Target ──┐
//!                     ├─▶ Allowed::decide ─▶ Decision ─▶ Reach ─▶ may this address be connected to?
//!   HttpGrant ─▶ Allowed (of each party)          └─▶ a sentence for people
//! ```
//!
//! Nothing here resolves a name, opens a socket or reads a clock. Who performs a request asks at every hop, and
//! asks [`Reach::admits`] about every address before connecting to it.

mod address;
mod decision;
mod grant;
mod headers;
mod leak;
mod metadata;
mod origin;
mod path;
mod rule;
mod target;

pub use address::{Class, address_class};
pub use decision::{Decision, Denial, Reach, Unreachable};
pub use grant::{Allowed, BadGrant, RULES_MAX};
pub use headers::{BadHeader, HEADER_BYTES_MAX, HEADERS_MAX, check_headers};
pub use leak::{Leaks, SECRET_BYTES_MIN, TooShort};
pub use origin::{BadOrigin, Origin};
pub use rule::{BadRule, METHODS, PATHS_MAX};
pub use target::{BadUrl, Target, URL_BYTES_MAX};
