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

/// Makes a tool of a function; described in `playhouse-tool`, through which it is used.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as options::Options);
    let item = parse_macro_input!(item as syn::ItemFn);
    let written = function::Function::read(item, &options).map(|function| write::tool(&function, &options));
    written.unwrap_or_else(|wrong| wrong.to_compile_error()).into()
}
