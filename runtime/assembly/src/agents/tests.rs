//! Agent files: what they may say, and how they are refused.

use playhouse_core::policy::{Condition, OnUnknown, Retry, Test, UndoRule};
use serde_json::json;

use super::*;

fn read_beside(path: &Path) -> Result<String, BadAgentFile> {
    match path.to_str() {
        Some("paid.json") => Ok(r#"{"type": "object", "required": ["amount"]}"#.into()),
        Some("broken.json") => Ok("{".into()),
        _ => Ok("prompt".into()),
    }
}

fn agent(text: &str) -> Result<AgentDef, String> {
    let path = PathBuf::from("agents/a/agent.toml");
    parse(&path, text, &read_beside).map_err(|error| error.to_string())
}

const CLERK: &str = r#"
name = "clerk"
prompt = "prompt.md"
agents = ["researcher"]
on_unknown = "person"

[tools.transfer]
retry = { times = 3, backoff_ms = 50 }
undo = { tool = "refund", arguments = { id = "$output/id" } }

[tools.refund]
table = "accounts"

[tools.run_task]

[tools.wait_signal]

[signals.paid]
schema = "paid.json"

[signals.note]
type = "string"

[[approvals]]
tools = ["transfer"]
when = [{ argument = "/amount", above = 100 }]
labels = ["tool:web_*"]
expires_ms = 60_000
reason = "it is a lot"

[limits]
tokens = 5000
cost_microusd = 20_000
children = 2
depth = 1
"#;

#[test]
fn everything_an_agent_may_say_about_waiting_is_read() {
    let clerk = agent(CLERK).unwrap();
    let policy = &clerk.policy;
    let [rule] = &policy.approvals[..] else { panic!("one approval") };
    assert_eq!(rule.when, [Condition { argument: "/amount".into(), test: Test::Above(100.0) }]);
    assert_eq!((rule.expires_ms, rule.reason.as_str()), (60_000, "it is a lot"));
    assert_eq!(rule.labels, ["tool:web_*"]);
    assert_eq!(policy.retry("transfer"), Retry { times: 3, backoff_ms: 50, ..Retry::default() });
    let undo = UndoRule { tool: "refund".into(), arguments: json!({"id": "$output/id"}) };
    assert_eq!(policy.undo("transfer"), Some(&undo));
    assert!(!policy.rules.contains_key("refund"), "a tool without rules has none");
    assert_eq!(clerk.tools["refund"].table.as_deref(), Some("accounts"));
    assert_eq!(policy.signals["paid"], json!({"type": "object", "required": ["amount"]}));
    assert_eq!(policy.signals["note"], json!({"type": "string"}));
    assert_eq!((&policy.agents[..], policy.on_unknown), (&["researcher".to_owned()][..], OnUnknown::Person));
    let limits = clerk.limits;
    assert_eq!((limits.tokens, limits.cost_microusd), (Some(5000), Some(20_000)));
    assert_eq!((limits.children, limits.depth), (2, 1));
}

#[test]
fn every_test_of_an_argument_can_be_written() {
    for (written, test) in [
        ("equals = \"x\"", Test::Equals(json!("x"))),
        ("above = 1.5", Test::Above(1.5)),
        ("below = -2", Test::Below(-2.0)),
        ("contains = \"x\"", Test::Contains("x".into())),
        ("present = true", Test::Present(true)),
    ] {
        let text = format!("name = \"a\"\n[[approvals]]\nwhen = [{{ argument = \"/x\", {written} }}]");
        assert_eq!(agent(&text).unwrap().policy.approvals[0].when[0].test, test);
    }
}

#[test]
fn a_bad_agent_file_is_explained_with_file_line_and_remedy() {
    for (text, says) in [
        ("name = ", "line 1"),
        ("name = \"a\"\nmodle = \"x\"", "unknown field `modle`"),
        ("name = \"a b\"", "letters, digits"),
        ("name = \"a\"\nprompt = \"p\"\ninstructions = \"x\"", "keep one"),
        ("name = \"a\"\n[limits]\nsteps = 0", "`limits.steps` is 0"),
        ("name = \"a\"\n[limits]\nsteps = -1", "steps = -1"),
        ("name = \"a\"\n[sampling]\ntemperature = 3.0", "must be 0 to 2"),
        ("name = \"a\"\n[tools.lookup]\nfolder = \"x\"", "unknown field `folder`"),
        ("name = \"a\"\n[tools.x]\nretry = { tines = 3 }", "unknown field `tines`"),
        ("name = \"a\"\non_unknown = \"dog\"", "line 2"),
        ("name = \"a\"\n[[approvals]]\nwhen = [{ argument = \"/x\", over = 1 }]", "line 3"),
        ("name = \"a\"\n[[approvals]]\nwhen = [{ argument = \"/x\", above = 1, below = 2 }]", "line 3"),
    ] {
        let problem = agent(text).unwrap_err();
        assert!(problem.starts_with("agents/a/agent.toml: ") && problem.contains(says), "{problem}");
    }
}

#[test]
fn what_does_not_fit_together_is_explained_with_its_line() {
    for (text, says) in [
        ("[tools.x]\nundo = { tool = \"y\", arguments = {} }", "line 2: tool `x` is undone by `y`"),
        (
            "[tools.x]\n[[approvals]]\n[[approvals]]\ntools = [\"y\"]",
            "line 4: an approval names the tool `y`",
        ),
        ("[tools.x]\n[[approvals]]\ntools = [\"y*\"]", "its tools are: x"),
        ("[[approvals]]\nwhen = [{ argument = \"amount\", above = 1 }]", "line 2: an approval looks at"),
        ("[[approvals]]\nexpires_ms = 0", "line 2: an approval has `expires_ms` 0"),
        ("\n[signals.paid]", "line 3: signal `paid` could never be taken"),
        ("[tools.wait_signal]", "line 2: tool `wait_signal` could wait for nothing"),
        ("[tools.wait_signal]\n[signals.\"a b\"]", "line 3: signal `a b`: the name holds"),
        (
            "[tools.wait_signal]\n[signals.x]\ntype = \"car\"",
            "line 3: the payload of signal `x` is no JSON Schema",
        ),
        ("[tools.wait_signal]\n[signals.x]\nschema = \"broken.json\"", "`broken.json` is not JSON"),
        ("agents = [\"b\"]", "line 2: `agents` is set, but no tool makes tasks"),
        ("[tools.run_task]", "line 2: tool `run_task` makes tasks, but `agents` names nobody"),
        ("[output_schema]\ntype = 3", "line 2: `output_schema` is no JSON Schema"),
        (
            "[output_schema]\n\"$ref\" = \"https://example.com/s.json\"",
            "line 2: `output_schema` is no JSON Schema that can be used: it refers to `https://example.com/s.json`",
        ),
    ] {
        let problem = agent(&format!("name = \"a\"\n{text}")).unwrap_err();
        assert!(problem.contains(says), "{says}: {problem}");
    }
}

#[test]
fn the_shipped_agents_are_sound() {
    let agents = load(&Config::shipped()).unwrap();
    let names: Vec<_> = agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["assistant", "direct"]);
}
