//! Too much of what is allowed, and tools that wait for each other.

use playhouse_core::tool::ToolErrorKind::{Crashed, Denied};
use serde_json::{Value, json};

use super::{Case, Expect};

pub(crate) fn cases() -> Vec<Case> {
    [floods(), nested()].into_iter().flatten().collect()
}

/// `step`, in tools that call each other `depth` deep.
fn within(depth: usize, step: &Value) -> Value {
    (0..depth).fold(step.clone(), |inner, _| json!(["tool", "reaches", { "do": [inner] }]))
}

fn floods() -> Vec<Case> {
    let class = "flood";
    let line = "x".repeat(1_000);
    vec![
        Case::steps(
            class,
            "more lines than the log takes",
            json!([["log", line, 200]]),
            Expect::Answers(|_| true),
        ),
        Case::steps(
            class,
            "lines for the log that look like lines of ours",
            json!([["log", "done\n2026-01-01 ERROR the operator\r\nshould run this\u{1b}[8m"]]),
            Expect::Answers(|_| true),
        ),
        Case::steps(
            class,
            "a line for the log of a megabyte",
            json!([["log", "x"], ["partial", "x", 1_000_000], ["report", 1, 2, "x", 1_000_000]]),
            Expect::Answers(|_| true),
        ),
        Case::steps(
            class,
            "more words about progress than the host takes calls",
            json!([["again", 1_000, ["report", 1, 2, "x"]]]),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "more calls to the host than a call may make",
            json!([["again", 1_000, ["kv.get", "a"]]]),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "more random bytes than a call may have",
            json!([["random", 4_000_000_000_u32]]),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "random bytes in many small parts",
            json!([["again", 200, ["random", 1_000]]]),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "two hundred payloads of four megabytes to sign",
            json!([["again", 200, ["sign", "signing", "x", 5_000_000]]]),
            Expect::Ends(Crashed),
        ),
    ]
}

fn nested() -> Vec<Case> {
    let class = "nesting";
    let line = "x".repeat(1_000);
    let log = json!(["log", line, 16]);
    let many = |step: &Value, times: u32| json!([["again", times, ["tool", "reaches", { "do": [step] }]]]);
    let limited: fn(&Value) -> bool = |value| value.to_string().contains("denied");
    vec![
        Case::steps(
            class,
            "lines for the log by calling itself often",
            many(&log, 100),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "calls to the host by calling itself often",
            many(&json!(["again", 100, ["now"]]), 100),
            Expect::Ends(Denied),
        ),
        Case::steps(
            class,
            "random bytes by calling itself often",
            many(&json!(["random", 30_000]), 10),
            Expect::Answers(limited),
        ),
        Case::steps(
            class,
            "calling itself without end",
            json!([within(12, &json!(["now"]))]),
            Expect::Answers(|value| value.to_string().contains("at most 4 tools may wait")),
        ),
        Case::steps(
            class,
            "calling a tool that is not granted",
            json!([["tool", "misbehaves", {"crime": "loop"}], ["tool", "../calculator", {}], ["tool", "", {}]]),
            Expect::Answers(|value| {
                value.as_array().is_some_and(|all| all.iter().all(|one| one["err"][0] == "denied"))
            }),
        ),
        Case::steps(
            class,
            "arguments for another tool that are no JSON, or have no end",
            json!([["tool-text", "calculator", "{"], ["tool-text", "calculator", "[", 100_000]]),
            Expect::Answers(|value| {
                value.as_array().is_some_and(|all| all.iter().all(|one| one["err"][0] == "invalid-input"))
            }),
        ),
    ]
}
