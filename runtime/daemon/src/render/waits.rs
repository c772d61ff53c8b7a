//! Waiting, deciding and other tasks, as lines for people.

use playhouse_http::wire::{Event, Outcome, Wait};

/// A line about `event`, if it is one of those; `tool` names the tool of a call.
pub(super) fn line(
    event: &Event,
    now_ms: u64,
    tool: &dyn Fn(&str) -> String,
) -> Option<(&'static str, String)> {
    Some(match event {
        Event::ToolRetried { effect_id, attempt, error, after_ms } => (
            "retry",
            format!("{} failed: {}; try {attempt} in {}", tool(effect_id), error.message, span(*after_ms)),
        ),
        Event::CheckAsked { effect_id, error } => (
            "unclear",
            format!("{}: {}; the tool is asked whether it happened", tool(effect_id), error.message),
        ),
        Event::WaitBegun { tool, arguments, wait, .. } => {
            ("waits", format!("{tool} {arguments}, {}", waited_for(wait, now_ms)))
        }
        Event::VerdictAsked { effect_id, expires_ms } => (
            "waits",
            format!(
                "{}, {}",
                tool(effect_id),
                waited_for(&Wait::Verdict { expires_ms: *expires_ms }, now_ms)
            ),
        ),
        Event::Approved { effect_id, by, arguments: None } => {
            ("approved", format!("{} by {by}", tool(effect_id)))
        }
        Event::Approved { effect_id, by, arguments: Some(arguments) } => {
            ("approved", format!("{} by {by}, with {arguments}", tool(effect_id)))
        }
        Event::Denied { effect_id, by: Some(by), reason } => {
            ("denied", format!("{} by {by}: {}", tool(effect_id), or(reason, "without a reason")))
        }
        Event::Denied { effect_id, by: None, .. } => {
            ("denied", format!("{}: nobody decided in time", tool(effect_id)))
        }
        Event::Ruled { effect_id, by } => ("ruled", format!("{} by {by}", tool(effect_id))),
        Event::SignalReceived { name, payload, .. } => ("signal", format!("{name} {payload}")),
        Event::SignalTaken { effect_id, .. } => ("signal", format!("taken by {}", tool(effect_id))),
        Event::ChildAsked { child, agent, hand_off: true, .. } => {
            ("task", format!("{child}: handed over to {agent}"))
        }
        Event::ChildAsked { child, agent, input, .. } => ("task", format!("{child}: {agent} gets: {input}")),
        Event::ChildEnded { child, outcome, .. } => ("task", format!("{child}: {}", ended(outcome))),
        Event::Parked { due_ms: None } => ("parked", "until something happens".into()),
        Event::Parked { due_ms: Some(due) } => {
            ("parked", format!("for at most {}", span(due.saturating_sub(now_ms))))
        }
        Event::Woken {} => ("goes on", "something happened, or it was time".into()),
        Event::Paused { reason } => ("paused", reason.clone()),
        Event::Unpaused {} => ("goes on", "it was resumed".into()),
        Event::DeadlinePassed {} => ("late", "the time is up".into()),
        Event::CrashedTooOften { reason } => ("failed", format!("it crashed too often: {reason}")),
        Event::Undoing { outcome } => {
            ("undoing", format!("taking back what was done, since it {}", ended(outcome)))
        }
        Event::Forked { step, input: None } => {
            ("forked", format!("from here on another task, at step {step}"))
        }
        Event::Forked { step, input: Some(input) } => {
            ("forked", format!("from here on another task, at step {step}: {input}"))
        }
        _ => return None,
    })
}

/// What a call waits for, and until when, seen from `now_ms`.
pub(crate) fn waited_for(wait: &Wait, now_ms: u64) -> String {
    let left = |until: &u64| span(until.saturating_sub(now_ms));
    match wait {
        Wait::Approval { reason, expires_ms } => {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            format!("for a person to agree{reason}; counts as denied in {}", left(expires_ms))
        }
        Wait::Verdict { expires_ms } => {
            format!("for a person who knows whether it happened; counts as unknown in {}", left(expires_ms))
        }
        Wait::Signal { name, expires_ms } => format!("for the signal {name}, at most {}", left(expires_ms)),
        Wait::Timer { at_ms } => format!("for a time, in {}", left(at_ms)),
        Wait::Children { tasks, .. } if tasks.len() == 1 => format!("for task {}", tasks[0]),
        Wait::Children { tasks, parallel, .. } => format!("for {} tasks, {parallel} at once", tasks.len()),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { output } => format!("is done: {output}"),
        Outcome::Failed { error } => format!("failed: {}", error.message),
        Outcome::Cancelled { reason } => format!("was cancelled: {reason}"),
        Outcome::Quarantined { reason } => format!("was set aside: {reason}"),
    }
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// A time in its two largest units.
fn span(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    if ms < 1000 {
        return format!("{ms} ms");
    }
    let mut rest = ms;
    let counts = UNITS.map(|(unit, name)| {
        let count = rest / unit;
        rest %= unit;
        (count, name)
    });
    let parts = counts.iter().skip_while(|(count, _)| *count == 0).take(2).filter(|(count, _)| *count > 0);
    parts.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use playhouse_http::wire::Record;
    use serde_json::{Value, json};

    use crate::render::Renderer;

    use super::span;

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (90_500, "1 min 30 s"),
            (3_600_000, "1 h"),
            (86_399_000, "23 h 59 min"),
            (90_061_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    fn told(events: &[Value]) -> String {
        let mut renderer = Renderer::new();
        let record = |event: &Value| {
            let mut record = json!({"seq": 1, "at_ms": 0, "epoch": 1, "labels": []});
            record.as_object_mut().expect("an object").extend(event.as_object().expect("an object").clone());
            serde_json::from_value::<Record>(record).expect("the record is whole")
        };
        events.iter().map(|event| renderer.record(&record(event))).collect()
    }

    #[test]
    fn every_event_of_waiting_is_one_line_that_says_what_happened() {
        let wait = json!({"for": "approval", "reason": "a lot", "expires_ms": 60_000});
        let begun = json!({
            "type": "wait_begun", "effect_id": "T/3.0", "call_id": "c", "tool": "transfer",
            "arguments": {"amount": 2}, "wait": wait,
        });
        let usage = json!({"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0});
        for (event, says) in [
            (json!({"type": "parked", "due_ms": 60_000}), "for at most 1 min"),
            (json!({"type": "parked", "due_ms": null}), "until something happens"),
            (json!({"type": "woken"}), "goes on"),
            (
                json!({"type": "approved", "effect_id": "T/3.0", "by": "ada", "arguments": null}),
                "transfer by ada",
            ),
            (
                json!({"type": "denied", "effect_id": "T/3.0", "by": null, "reason": "x"}),
                "nobody decided in time",
            ),
            (json!({"type": "ruled", "effect_id": "T/3.0", "by": "ada"}), "transfer by ada"),
            (
                json!({"type": "verdict_asked", "effect_id": "T/3.0", "expires_ms": 1000}),
                "whether it happened",
            ),
            (json!({"type": "signal_received", "id": "s", "name": "paid", "payload": 7}), "paid 7"),
            (json!({"type": "signal_taken", "id": "s", "effect_id": "T/3.0"}), "taken by transfer"),
            (
                json!({"type": "child_asked", "child": "C", "effect_id": "T/3.0", "agent": "scout", "input": "look",
                    "hand_off": false}),
                "C: scout gets: look",
            ),
            (
                json!({"type": "child_ended", "child": "C", "outcome": {"status": "done", "output": "seen"},
                    "usage": usage, "cost_microusd": 0, "fuel": 0}),
                "C: is done: seen",
            ),
            (
                json!({"type": "tool_retried", "effect_id": "T/3.0", "attempt": 2, "after_ms": 200,
                    "error": {"kind": "upstream", "message": "503"}}),
                "transfer failed: 503; try 2 in 200 ms",
            ),
            (json!({"type": "paused", "reason": "tea"}), "tea"),
            (json!({"type": "unpaused"}), "it was resumed"),
            (json!({"type": "deadline_passed"}), "the time is up"),
            (json!({"type": "crashed_too_often", "reason": "boom"}), "boom"),
            (
                json!({"type": "undoing", "outcome": {"status": "cancelled", "reason": "x"}}),
                "was cancelled: x",
            ),
            (json!({"type": "forked", "step": 2, "input": "in red"}), "at step 2: in red"),
        ] {
            let told = told(&[begun.clone(), event]);
            let lines: Vec<_> = told.lines().collect();
            assert!(lines[0].contains("transfer") && lines[0].contains("a lot"), "{told}");
            assert!(lines.len() == 2 && lines[1].contains(says), "{says}: {told}");
        }
    }
}
