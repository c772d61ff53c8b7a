//! A small agent for tests that need one.

use playhouse_core::{
    agent::{AgentDef, Limits},
    model::Sampling,
    tool::Grant,
    window::WindowPolicy,
};

/// An agent called `name` on the model `scripted`, with these tools and default limits.
pub fn agent<'a>(name: &str, tools: impl IntoIterator<Item = &'a str>) -> AgentDef {
    AgentDef {
        name: name.into(),
        description: format!("the test's {name}"),
        instructions: "Be brief.".into(),
        model: "scripted".into(),
        tools: tools.into_iter().map(|tool| (tool.to_owned(), Grant::default())).collect(),
        sampling: Sampling::default(),
        limits: Limits::default(),
        window: WindowPolicy::default(),
        output_schema: None,
        policy: playhouse_core::policy::Policy::default(),
    }
}
