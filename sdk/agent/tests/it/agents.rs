//! Definitions that are refused, with words that say what to do.

use playhouse::{
    Agent, Approval, Error, Limits, Playhouse, Retry, Tool,
    testing::{ScriptedModel, answer},
    tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Takes nothing.
#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
struct Undescribed {}

fn nothing(name: &str) -> Tool {
    tool(name, |_: Nothing| async move { Ok(()) })
}

/// Why `agent` is refused.
fn refusal(result: Result<impl Sized, Error>) -> String {
    result.map(drop).expect_err("the definition is refused").to_string()
}

#[test]
fn a_definition_that_cannot_work_is_refused_with_a_remedy() {
    let agent = || Agent::builder("a");
    for (builder, says) in [
        (Agent::builder("a b"), "letters, digits"),
        (agent().tool(nothing("a b")), "rename it"),
        (agent().tool(nothing("x")).tool(nothing("x")), "two tools called `x`"),
        (agent().tool(tool("x", |_: Undescribed| async move { Ok(()) })), "doc comment"),
        (agent().tool(tool("x", |_: String| async move { Ok(()) }).describe("says x")), "must be a struct"),
        (agent().limits(Limits { steps: 0, ..Limits::default() }), "`limits.steps` is 0"),
        (agent().approve(Approval::of("x")), "an approval names the tool `x`"),
        (agent().tool(nothing("x")).undo("x", "y", json!({})), "tool `x` is undone by `y`"),
        (agent().retry("x", Retry::default()), "rules for the tool `x`"),
        (agent().agents(["b"]), "no tool makes tasks"),
        (agent().uses("run_task"), "names nobody"),
        (agent().signal::<String>("a b"), "letters, digits"),
    ] {
        let refused = refusal(builder.build());
        assert!(refused.contains(says), "{refused}");
    }
}

#[tokio::test]
async fn a_tool_named_like_a_shipped_one_is_refused() {
    let model = ScriptedModel::replies([answer("never said")]);
    let agent = Agent::builder("a").own_model(model).tool(nothing("calculator")).build().unwrap();
    assert!(refusal(agent.run("go").await).contains("two tools called `calculator`"));
}

#[tokio::test]
async fn a_tool_that_does_not_exist_is_refused_with_those_that_do() {
    let model = ScriptedModel::replies([answer("never said")]);
    let agent = Agent::builder("a").own_model(model).uses("abacus").build().unwrap();
    let refused = refusal(agent.run("go").await);
    assert!(refused.contains("no tool `abacus`") && refused.contains("calculator"), "{refused}");
}

#[tokio::test]
async fn two_agents_may_share_a_tool_but_not_its_name() {
    let agent = |name: &str, tool: &Tool| {
        let model = ScriptedModel::new(|_| answer("here"));
        Agent::builder(name).own_model(model).tool(tool.clone()).build().unwrap()
    };
    let shared = nothing("x");
    let house =
        Playhouse::builder().agent(agent("a", &shared)).agent(agent("b", &shared)).start().await.unwrap();
    assert_eq!(house.agent("b").run("go").await.unwrap().text(), "here");
    house.stop().await;
    let apart =
        Playhouse::builder().agent(agent("a", &shared)).agent(agent("b", &nothing("x"))).start().await;
    assert!(refusal(apart).contains("two tools called `x`"));
}
