//! One task, for people: where it stands, and what would make it go on.
//!
//! ```text
//! waits    transfer {"amount":200}
//!          for a person to agree: it is a lot; counts as denied in 23 h 59 min
//!          approve with: playhouse task approve 01K… 3.0
//!          deny with:    playhouse task deny 01K… 3.0 --reason TEXT
//! ```

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use playhouse_http::wire::{Task, Wait, Waiting, WaitingCall};
use serde::Serialize;

use crate::render::{shorten, waited_for};

#[expect(clippy::print_stdout, reason = "the task is this command's output")]
pub(super) fn show(task: &Task, json: bool) -> anyhow::Result<ExitCode> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(task)?),
        false => print!("{}", page(task, now_ms())),
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long is left is told by the clock of the person who looks"
)]
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64)
}

/// An enum's name as it is on the wire.
pub(super) fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn page(task: &Task, now_ms: u64) -> String {
    let usage = &task.usage;
    let tokens =
        format!("{} in ({} reused), {} out", usage.input_tokens, usage.cached_tokens, usage.output_tokens);
    let forked = task.forked.as_ref().map(|from| format!("{} at step {}", from.task, from.step));
    let cost = (task.cost_microusd > 0).then(|| format!("{:.6} US dollars", task.cost_microusd as f64 / 1e6));
    let lines = [
        ("task", Some(task.id.clone())),
        ("status", Some(name(&task.status))),
        ("agent", Some(task.agent.clone())),
        ("input", Some(task.input.clone())),
        ("session", task.session.clone()),
        ("parent", task.parent.clone()),
        ("forked", forked),
        ("output", task.output.clone()),
        ("error", task.error.as_ref().map(|error| error.message.clone())),
        ("reason", task.reason.clone()),
        ("tokens", Some(tokens)),
        ("cost", cost),
        ("fuel", (task.fuel > 0).then(|| format!("{} for its tools", task.fuel))),
        ("steps", Some(task.steps.to_string())),
    ];
    let line = |(label, value): (&str, Option<String>)| Some(format!("{label:<8} {}\n", value?));
    let mut page: String = lines.into_iter().filter_map(line).collect();
    for text in waits(task, now_ms) {
        page.push_str(&text);
    }
    page
}

/// What holds the task up, and the commands that end it.
fn waits(task: &Task, now_ms: u64) -> Vec<String> {
    let mut blocks: Vec<_> = task.waits.iter().map(|call| wait(&task.id, call, now_ms)).collect();
    if task.waiting == Some(Waiting::Paused) {
        blocks.push(block(&[
            "until it is resumed".into(),
            format!("resume with: playhouse task resume {}", task.id),
        ]));
    }
    blocks
}

fn wait(task: &str, call: &WaitingCall, now_ms: u64) -> String {
    let last = call.effect_id.rsplit('/').next().unwrap_or(&call.effect_id);
    let command = |label: &str, text: String| format!("{label:<14}playhouse task {text}");
    let mut lines =
        vec![shorten(&format!("{} {}", call.tool, call.arguments)), waited_for(&call.wait, now_ms)];
    match &call.wait {
        Wait::Approval { .. } => lines.extend([
            command("approve with:", format!("approve {task} {last}")),
            command("deny with:", format!("deny {task} {last} --reason TEXT")),
        ]),
        Wait::Verdict { .. } => lines.extend([
            command("it happened:", format!("decide {task} {last} happened --output JSON")),
            command("it did not:", format!("decide {task} {last} retry")),
            command("nobody knows:", format!("decide {task} {last} unknown")),
        ]),
        Wait::Signal { name, .. } => {
            lines.push(command("send it with:", format!("signal {task} {name} JSON")))
        }
        Wait::Children { .. } => lines.push(command("look at them:", format!("list --parent {task}"))),
        Wait::Timer { .. } => {}
    }
    block(&lines)
}

fn block(lines: &[String]) -> String {
    let label = |n: usize| if n == 0 { "waits" } else { "" };
    lines.iter().enumerate().map(|(n, line)| format!("{:<8} {line}\n", label(n))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(waiting: &str, waits: serde_json::Value) -> Task {
        let task = json!({
            "id": "T", "agent": "clerk", "session": null, "status": "parked", "input": "pay", "output": null,
            "error": null, "reason": null, "waiting": waiting, "waits": waits, "due_ms": null, "parent": null,
            "children": [], "forked": null, "cost_microusd": 0, "fuel": 0, "steps": 1, "epoch": 1, "events": 4,
            "usage": {"input_tokens": 1, "cached_tokens": 0, "output_tokens": 1},
            "submitted_ms": 0, "updated_ms": 0,
        });
        serde_json::from_value(task).expect("the task is whole")
    }

    /// What is said about one call that waits.
    fn told(wait: serde_json::Value) -> String {
        let mut call =
            json!({"effect_id": "T/3.0", "tool": "transfer", "arguments": {"amount": 2}, "args_digest": "d"});
        call.as_object_mut().expect("it is an object").extend(wait.as_object().expect("an object").clone());
        page(&task("approval", json!([call])), 0)
    }

    #[test]
    fn each_wait_names_the_commands_that_end_it() {
        for (wait, says) in [
            (
                json!({"for": "approval", "reason": "a lot", "expires_ms": 7_200_000}),
                vec![
                    "waits    transfer {\"amount\":2}",
                    "a lot",
                    "in 2 h",
                    "playhouse task approve T 3.0",
                    "playhouse task deny T 3.0 --reason TEXT",
                ],
            ),
            (
                json!({"for": "verdict", "expires_ms": 1}),
                vec![
                    "playhouse task decide T 3.0 happened --output JSON",
                    "playhouse task decide T 3.0 retry",
                    "playhouse task decide T 3.0 unknown",
                ],
            ),
            (
                json!({"for": "signal", "name": "paid", "expires_ms": 1}),
                vec!["playhouse task signal T paid JSON"],
            ),
            (json!({"for": "timer", "at_ms": 90_000}), vec!["in 1 min 30 s"]),
            (
                json!({"for": "children", "tasks": ["A", "B"], "parallel": 2, "join": "all"}),
                vec!["2 tasks", "playhouse task list --parent T"],
            ),
        ] {
            let told = told(wait);
            for part in says {
                assert!(told.contains(part), "{part}: {told}");
            }
        }
    }

    #[test]
    fn a_paused_task_names_the_command_that_resumes_it() {
        assert!(page(&task("paused", json!([])), 0).contains("playhouse task resume T"));
    }
}
