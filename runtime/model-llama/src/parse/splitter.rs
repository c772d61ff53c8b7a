//! Cuts a stream of text into plain text and calls, and never shows half a marker.
//!
//! ```text
//!   Text ──"<tool_call>"──▶ Call ──"</tool_call>" outside a JSON string──▶ Text
//! ```
//!
//! Two things are held back in `Text`: an end that may still become a marker, and white space, which is dropped
//! where it turns out to stand before a call or at the end.

use playhouse_core::message::Arguments;

use super::{Note, call};

/// Begins a call.
pub(crate) const CALL_OPEN: &str = "<tool_call>";
/// Ends a call.
pub(crate) const CALL_CLOSE: &str = "</tool_call>";

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Call {
        name: String,
        arguments: Arguments,
        /// The arguments as the model wrote them.
        raw: String,
    },
    Note(Note),
}

/// The state between two pieces of the stream.
#[derive(Debug)]
pub(crate) struct Splitter {
    /// Without tools, markers are text like any other.
    calls: bool,
    /// What is not decided yet. In a call: all of its body so far.
    pending: String,
    in_call: bool,
    /// Whether any text was shown: white space before it is dropped.
    shown: bool,
}

impl Splitter {
    pub(crate) fn new(calls: bool) -> Self {
        Self { calls, pending: String::new(), in_call: false, shown: false }
    }

    /// Whether the stream is inside a call now.
    pub(crate) fn in_call(&self) -> bool {
        self.in_call
    }

    /// Takes more of the stream; gives what is decided by it.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Part> {
        self.pending.push_str(text);
        let mut parts = Vec::new();
        while self.step(&mut parts) {}
        parts
    }

    /// The stream is over: what was held back is decided now.
    pub(crate) fn finish(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        while self.in_call {
            let body = std::mem::take(&mut self.pending);
            self.in_call = false;
            // A quote that was never closed hides the marker: take the first one instead.
            match body.split_once(CALL_CLOSE) {
                Some((inside, after)) => {
                    self.call(inside, true, &mut parts);
                    self.pending = after.to_owned();
                    while self.step(&mut parts) {}
                }
                None => self.call(&body, false, &mut parts),
            }
        }
        let rest = std::mem::take(&mut self.pending);
        self.text(rest.trim_end(), &mut parts);
        parts
    }

    /// Decides one thing, if it can.
    fn step(&mut self, parts: &mut Vec<Part>) -> bool {
        if self.in_call {
            let Some(end) = close_outside_strings(&self.pending) else { return false };
            let body: String = self.pending.drain(..end + CALL_CLOSE.len()).collect();
            self.in_call = false;
            self.call(&body[..end], true, parts);
            return true;
        }
        if self.calls
            && let Some(start) = self.pending.find(CALL_OPEN)
        {
            let before: String = self.pending.drain(..start + CALL_OPEN.len()).collect();
            self.in_call = true;
            self.text(before[..start].trim_end(), parts);
            return true;
        }
        let safe = self.pending.len() - self.held_back();
        let text: String = self.pending.drain(..safe).collect();
        self.text(&text, parts);
        false
    }

    fn call(&mut self, body: &str, closed: bool, parts: &mut Vec<Part>) {
        match call::read(body, closed) {
            Some((name, arguments, raw)) => parts.push(Part::Call { name, arguments, raw }),
            None => {
                let close = if closed { CALL_CLOSE } else { "" };
                self.shown = true;
                parts.push(Part::Text(format!("{CALL_OPEN}{body}{close}")));
                parts.push(Part::Note(Note::NamelessCall));
            }
        }
    }

    fn text(&mut self, text: &str, parts: &mut Vec<Part>) {
        let text = if self.shown { text } else { text.trim_start() };
        if !text.is_empty() {
            self.shown = true;
            parts.push(Part::Text(text.to_owned()));
        }
    }

    /// How many bytes at the end must wait: white space, and a possible beginning of a marker after it.
    fn held_back(&self) -> usize {
        let partial = if self.calls { partial_marker(&self.pending) } else { 0 };
        let before = &self.pending[..self.pending.len() - partial];
        partial + before.len() - before.trim_end().len()
    }
}

/// Length of the longest end of `text` that is a beginning of the opening marker.
fn partial_marker(text: &str) -> usize {
    (1..CALL_OPEN.len()).rev().find(|n| text.ends_with(&CALL_OPEN[..*n])).unwrap_or(0)
}

/// Where the closing marker is, passing over those inside JSON strings.
fn close_outside_strings(body: &str) -> Option<usize> {
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            // JSON strings hold no raw newline: the model forgot a quote.
            b'\n' => in_string = false,
            b'<' if !in_string && body[at..].starts_with(CALL_CLOSE) => return Some(at),
            _ => {}
        }
    }
    None
}
