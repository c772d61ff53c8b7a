//! Finds the tool calls in what a model wrote: the Hermes form, which Qwen and many others share.
//!
//! ```text
//!  I will look that up.
//!  <tool_call>
//!  {"name": "lookup", "arguments": {"key": "tariff"}}
//!  </tool_call>
//! ```
//!
//! Models misspell. Whatever is between the markers becomes a call if a name can be found in it at all: with
//! arguments that are JSON, or with the raw text and the parser's complaint, which goes back to the model. Only
//! what has no name stays text, with a [`Note`]. Nothing here is an error, and nothing is lost.
//!
//! [`Splitter`] works on a stream and [`parse_reply`] runs it over the whole: what was streamed and what
//! the reply says are the same by construction.

mod call;
mod splitter;

use playhouse_core::message::ToolCall;

pub(crate) use splitter::{CALL_CLOSE, CALL_OPEN, Part, Splitter};

/// A reply taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// What is not a call, trimmed.
    pub content: String,
    /// The calls, in order; ids are `call_0`, `call_1`, …
    pub calls: Vec<ToolCall>,
    /// What looked like a call and was not.
    pub notes: Vec<Note>,
}

/// Something in a reply that could not be read as it was probably meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Text between call markers without a tool's name; it is kept in the content.
    NamelessCall,
}

/// Takes a complete reply apart.
pub fn parse_reply(text: &str) -> Parsed {
    let mut splitter = Splitter::new(true);
    let mut parts = splitter.push(text);
    parts.extend(splitter.finish());
    collect(parts)
}

/// Puts streamed parts together to what [`parse_reply`] gives for the whole text.
pub(crate) fn collect(parts: impl IntoIterator<Item = Part>) -> Parsed {
    let mut parsed = Parsed::default();
    for part in parts {
        match part {
            Part::Text(text) => parsed.content.push_str(&text),
            Part::Call { name, arguments, .. } => {
                let id = format!("call_{}", parsed.calls.len());
                parsed.calls.push(ToolCall { id, name, arguments });
            }
            Part::Note(note) => parsed.notes.push(note),
        }
    }
    parsed
}

#[cfg(test)]
mod tests;
