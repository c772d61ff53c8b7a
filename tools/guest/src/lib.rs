//! Write a Playhouse tool in Rust.
//!
//! ```text
//!   model ──"{"who":"Ada"}"──▶ host ──▶ your component: parse → Tool::call → print ──▶ host ──▶ model
//!                               ▲                              │
//!                               └── only the capabilities ─────┘  (features of this crate: `kv`)
//!                                   that were granted
//! ```
//!
//! A tool is a type for the arguments, a type for the result, a function between the two, and a description that the
//! model reads. [`export!`] turns it into the exports of a component.
//!
//! ```
//! use playhouse_tool::{About, Error, Tool, json};
//! use serde::{Deserialize, Serialize};
//!
//! struct Greet;
//!
//! #[derive(Deserialize)]
//! struct Input { who: String }
//!
//! #[derive(Serialize)]
//! struct Output { greeting: String }
//!
//! impl Tool for Greet {
//!     type Input = Input;
//!     type Output = Output;
//!
//!     fn about() -> About {
//!         About::new("greet", "0.1.0", "Greets somebody by name.")
//!             .input(json!({"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}))
//!     }
//!
//!     fn call(input: Input) -> Result<Output, Error> {
//!         if input.who.is_empty() {
//!             return Err(Error::invalid_input("`who` is empty: give a name"));
//!         }
//!         Ok(Output { greeting: format!("Hello, {}!", input.who) })
//!     }
//! }
//!
//! playhouse_tool::export!(Greet);
//!
//! assert_eq!(playhouse_tool::run::<Greet>(r#"{"who": "Ada"}"#).unwrap(), r#"{"greeting":"Hello, Ada!"}"#);
//! ```
//!
//! Build it as a `cdylib` for `wasm32-unknown-unknown` and make a component of it. The function runs natively as well,
//! so its tests need no WebAssembly at all.
//!
//! There is no clock, no randomness, no file system and no environment in here: `std` compiles, but those parts of it
//! fail at run time, because nothing was imported for them.

mod about;
mod error;
#[cfg(feature = "kv")]
pub mod kv;
#[cfg(target_arch = "wasm32")]
mod memory;

pub use about::{About, Effect};
pub use error::{Error, Kind};
pub use serde_json::json;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a tool author implements.
pub trait Tool {
    /// The arguments, as the model writes them.
    type Input: DeserializeOwned;
    /// The result, as the model reads it.
    type Output: Serialize;

    /// How the tool introduces itself. Must be the same each time: the host pins a hash of it.
    fn about() -> About;

    /// Does the work. An [`Error`] goes back to the model, so its message should say what to do instead.
    ///
    /// # Errors
    /// Whatever the tool cannot do with these arguments.
    fn call(input: Self::Input) -> Result<Self::Output, Error>;
}

/// Runs a tool on JSON text, as the host will: parse, call, print. This is also the way to test one natively.
///
/// # Errors
/// What [`Tool::call`] returns; [`Kind::InvalidInput`] if `arguments` do not parse as [`Tool::Input`].
pub fn run<T: Tool>(arguments: &str) -> Result<String, Error> {
    let input = serde_json::from_str(arguments)
        .map_err(|wrong| Error::invalid_input(format!("the arguments do not fit: {wrong}")))?;
    let output = T::call(input)?;
    serde_json::to_string(&output)
        .map_err(|wrong| Error::internal(format!("the result is not JSON: {wrong}")))
}

/// Exports a [`Tool`] from this component. Write it once, beside the `impl`.
#[macro_export]
macro_rules! export {
    ($tool:ty) => {
        // Only a component exports: natively, two tools in one program would export the same names.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;

            impl $crate::bindings::Guest for Exported {
                fn describe() -> String {
                    <$tool as $crate::Tool>::about().to_json()
                }

                fn call(arguments: String) -> Result<String, $crate::bindings::ToolError> {
                    $crate::run::<$tool>(&arguments).map_err($crate::Error::into_wire)
                }
            }

    $crate::bindings::export_pure!(Exported with_types_in $crate::bindings);
        };
    };
}

/// The generated side of the contract. Public for [`export!`] only.
#[doc(hidden)]
#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated from tool.wit: the canonical ABI passes raw pointers"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit/v0",
        world: "playhouse:tool/pure",
        pub_export_macro: true,
        export_macro_name: "export_pure",
        default_bindings_module: "playhouse_tool::bindings",
    });
    pub use exports::playhouse::tool::tool::{ErrorKind, Guest, ToolError};
}
