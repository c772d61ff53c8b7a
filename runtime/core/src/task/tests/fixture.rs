//! What every test of the machine needs: submissions, agents with all they can have, and replies.

use std::sync::Arc;

use serde_json::json;

use crate::{
    agent::{AgentDef, Limits, Pinned},
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    message::{Arguments, Assistant, ToolCall},
    model::{Finish, Reply, Sampling, Usage},
    policy::{ApprovalRule, Policy, Retry, ToolRules, UndoRule},
    task::{Lineage, TaskSpec, control},
    tool::{Annotations, Asked, EffectClass, Grant, Reach, Receipt, ToolSpec},
    window::WindowPolicy,
};

/// One tool per effect class, named so that a transcript explains itself.
pub(super) const TOOLS: [(&str, EffectClass); 4] = [
    ("lookup", EffectClass::Pure),
    ("book", EffectClass::Idempotent),
    ("transfer", EffectClass::Checkable),
    ("mail", EffectClass::Once),
];

fn tool((name, effect): (&str, EffectClass)) -> Arc<ToolSpec> {
    Arc::new(ToolSpec {
        name: name.into(),
        version: "1.0.0".into(),
        description: format!("does {name}"),
        input_schema: json!({ "type": "object" }),
        output_schema: json!({}),
        effect,
        annotations: Annotations::promised(effect),
        digest: "d1".into(),
    })
}

/// A submission of `clerk`, which has all of [`TOOLS`], under `limits`.
pub(super) fn spec(limits: Limits) -> TaskSpec {
    let agent = AgentDef {
        name: "clerk".into(),
        description: "a clerk".into(),
        instructions: "Be brief.".into(),
        model: "nano".into(),
        tools: TOOLS.iter().map(|(name, _)| ((*name).to_owned(), Grant::default())).collect(),
        sampling: Sampling::default(),
        limits,
        window: WindowPolicy::default(),
        output_schema: None,
        policy: Policy::default(),
    };
    TaskSpec {
        id: TaskId::new("t1").unwrap(),
        tenant: Tenant::local(),
        session: None,
        topic: None,
        input: "How far is Berlin?".into(),
        pinned: Pinned {
            agent: Arc::new(agent),
            tools: TOOLS.into_iter().map(tool).collect(),
            model_version: "nano-1".into(),
            price: None,
        },
        labels: Labels::of(["key:k1"]),
        submitted_ms: 1_000,
        until_ms: None,
        lineage: Lineage::default(),
    }
}

/// `spec` with another agent.
pub(super) fn with(mut spec: TaskSpec, change: impl FnOnce(&mut AgentDef)) -> TaskSpec {
    change(Arc::make_mut(&mut spec.pinned.agent));
    spec
}

/// `spec`, whose final answer must be JSON.
pub(super) fn wants_json(spec: TaskSpec) -> TaskSpec {
    with(spec, |agent| agent.output_schema = Some(json!({ "type": "object" })))
}

/// A submission of a clerk who may also wait, and give work to `helper`; it can be sent the signals `paid`
/// and `called`.
pub(super) fn able(limits: Limits) -> TaskSpec {
    let mut spec = with(spec(limits), |agent| {
        let names = control::specs().into_iter().map(|tool| (tool.name.clone(), Grant::default()));
        agent.tools.extend(names);
        agent.policy.agents = vec!["helper".into()];
        agent.policy.signals = ["paid", "called"].map(|name| (name.to_owned(), json!({}))).into();
    });
    spec.pinned.tools.extend(control::specs());
    spec
}

/// `spec`, where a person must agree to each call of `tool` within a minute.
pub(super) fn asking(spec: TaskSpec, tool: &str) -> TaskSpec {
    let rule = ApprovalRule {
        tools: vec![tool.into()],
        expires_ms: 60_000,
        reason: "it costs money".into(),
        ..ApprovalRule::default()
    };
    with(spec, |agent| agent.policy.approvals.push(rule))
}

/// `spec`, where a failed call of `tool` is tried again.
pub(super) fn retrying(spec: TaskSpec, tool: &str, retry: Retry) -> TaskSpec {
    with(spec, |agent| agent.policy.rules.entry(tool.into()).or_default().retry = retry)
}

/// `spec`, where a call of `tool` is taken back by one of `by` with its argument `n`.
pub(super) fn undoing(spec: TaskSpec, tool: &str, by: &str) -> TaskSpec {
    let undo = UndoRule { tool: by.into(), arguments: json!({ "undo": "$arguments/n" }) };
    let rule = |rules: &mut ToolRules| rules.undo = Some(undo);
    with(spec, |agent| rule(agent.policy.rules.entry(tool.into()).or_default()))
}

/// The effect id of the `ordinal`-th call of `step`.
pub(super) fn effect(step: u32, ordinal: usize) -> EffectId {
    EffectId::new(&TaskId::new("t1").unwrap(), step, ordinal)
}

/// The receipt for a call that took `fuel`.
pub(super) fn receipt(fuel: u64) -> Receipt {
    let digest = |of: &str| crate::digest::of_bytes(of.as_bytes());
    let reached = Reach { calls: 1, bytes: fuel };
    let (component, input, output) = (digest("component"), digest("{}"), Some(digest("1")));
    Receipt { component, input, output, fuel, heard: Some(digest("a")), reached }
}

/// What a tool asked the model that [`reply`] comes from.
pub(super) fn asked(input_tokens: u64) -> Asked {
    let usage = Usage { input_tokens, ..Usage::default() };
    Asked { model: "nano-1".into(), usage }
}

/// A reply of 10 tokens read and 5 written.
pub(super) fn reply(content: &str, tool_calls: Vec<ToolCall>, finish: Finish) -> Reply {
    let usage = Usage { input_tokens: 10, cached_tokens: 0, output_tokens: 5 };
    let message = Assistant { content: content.into(), tool_calls, provider: None };
    Reply { message, usage, finish, model: "nano-1".into() }
}

/// A call of `name`; arguments that are not JSON stay as they came, as a backend would keep them.
pub(super) fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    let arguments = match serde_json::from_str(arguments) {
        Ok(value) => Arguments::Json(value),
        Err(error) => Arguments::Malformed { raw: arguments.into(), error: error.to_string() },
    };
    ToolCall { id: id.into(), name: name.into(), arguments }
}
