//! A task's events as lines for people.
//!
//! ```text
//!   0.000 s  submitted   What is 37 times 12?
//!   0.004 s  model       step 1 …
//!   0.161 s  model       calls calculator (52 tokens, 157 ms)
//!   0.162 s  tool        calculator {"expression":"37 * 12"}
//!   0.165 s  result      {"result":"444"} (3 ms)
//!   0.312 s  answer      37 * 12 = 444.
//! ```

mod waits;

use std::{collections::HashMap, io::IsTerminal};

use playhouse_http::wire::{Event, Outcome, Record};

pub(crate) use waits::waited_for;

/// Longest text of one line; the whole is in `task show --json`.
const TEXT_MAX: usize = 300;

/// Turns records into lines; remembers when things began.
#[derive(Debug)]
pub(crate) struct Renderer {
    began_ms: Option<u64>,
    asked_ms: u64,
    calls: HashMap<String, (String, u64)>,
    color: bool,
}

impl Renderer {
    /// For stderr or stdout, whichever is the terminal.
    pub(crate) fn new() -> Self {
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { began_ms: None, asked_ms: 0, calls: HashMap::new(), color }
    }

    /// One or more whole lines; nothing for events that people need not see.
    pub(crate) fn record(&mut self, record: &Record) -> String {
        let now = record.at_ms;
        let began = *self.began_ms.get_or_insert(now);
        let lines = self.lines(&record.event, now);
        let seconds = now.saturating_sub(began) as f64 / 1000.0;
        lines.into_iter().map(|(kind, text)| self.line(seconds, kind, &text)).collect()
    }

    /// The same without time and colour, in one line.
    pub(crate) fn text(&mut self, event: &Event, at_ms: u64) -> String {
        let lines = self.lines(event, at_ms);
        lines.iter().map(|(_, text)| shorten(text)).collect::<Vec<_>>().join("; ")
    }

    fn line(&self, seconds: f64, kind: &str, text: &str) -> String {
        let text = shorten(text);
        let (on, off) = match (self.color, kind) {
            (false, _) => ("", ""),
            (_, "answer") => ("\x1b[1;32m", "\x1b[0m"),
            (_, "tool" | "result") => ("\x1b[36m", "\x1b[0m"),
            (_, "waits" | "parked" | "paused") => ("\x1b[33m", "\x1b[0m"),
            (_, "failed" | "unknown" | "refused" | "denied" | "cancelled") => ("\x1b[31m", "\x1b[0m"),
            _ => ("\x1b[2m", "\x1b[0m"),
        };
        format!("  {seconds:>7.3} s  {on}{kind:<10}{off} {text}\n")
    }

    fn lines(&mut self, event: &Event, now: u64) -> Vec<(&'static str, String)> {
        let one = |kind, text| vec![(kind, text)];
        match event {
            Event::Submitted { input, .. } => one("submitted", input.clone()),
            Event::Started { history, .. } if history.is_empty() => Vec::new(),
            Event::Started { history, dropped_turns } => {
                one("context", format!("{} earlier messages, {dropped_turns} turns left out", history.len()))
            }
            Event::Resumed {} => one("resumed", "after a restart, from the journal".into()),
            Event::ModelAsked { step, attempt } => {
                self.asked_ms = now;
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                one("model", format!("step {step}{again} …"))
            }
            Event::ModelReplied { content, tool_calls, usage, .. } => {
                let took = now.saturating_sub(self.asked_ms);
                let cost = format!(
                    "({} tokens in, {} of them reused, {} out, {took} ms)",
                    usage.input_tokens, usage.cached_tokens, usage.output_tokens
                );
                match tool_calls.len() {
                    0 => one("model", format!("says: {content} {cost}")),
                    n => one("model", format!("wants {n} tool call{} {cost}", if n == 1 { "" } else { "s" })),
                }
            }
            Event::ModelFailed { error, .. } => one("failed", error.message.clone()),
            Event::RepairAsked { problem } => one("repair", problem.clone()),
            Event::ToolAsked { effect_id, tool, arguments, repairs, .. } => {
                self.calls.insert(effect_id.clone(), (tool.clone(), now));
                let mended = if repairs.is_empty() { "" } else { " (put right: see the task's events)" };
                one("tool", format!("{tool} {arguments}{mended}"))
            }
            Event::ToolRefused { tool, error, .. } => one("refused", format!("{tool}: {}", error.message)),
            Event::ToolDone { effect_id, output } => {
                let (tool, took) = self.took(effect_id, now);
                one("result", format!("{tool} {output} ({took} ms)"))
            }
            Event::ToolFailed { effect_id, error } => {
                let (tool, took) = self.took(effect_id, now);
                one("result", format!("{tool} failed: {} ({took} ms)", error.message))
            }
            Event::OutcomeUnknown { effect_id } => one(
                "unknown",
                format!("{}: nobody knows whether this call happened", self.took(effect_id, now).0),
            ),
            Event::CancelRequested { reason } => one("cancel", reason.clone()),
            Event::Finished(outcome) => vec![end(outcome)],
            other => {
                if let Event::WaitBegun { effect_id, tool, .. } = other {
                    self.calls.insert(effect_id.clone(), (tool.clone(), now));
                }
                waits::line(other, now, &|call| self.took(call, now).0).into_iter().collect()
            }
        }
    }

    fn took(&self, effect_id: &str, now: u64) -> (String, u64) {
        let call = self.calls.get(effect_id).map(|(tool, asked)| (tool.clone(), now.saturating_sub(*asked)));
        call.unwrap_or_else(|| (effect_id.to_owned(), 0))
    }
}

fn end(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Done { output } => ("answer", output.clone()),
        Outcome::Failed { error } => ("failed", error.message.clone()),
        Outcome::Cancelled { reason } => ("cancelled", reason.clone()),
        Outcome::Quarantined { reason } => ("failed", format!("quarantined: {reason}")),
    }
}

/// One line, without control characters, at most [`TEXT_MAX`] characters.
pub(crate) fn shorten(text: &str) -> String {
    let mut line: String =
        text.trim().chars().take(TEXT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(TEXT_MAX).is_some() {
        line.push('…');
    }
    line
}
