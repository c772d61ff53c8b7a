//! The agents of a world: what they may do, and whom they must ask first.

use fastrand::Rng;
use playhouse_core::{
    agent::{AgentDef, Limits},
    message::Message,
    model::ChatRequest,
    policy::{ApprovalRule, Condition, OnUnknown, Test},
    tool::Grant,
};
use playhouse_testkit::agent;
use serde_json::{Value, json};

use crate::{sender, tools::TOOLS};

/// Signals that agents of this world know.
pub(crate) const SIGNALS: [&str; 2] = ["paid", "go"];

/// When a person must agree to a call, in the world's own words: the agents get the same as a policy.
#[derive(Debug, Clone)]
pub(crate) struct Caution {
    /// Which tool; every one if none is named.
    tool: Option<&'static str>,
    /// Only with more than this.
    above: Option<u32>,
    expires_ms: u64,
}

impl Caution {
    fn of(rng: &mut Rng) -> Self {
        let tools = TOOLS.map(|(name, _)| name);
        Self {
            tool: (rng.u32(..3) > 0).then(|| *rng.choice(&tools).expect("there are tools")),
            above: rng.bool().then(|| rng.u32(..1000)),
            // Longer than anybody hesitates, or so short that many come too late.
            expires_ms: if rng.bool() { 24 * 3_600_000 } else { rng.u64(1_000..30_000) },
        }
    }

    /// Whether somebody must agree to this call. What hides its amount counts as much.
    pub(crate) fn asks(&self, tool: &str, arguments: &Value) -> bool {
        let amount = arguments.get("n").and_then(Value::as_u64);
        let is_much = self.above.zip(amount).is_none_or(|(most, n)| u64::from(most) < n);
        self.tool.is_none_or(|named| named == tool) && is_much
    }

    fn rule(&self) -> ApprovalRule {
        let above = |most: u32| Condition { argument: "/n".into(), test: Test::Above(f64::from(most)) };
        ApprovalRule {
            tools: self.tool.map(str::to_owned).into_iter().collect(),
            when: self.above.map(above).into_iter().collect(),
            expires_ms: self.expires_ms,
            reason: "it costs something".into(),
            ..ApprovalRule::default()
        }
    }
}

/// The agents, and when a person must be asked.
pub(crate) fn agents(rng: &mut Rng) -> (Vec<AgentDef>, Option<Caution>) {
    let caution = rng.bool().then(|| Caution::of(rng));
    let mut assistant = agent("assistant", TOOLS.map(|(name, _)| name));
    assistant.limits = Limits {
        steps: rng.u32(2..8),
        time_ms: rng.u64(20_000..120_000),
        parallel_tools: rng.u32(1..4),
        tool_time_ms: 2_000,
        model_time_ms: 5_000,
        ..Limits::default()
    };
    assistant.policy.approvals.extend(caution.as_ref().map(Caution::rule));
    for (tool, is_there) in [("sleep", rng.bool()), ("wait_signal", rng.bool())] {
        if is_there {
            assistant.tools.insert(tool.into(), Grant::default());
        }
    }
    if rng.bool() {
        let tools = ["await_tasks", "hand_off", "map_tasks", "run_task", "spawn_task"];
        assistant.tools.extend(tools.map(|tool| (tool.into(), Grant::default())));
        assistant.policy.agents = vec!["helper".into()];
        (assistant.limits.children, assistant.limits.depth) = (rng.u32(1..6), rng.u32(1..3));
    }
    let [strict, loose] = SIGNALS.map(str::to_owned);
    assistant.policy.signals.extend([(strict, sender::schema()), (loose, json!({}))]);
    if rng.bool() {
        assistant.policy.on_unknown = OnUnknown::Person;
    }
    // Its limits leave less to those below it, so that no family grows for ever.
    let limits = Limits { steps: 3, ..assistant.limits };
    let helper = AgentDef { name: "helper".into(), limits, ..assistant.clone() };
    (vec![assistant, helper], caution)
}

/// Arguments for a call of `tool` that mostly make sense.
pub(crate) fn arguments(rng: &mut Rng, tool: &str, request: &ChatRequest, clock_ms: u64) -> Value {
    let agent = if rng.u32(..16) == 0 { "nobody" } else { "helper" };
    match tool {
        "run_task" | "spawn_task" | "hand_off" => json!({ "agent": agent, "input": work(rng) }),
        "map_tasks" => {
            let inputs: Vec<_> = (0..rng.usize(..4)).map(|_| work(rng)).collect();
            json!({ "agent": agent, "inputs": inputs, "parallel": rng.u32(1..3) })
        }
        "await_tasks" => json!({ "tasks": spawned(request) }),
        "sleep" => match rng.u32(..8) {
            0 => json!({}),
            1..4 => json!({ "until_ms": (clock_ms + rng.u64(..30_000)).saturating_sub(5_000) }),
            _ => json!({ "seconds": rng.u32(..20) }),
        },
        "wait_signal" => {
            let name = *rng.choice(&SIGNALS).expect("there are signals");
            match rng.u32(..3) {
                0 => json!({ "name": name }),
                1 => json!({ "name": name, "timeout_seconds": rng.u32(..5) }),
                _ => json!({ "name": name, "timeout_seconds": rng.u32(..60) }),
            }
        }
        _ => json!({ "n": rng.u32(..1000) }),
    }
}

fn work(rng: &mut Rng) -> String {
    format!("work {}", rng.u32(..1000))
}

/// Names of the tasks that this conversation has spawned, as the model has read them.
fn spawned(request: &ChatRequest) -> Vec<String> {
    let name = |message: &Message| match message {
        Message::Tool { name, content, .. } if name == "spawn_task" => {
            let output: Value = serde_json::from_str(content).ok()?;
            Some(output.get("task")?.as_str()?.to_owned())
        }
        _ => None,
    };
    request.messages.iter().filter_map(name).collect()
}
