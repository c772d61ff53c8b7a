//! The attribute `#[tool]` of `playhouse-tool`; see there.
//!
//! ```text
//!   #[tool(effect = "pure")] fn greet(…) ──▶ options: what the attribute says
//!                                          ├ function: name, description, arguments, result
//!                                          └ write: fn greet, struct Greet, impl Tool for Greet, export!(Greet)
//! ```
//!
//! Everything that can be wrong is said at the place where it is.

mod function;
mod options;
mod write;

use proc_macro::TokenStream;
use syn::parse_macro_input;

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
/// [`Tool`](../playhouse_tool/trait.Tool.html), and its export from the component.
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
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as options::Options);
    let item = parse_macro_input!(item as syn::ItemFn);
    let written = function::Function::read(item, &options).map(|function| write::tool(&function, &options));
    written.unwrap_or_else(|wrong| wrong.to_compile_error()).into()
}
