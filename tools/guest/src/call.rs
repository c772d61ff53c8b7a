//! What a tool is, and how one is called: parse, call, print.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{About, Error, Result};

/// What a tool author implements; [`tool`](macro@crate::tool) does it for a function.
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
    fn call(input: Self::Input) -> Result<Self::Output>;
}

/// A tool that can be asked about its calls: effect `checkable`.
pub trait Checkable: Tool {
    /// Whether the call with this effect id took effect: its result if so, nothing if it certainly did not. Asked after a
    /// crash, in a fresh instance, with the grants of that call.
    ///
    /// # Errors
    /// It cannot be said, and why.
    fn did_it_happen(effect_id: &str) -> Result<Option<Self::Output>>;
}

/// Runs a tool on JSON text, as the host will. This is also the way to test one natively.
///
/// # Errors
/// What [`Tool::call`] returns; [`InvalidInput`](crate::Kind::InvalidInput) if `arguments` do not parse as
/// [`Tool::Input`].
pub fn run<T: Tool>(arguments: &str) -> Result<String> {
    let input = read(arguments)
        .map_err(|wrong| Error::invalid_input(format!("the arguments do not fit: {wrong}")))?;
    print(&T::call(input)?)
}

/// To JSON Schema `3.0` is an integer, and to serde it is none: what is refused is read once more with `3`.
fn read<I: DeserializeOwned>(arguments: &str) -> serde_json::Result<I> {
    serde_json::from_str(arguments)
        .or_else(|wrong| serde_json::from_str(&without_points(arguments)).map_err(|_| wrong))
}

/// The same JSON with `3` in the place of `3.0`: so the host writes whole numbers that were given with a fraction. By its
/// letters, since a parser for this would make each component larger by 8 KB.
fn without_points(json: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(json.len()), json);
    let (mut in_string, mut is_escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        let goes_on = |c: char| c.is_ascii_digit() || c == 'e' || c == 'E';
        let behind = rest.strip_prefix(".0").filter(|behind| !in_string && !behind.starts_with(goes_on));
        if let Some(behind) = behind {
            rest = behind;
            continue;
        }
        in_string ^= c == '"' && !is_escaped;
        is_escaped = in_string && c == '\\' && !is_escaped;
        text.push(c);
        rest = &rest[c.len_utf8()..];
    }
    text
}

/// Asks a tool about a call, as the host will: the result as JSON text.
///
/// # Errors
/// What [`Checkable::did_it_happen`] returns.
pub fn did_it_happen<T: Checkable>(effect_id: &str) -> Result<Option<String>> {
    T::did_it_happen(effect_id)?.as_ref().map(print).transpose()
}

fn print(output: &impl Serialize) -> Result<String> {
    serde_json::to_string(output).map_err(|wrong| Error::failed(format!("the result is not JSON: {wrong}")))
}

/// Exports a [`Tool`] from this component: `export!(Greet)`; one that can be asked with `export!(Pay, checkable)`. Write it
/// once, beside the `impl`; [`tool`](macro@crate::tool) does it by itself.
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

            $crate::bindings::export_tool!(Exported with_types_in $crate::bindings);
        };
    };
    ($tool:ident, checkable) => {
        $crate::export!($tool);

        // Generated here and not in the kit: whatever embeds this interface must export it, so only those who want to
        // may have it in them. The text is that of the contract.
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic, reason = "generated from the WIT")]
        mod __checkable {
            $crate::wit_bindgen::generate!({
                inline: "package playhouse:tool@1.0.0;
                    interface checkable { did-it-happen: func(effect-id: string) -> result<option<string>, string>; }
                    world asked { export checkable; }",
                runtime_path: "::playhouse_tool::wit_bindgen::rt",
            });

            struct Exported;

            impl exports::playhouse::tool::checkable::Guest for Exported {
                fn did_it_happen(effect_id: String) -> Result<Option<String>, String> {
                    $crate::did_it_happen::<super::$tool>(&effect_id).map_err(|wrong| wrong.message)
                }
            }

            export!(Exported);
        }
    };
}
