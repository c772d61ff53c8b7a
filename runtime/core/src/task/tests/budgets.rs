//! Transcripts of tokens and money that run out (J7).

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, spec},
    run::Run,
};
use crate::{agent::Limits, model::Price, tool::Reach};

#[test]
fn a_task_that_has_used_its_tokens_asks_no_more() {
    let mut run = Run::of(spec(Limits { tokens: Some(30), ..Limits::default() }));
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(1)).transcript();
    run.calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(1));
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies lookup({}) as "c1"
      + model replied 2 lookup({}) as "c1"
      + tool asked t1/2.0 lookup({}), pure, epoch 0
      ! call t1/2.0 lookup({}), pure, epoch 0
    > tool t1/2.0 gives 1
      + tool done t1/2.0: 1
      + finished: failed token_budget: no answer after 30 tokens of 30 allowed; raise `limits.tokens` of the agent, or ask for less
      ! conclude: failed token_budget: no answer after 30 tokens of 30 allowed; raise `limits.tokens` of the agent, or ask for less
    "#);
}

#[test]
fn a_task_that_has_used_its_money_asks_no_more() {
    let mut spec = spec(Limits { cost_microusd: Some(40), ..Limits::default() });
    spec.pinned.price = Some(Price { input: 2_000_000, cached: None, output: 4_000_000 });
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "lookup", "{}")]).transcript();
    run.tool(1, 0, json!(1));
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 gives 1
      + tool done t1/1.0: 1
      + finished: failed cost_budget: no answer for 0.00004 US dollars of 0.00004 allowed; raise `limits.cost_microusd` of the agent, or ask for less
      ! conclude: failed cost_budget: no answer for 0.00004 US dollars of 0.00004 allowed; raise `limits.cost_microusd` of the agent, or ask for less
    ");
}

#[test]
fn an_answer_that_used_the_last_of_it_is_still_an_answer() {
    let mut run = Run::of(spec(Limits { tokens: Some(10), ..Limits::default() }));
    run.says(1, "878 km");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies "878 km"
      + model replied 1 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
}

#[test]
fn what_children_used_counts_and_what_is_set_aside_for_them_too() {
    let mut run = Run::of(able(Limits { tokens: Some(60), ..Limits::default() }));
    run.calls(1, [("c1", "spawn_task", r#"{"agent":"helper","input":"count"}"#)]).transcript();
    // 15 used, 22 set aside: the next reply leaves 8, and the one after that leaves nothing.
    run.calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(1));
    run.calls(3, [("c1", "lookup", "{}")]).tool(3, 0, json!(1));
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies lookup({}) as "c1"
      + model replied 2 lookup({}) as "c1"
      + tool asked t1/2.0 lookup({}), pure, epoch 0
      ! call t1/2.0 lookup({}), pure, epoch 0
    > tool t1/2.0 gives 1
      + tool done t1/2.0: 1
      + model asked 3.1
      ! ask model 3.1
    > model 3.1 replies lookup({}) as "c1"
      + model replied 3 lookup({}) as "c1"
      + tool asked t1/3.0 lookup({}), pure, epoch 0
      ! call t1/3.0 lookup({}), pure, epoch 0
    > tool t1/3.0 gives 1
      + tool done t1/3.0: 1
      + finished: failed token_budget: no answer after 67 tokens, with what is set aside for its tasks, of 60 allowed; raise `limits.tokens` of the agent, or ask for less
      ! cancel t1.1.0
      ! conclude: failed token_budget: no answer after 67 tokens, with what is set aside for its tasks, of 60 allowed; raise `limits.tokens` of the agent, or ask for less
    "#);
    let mut run = Run::of(able(Limits { tokens: Some(110), ..Limits::default() }));
    run.calls(1, [("c1", "run_task", r#"{"agent":"helper","input":"count"}"#)]).transcript();
    run.child_answers("t1.1.0", "used 100");
    assert_snapshot!(run.transcript(), @r#"
    > child t1.1.0 ends: done "used 100"
      + child ended t1.1.0: done "used 100"
      + tool done t1/1.0: {"answer":"used 100","task":"t1.1.0"}
      + woken
      + finished: failed token_budget: no answer after 115 tokens of 110 allowed; raise `limits.tokens` of the agent, or ask for less
      ! conclude: failed token_budget: no answer after 115 tokens of 110 allowed; raise `limits.tokens` of the agent, or ask for less
    "#);
}

#[test]
fn what_a_tool_asks_the_model_is_paid_by_its_task() {
    let mut run = Run::of(spec(Limits { tokens: Some(100), ..Limits::default() }));
    run.calls(1, [("c1", "lookup", "{}")]).transcript();
    assert_eq!(run.task().budget_left().0, Some(85));
    run.tool_asked(1, 0, json!(1), 90);
    assert_snapshot!(run.transcript(), @r"
    > tool t1/1.0 gives 1
      + consulted t1/1.0: nano-1, 90 tokens
      + tool done t1/1.0: 1
      + finished: failed token_budget: no answer after 105 tokens of 100 allowed; raise `limits.tokens` of the agent, or ask for less
      ! conclude: failed token_budget: no answer after 105 tokens of 100 allowed; raise `limits.tokens` of the agent, or ask for less
    ");
    assert_eq!(run.task().spent().usage.total(), 105);
    let is_labelled = run.task().labels().0.iter().any(|label| label == "model:nano-1");
    assert!(is_labelled, "{:?}", run.task().labels());
}

#[test]
fn what_the_calls_of_a_tool_reach_adds_up_by_tool() {
    let mut run = Run::of(spec(Limits::default()));
    run.calls(1, [("c1", "lookup", "{}"), ("c2", "book", "{}")]).tool_took(1, 0, json!(1), 10);
    run.tool_took(1, 1, json!(1), 3).calls(2, [("c3", "lookup", "{}")]).tool_took(2, 0, json!(1), 5);
    assert_eq!(run.task().reached("lookup"), Reach { calls: 2, bytes: 15 });
    assert_eq!(run.task().reached("book"), Reach { calls: 1, bytes: 3 });
    assert!(run.task().reached("nothing").is_none());
}

#[test]
fn a_task_whose_tools_have_used_its_fuel_asks_no_more() {
    let mut run = Run::of(spec(Limits { fuel: Some(1_000), ..Limits::default() }));
    run.calls(1, [("c1", "lookup", "{}")]).tool_took(1, 0, json!(1), 900);
    run.calls(2, [("c1", "lookup", "{}")]).transcript();
    run.tool_took(2, 0, json!(1), 200);
    assert_snapshot!(run.transcript(), @"
    > tool t1/2.0 gives 1
      + metered t1/2.0: 200 fuel
      + tool done t1/2.0: 1
      + finished: failed fuel_budget: no answer after 1100 units of fuel of 1000 allowed to tools; raise `limits.fuel` of the agent, or ask for less
      ! conclude: failed fuel_budget: no answer after 1100 units of fuel of 1000 allowed to tools; raise `limits.fuel` of the agent, or ask for less
    ");
    assert_eq!(run.task().spent().fuel, 1_100);
}
