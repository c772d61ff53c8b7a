//! Transcripts of tokens and money that run out (J7).

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, spec},
    run::Run,
};
use crate::{agent::Limits, model::Price};

#[test]
fn a_task_that_has_used_its_tokens_asks_no_more() {
    let mut run = Run::of(spec(Limits { tokens: Some(30), ..Limits::default() }));
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(1)).transcript();
    run.calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(1));
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_that_has_used_its_money_asks_no_more() {
    let mut spec = spec(Limits { cost_microusd: Some(40), ..Limits::default() });
    spec.pinned.price = Some(Price { input: 2_000_000, cached: None, output: 4_000_000 });
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "lookup", "{}")]).transcript();
    run.tool(1, 0, json!(1));
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn an_answer_that_used_the_last_of_it_is_still_an_answer() {
    let mut run = Run::of(spec(Limits { tokens: Some(10), ..Limits::default() }));
    run.says(1, "878 km");
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn what_children_used_counts_and_what_is_set_aside_for_them_too() {
    let mut run = Run::of(able(Limits { tokens: Some(60), ..Limits::default() }));
    run.calls(1, [("c1", "spawn_task", r#"{"agent":"helper","input":"count"}"#)]).transcript();
    // 15 used, 22 set aside; the next reply uses 15 more, and one more does not fit.
    run.calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(1));
    run.calls(3, [("c1", "lookup", "{}")]).tool(3, 0, json!(1));
    assert_snapshot!(run.transcript(), @"");
    let mut run = Run::of(able(Limits { tokens: Some(110), ..Limits::default() }));
    run.calls(1, [("c1", "run_task", r#"{"agent":"helper","input":"count"}"#)]).transcript();
    run.child_answers("t1.1.0", "used 100");
    assert_snapshot!(run.transcript(), @"");
}
