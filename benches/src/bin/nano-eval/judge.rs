//! Whether a turn went as it must: the journal beside the expectation. Pure.

use playhouse_core::task::{Event, Outcome, Record};
use serde_json::Value;

use crate::cases::{Call, Turn};

/// Finds the first thing that is wrong with a turn, in words.
pub(crate) fn judge(turn: &Turn, records: &[Record]) -> Result<(), String> {
    let events: Vec<_> = records.iter().map(|record| &record.event).collect();
    let refused = events.iter().find_map(|event| match event {
        Event::ToolRefused { tool, error, .. } => Some(format!("a call of `{tool}` was refused: {error}")),
        _ => None,
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    calls(&turn.calls, &made(&events))?;
    match events.last() {
        Some(Event::Finished { outcome: Outcome::Done { output } }) => answer(&turn.answer, output),
        Some(Event::Finished { outcome }) => Err(format!("it ended with {outcome:?}")),
        _ => Err("it did not end".into()),
    }
}

/// The calls that were dispatched, those of one reply together.
fn made<'a>(events: &[&'a Event]) -> Vec<Vec<(&'a str, &'a Value)>> {
    let mut steps: Vec<Vec<_>> = Vec::new();
    for event in events {
        match event {
            Event::ModelReplied { .. } => steps.push(Vec::new()),
            Event::ToolAsked(intent) => {
                let calls = steps.last_mut().expect("calls come from a reply");
                calls.push((intent.tool.as_str(), &intent.arguments));
            }
            _ => {}
        }
    }
    steps
}

/// Calls of one reply run side by side, so their order says nothing; replies follow each other.
fn calls(expected: &[Call], made: &[Vec<(&str, &Value)>]) -> Result<(), String> {
    let wrong =
        || format!("called {}, not {}", shown(made.iter().flatten().copied()), shown(pairs(expected)));
    let mut left = expected;
    for step in made {
        let (now, later) = left.split_at_checked(step.len()).ok_or_else(wrong)?;
        let mut now: Vec<_> = pairs(now).collect();
        for call in step {
            let at = now.iter().position(|expected| expected == call).ok_or_else(wrong)?;
            now.swap_remove(at);
        }
        left = later;
    }
    if left.is_empty() { Ok(()) } else { Err(wrong()) }
}

fn pairs(calls: &[Call]) -> impl Iterator<Item = (&str, &Value)> {
    calls.iter().map(|call| (call.name.as_str(), &call.arguments))
}

fn shown<'a>(calls: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let calls: Vec<_> = calls.map(|(name, arguments)| format!("{name}{arguments}")).collect();
    if calls.is_empty() { "nothing".into() } else { calls.join(", ") }
}

fn answer(expected: &[String], output: &str) -> Result<(), String> {
    let said = plain(output);
    match expected.iter().find(|part| !said.contains(&plain(part))) {
        Some(missing) => Err(format!("answered `{output}`, without `{missing}`")),
        None => Ok(()),
    }
}

/// Without what nobody would call a difference: case, and which apostrophe.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['\u{2019}', '\u{02bc}', '`'], "'")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(names: &[&str]) -> Vec<Call> {
        names.iter().map(|name| Call { name: (*name).into(), arguments: json!({}) }).collect()
    }

    fn verdict(names: &[&str], made: &[&[&str]]) -> bool {
        let none = json!({});
        let made: Vec<Vec<_>> =
            made.iter().map(|step| step.iter().map(|name| (*name, &none)).collect()).collect();
        calls(&expected(names), &made).is_ok()
    }

    #[test]
    fn calls_of_one_reply_may_come_in_any_order_but_replies_may_not() {
        assert!(verdict(&["a", "b"], &[&["a"], &["b"], &[]]));
        assert!(verdict(&["a", "b"], &[&["b", "a"], &[]]));
        assert!(!verdict(&["a", "b"], &[&["b"], &["a"]]));
    }

    #[test]
    fn a_call_too_few_or_too_many_is_wrong() {
        assert!(verdict(&[], &[&[]]));
        assert!(!verdict(&["a"], &[&[]]));
        assert!(!verdict(&["a"], &[&["a"], &["a"]]));
        assert!(!verdict(&["a", "b"], &[&["a", "a"]]));
    }

    #[test]
    fn an_answer_is_read_without_regard_to_case_and_apostrophe() {
        let wanted = ["I can't do that".to_owned()];
        assert!(answer(&wanted, "Sorry, i can\u{2019}t do that.").is_ok());
        assert!(answer(&wanted, "I can do that.").is_err());
    }
}
