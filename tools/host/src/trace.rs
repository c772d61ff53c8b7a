//! Where a tool crashed: the innermost of its functions, for its author and the operator's log.
//!
//! The names come from the component, so they are a stranger's words: cut, on one line, and never shown to a model, which
//! could do nothing with them.

use std::num::NonZeroUsize;

use rustc_demangle::try_demangle;
use wasmtime::{FrameInfo, WasmBacktrace};

use crate::offers::shown;

/// Frames that the engine keeps of a crash. Below the tool's own functions there may be a dozen that belong to panics.
pub(crate) const FRAMES_KEPT: NonZeroUsize = NonZeroUsize::new(48).expect("it is not zero");
/// Functions in one trace: a bug is where it crashed or near.
const FUNCTIONS_MAX: usize = 8;
/// Characters of one name. Generic functions have endless ones.
const NAME_CHARS_MAX: usize = 96;

/// Where the languages keep what stands around the code of a tool: panics, memory, formatting, entry points.
const GLUE: [&str; 14] = [
    "std::",
    "core::",
    "alloc::",
    "dlmalloc::",
    "__rust",
    "_rust",
    "rust_",
    "__rg_",
    "__rdl_",
    "abort",
    "__wbindgen",
    "wit_bindgen::",
    "cabi_",
    "playhouse:tool/",
];

/// The innermost functions of the tool when `error` happened, outwards: `tool::parse (0x1f3a) < tool::run (0x2b01)`. Where the
/// compiler made one of all of them: what the host called. `None` if nothing ran.
pub(crate) fn trace(error: &wasmtime::Error) -> Option<String> {
    let frames = error.downcast_ref::<WasmBacktrace>()?.frames();
    let written = written(frames.iter().map(|frame| (name(frame), frame.module_offset())));
    (!written.is_empty()).then_some(written)
}

fn name(frame: &FrameInfo) -> String {
    // Without the hash that the compiler adds: two builds have two.
    let plain = |name: &str| try_demangle(name).map_or_else(|_| name.to_owned(), |name| format!("{name:#}"));
    // A stripped component has no names, but an order.
    frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), plain)
}

/// Names with places, innermost first, in one line.
fn written(frames: impl DoubleEndedIterator<Item = (String, Option<usize>)> + Clone) -> String {
    let mut functions: Vec<(String, Option<usize>, usize)> = Vec::new();
    let called = frames.clone().next_back();
    let mut own = frames.filter(|(name, _)| !is_glue(name)).peekable();
    let called = called.filter(|_| own.peek().is_none());
    let mut own = own.chain(called);
    let is_more = loop {
        let Some((name, place)) = own.next() else { break false };
        let is_full = functions.len() == FUNCTIONS_MAX;
        match functions.last_mut() {
            // A function that had no room for its frame has no place yet.
            Some((last, known, times)) if *last == name => (*known, *times) = (known.or(place), *times + 1),
            _ if is_full => break true,
            _ => functions.push((name, place, 1)),
        }
    };
    let one = |(name, place, times): (String, Option<usize>, usize)| {
        let place = place.map_or_else(String::new, |place| format!(" ({place:#x})"));
        let times = if times > 1 { format!(" {times} times") } else { String::new() };
        format!("{}{place}{times}", cut(&name))
    };
    let parts = functions.into_iter().map(one).chain(is_more.then(|| "…".to_owned()));
    parts.collect::<Vec<_>>().join(" < ")
}

/// Whether a function belongs to the language and not to the tool: by its path, or by the type it is about
/// (`<alloc::vec::Vec<T> as …>::drop`).
fn is_glue(name: &str) -> bool {
    let path = name.trim_start_matches(['<', '&', '[']);
    GLUE.iter().any(|glue| path.starts_with(glue))
}

fn cut(name: &str) -> String {
    let name = shown(name);
    match name.char_indices().nth(NAME_CHARS_MAX) {
        None => name,
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> String {
        written(names.iter().map(|name| ((*name).to_owned(), None)))
    }

    #[test]
    fn what_belongs_to_the_language_is_left_out_unless_there_is_nothing_else() {
        let names = [
            "__rust_start_panic",
            "std::panicking::begin_panic_handler",
            "core::panicking::panic_fmt",
            "<alloc::vec::Vec<T> as core::ops::index::Index<I>>::index",
            "tool::parse",
            "<tool::Expression as core::str::FromStr>::from_str",
            "std_lib_of_mine",
            "playhouse:tool/tool@1.0.0#call",
        ];
        assert_eq!(
            of(&names),
            "tool::parse < <tool::Expression as core::str::FromStr>::from_str < std_lib_of_mine"
        );
        assert_eq!(of(&names[..3]), "core::panicking::panic_fmt");
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn a_trace_is_bounded_in_functions_and_in_bytes() {
        let names: Vec<String> = (0..1_000).map(|n| format!("{n}{}", "é".repeat(1_000))).collect();
        let trace = of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(trace.ends_with(" < …") && trace.matches(" < ").count() == FUNCTIONS_MAX, "{trace}");
        assert!(trace.len() < FUNCTIONS_MAX * (NAME_CHARS_MAX + 8) * 2, "{} bytes", trace.len());
    }

    #[test]
    fn a_function_that_calls_itself_is_one_part() {
        assert_eq!(of(&["a", "b", "b", "b", "a"]), "a < b 3 times < a");
    }

    #[test]
    fn names_stay_on_one_line_and_paint_nothing() {
        assert_eq!(of(&["a\n2026 ERROR b\x1b[8m\u{202e}c"]), "a 2026 ERROR b [8m c");
    }
}
