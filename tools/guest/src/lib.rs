//! Write a Playhouse tool in Rust: a function is a tool.
//!
//! ```
//! use playhouse_tool::{Error, tool};
//!
//! /// Greets somebody by name, for example `Ada`.
//! #[tool(effect = "pure")]
//! fn greet(
//!     /// Whom to greet
//!     who: String,
//! ) -> Result<String, Error> {
//!     if who.trim().is_empty() {
//!         return Err(Error::invalid_input("`who` is blank: give a name, for example `Ada`"));
//!     }
//!     Ok(format!("Hello, {who}!"))
//! }
//!
//! assert_eq!(playhouse_tool::run::<Greet>(r#"{"who": "Ada"}"#).unwrap(), r#""Hello, Ada!""#);
//! ```
//!
//! That is the whole tool: its name is the name of the function, its description the doc comment, its schemas follow from
//! the types, its version is that of the crate. Build it as a `cdylib` for `wasm32-unknown-unknown` and make a component
//! of it. All of it is in [`macro@tool`]; [`Tool`] and [`export!`] are the same by hand.
//!
//! ```text
//!   model ──"{"who":"Ada"}"──▶ host ──▶ your component: parse → your function → print ──▶ host ──▶ model
//!                               ▲                              │
//!                               └── only the capabilities ─────┘  (modules of this crate)
//!                                   that were granted
//! ```
//!
//! # Capabilities
//!
//! There is one module for each, and *using is importing*: a component that calls [`http::get`] imports
//! `playhouse:tool/http` and is refused by a host that does not grant it; one that calls nothing imports nothing. Say
//! what it is for with `wants(http = "reads api.example.com")`.
//!
//! | module | what | granted |
//! |---|---|---|
//! | [`context`], [`progress`], [`log`], [`clock`], [`random`] | this call, and time | to every tool |
//! | [`kv`] | a table | by name; reading and writing apart |
//! | [`files`] | folders | by name; reading and writing apart |
//! | [`http`], [`secrets`] | requests; secrets that are used and never seen | by name |
//! | [`tools`], [`model`] | other tools; a model | by name |
//!
//! Their errors are [`Error`]s, so `?` is all there is to do.
//!
//! There is nothing else in here: `std` compiles, but its clock, randomness, file system and environment fail at run time,
//! because nothing was imported for them.
//!
//! # Tests
//!
//! The function runs natively, so its tests need no WebAssembly at all. Capabilities are answered by a
//! [`testing::Host`] that the test sets up.

mod about;
#[doc(hidden)]
pub mod bindings;
mod call;
pub mod clock;
pub mod context;
mod error;
pub mod files;
pub mod http;
pub mod kv;
pub mod log;
#[cfg(target_arch = "wasm32")]
mod memory;
pub mod model;
pub mod progress;
pub mod random;
pub mod schema;
pub mod secrets;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod tools;

#[cfg(target_arch = "wasm32")]
pub(crate) use bindings::playhouse::tool as wire;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use testing::answers as wire;

pub use about::{About, Effect};
pub use call::{Checkable, Tool, did_it_happen, run};
pub use error::{Error, Kind, Result};
/// Makes a tool of a function.
///
/// ```
/// use playhouse_tool::{Error, tool};
///
/// /// Adds whole numbers, for example 2 and 3.
/// #[tool(effect = "pure")]
/// fn add(
///     /// The first
///     a: i64,
///     /// The second; 1 if it is not given
///     b: Option<i64>,
/// ) -> Result<i64, Error> {
///     a.checked_add(b.unwrap_or(1)).ok_or_else(|| Error::invalid_input("the sum is too large: stay below 9e18"))
/// }
///
/// assert_eq!(playhouse_tool::run::<Add>(r#"{"a": 2, "b": 3}"#).unwrap(), "5");
/// ```
///
/// The function stays as it is. Beside it comes a type of its name in `CamelCase`, which is the
/// [`Tool`], and its export from the component.
///
/// | of the tool | comes from |
/// |---|---|
/// | name | the function, or `name = "…"` |
/// | version | the crate, or `version = "…"` |
/// | description | the doc comment |
/// | arguments | the parameters with their doc comments, and `#[serde(…)]` and `#[schemars(…)]` on them; or, if there is one that is called `input`, its type, which must implement `Deserialize` and `JsonSchema` |
/// | result | the type that is returned, or the first of `Result<…>`; it must implement `Serialize` and `JsonSchema` |
/// | effect | `effect = "pure"`, `"idempotent"`, `"checkable"` or `"once"`; undeclared is `once` |
/// | wishes | `wants(http = "reads api.example.com", kv_write = "remembers what was read")` |
///
/// A `checkable` tool names the function that is asked whether a call happened, `did_it_happen = paid`:
/// `fn paid(effect_id: &str) -> Result<Option<Output>, Error>`.
pub use playhouse_tool_macros::tool;
pub use serde_json::json;

/// What the macros need, whatever the tool itself depends on.
#[doc(hidden)]
pub use {schemars, serde, serde_json, wit_bindgen};
