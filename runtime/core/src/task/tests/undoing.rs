//! Transcripts of tasks that take back what they did, newest first.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{asking, spec, undoing, with},
    run::Run,
};
use crate::{agent::Limits, policy::OnUnknown, task::Input, tool::ToolErrorKind};

/// A task that booked twice, and could have both taken back by a call of `by`.
fn booked(by: &str) -> Run {
    let mut run = Run::of(undoing(spec(Limits::default()), "book", by));
    run.calls(1, [("c1", "book", r#"{"n":1}"#), ("c2", "lookup", "{}"), ("c3", "book", r#"{"n":2}"#)]);
    run.tool(1, 2, json!("ok")).tool(1, 1, json!(878)).tool(1, 0, json!("ok")).transcript();
    run
}

#[test]
fn a_cancelled_task_takes_back_what_it_did_newest_first() {
    let mut run = booked("mail");
    run.cancel().undone(1, 0, Ok(json!("gone"))).cancel().undone(1, 2, Ok(json!("gone")));
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo mail({"undo":1}), once, epoch 0
      ! abort model
      ! call t1/1.0~undo mail({"undo":1}), once, epoch 0
    > tool t1/1.0~undo gives "gone"
      + tool done t1/1.0~undo: "gone"
      + tool asked t1/1.2~undo mail({"undo":2}), once, epoch 0
      ! call t1/1.2~undo mail({"undo":2}), once, epoch 0
    > cancel: changed my mind
    > tool t1/1.2~undo gives "gone"
      + tool done t1/1.2~undo: "gone"
      + finished: cancelled: changed my mind
      ! conclude: cancelled: changed my mind
    "#);
}

#[test]
fn a_failed_task_does_so_too_and_an_undo_that_fails_stops_none_of_the_others() {
    let mut run = booked("mail");
    run.at(301_000).undone(1, 0, Err(ToolErrorKind::Upstream)).undone(1, 2, Err(ToolErrorKind::Crashed));
    assert_snapshot!(run.transcript(), @r#"
    > the clock is looked at
      + deadline passed
      + undoing before failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
      + tool asked t1/1.0~undo mail({"undo":1}), once, epoch 0
      ! abort model
      ! call t1/1.0~undo mail({"undo":1}), once, epoch 0
    > tool t1/1.0~undo fails: upstream: no luck
      + tool failed t1/1.0~undo: upstream: no luck
      + tool asked t1/1.2~undo mail({"undo":2}), once, epoch 0
      ! call t1/1.2~undo mail({"undo":2}), once, epoch 0
    > tool t1/1.2~undo fails: crashed: no luck
      + outcome unknown t1/1.2~undo
      + finished: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
      ! conclude: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
    "#);
}

#[test]
fn a_task_that_is_done_takes_nothing_back() {
    let mut run = booked("mail");
    run.says(2, "booked");
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies "booked"
      + model replied 2 "booked"
      + finished: done "booked"
      ! conclude: done "booked"
    "#);
}

#[test]
fn taking_back_goes_on_after_a_crash_and_each_call_by_its_class() {
    let mut run = booked("lookup");
    run.cancel().crash().undone(1, 0, Ok(json!("gone"))).crash().undone(1, 2, Ok(json!("gone")));
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! abort model
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    > tool t1/1.0~undo gives "gone"
      + tool done t1/1.0~undo: "gone"
      + tool asked t1/1.2~undo lookup({"undo":2}), pure, epoch 1
      ! call t1/1.2~undo lookup({"undo":2}), pure, epoch 1
    ~ crash
    > resume as epoch 2
      + resumed as epoch 2
      ! call t1/1.2~undo lookup({"undo":2}), pure, epoch 1
    > tool t1/1.2~undo gives "gone"
      + tool done t1/1.2~undo: "gone"
      + finished: cancelled: changed my mind
      ! conclude: cancelled: changed my mind
    "#);
    let mut run = booked("mail");
    run.cancel().transcript();
    run.crash();
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      + outcome unknown t1/1.0~undo
      + tool asked t1/1.2~undo mail({"undo":2}), once, epoch 1
      ! call t1/1.2~undo mail({"undo":2}), once, epoch 1
    "#);
}

#[test]
fn a_call_that_may_have_happened_is_taken_back_and_one_that_was_never_made_is_not() {
    let spec = undoing(undoing(spec(Limits::default()), "book", "lookup"), "mail", "lookup");
    let mut run = Run::of(asking(spec, "mail"));
    run.calls(1, [("c1", "book", r#"{"n":1}"#), ("c2", "book", r#"{"n":2}"#), ("c3", "mail", r#"{"n":3}"#)]);
    run.tool_fails(1, 0, ToolErrorKind::Timeout).tool_fails(1, 1, ToolErrorKind::InvalidInput).transcript();
    run.cancel().undone(1, 0, Ok(json!("gone")));
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + tool failed t1/1.2: cancelled: the task ended before the call did
      + woken
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    > tool t1/1.0~undo gives "gone"
      + tool done t1/1.0~undo: "gone"
      + finished: cancelled: changed my mind
      ! conclude: cancelled: changed my mind
    "#);
}

#[test]
fn a_call_that_a_person_was_asked_about_may_have_happened() {
    let spec = undoing(spec(Limits::default()), "mail", "lookup");
    let mut run = Run::of(with(spec, |agent| agent.policy.on_unknown = OnUnknown::Person));
    run.calls(1, [("c1", "mail", r#"{"n":1}"#)]).crash().transcript();
    run.cancel();
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + outcome unknown t1/1.0
      + woken
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 1
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 1
    "#);
}

#[test]
fn a_rule_that_needs_what_the_call_did_not_have_takes_nothing_back() {
    let mut run = Run::of(undoing(spec(Limits::default()), "book", "lookup"));
    run.calls(1, [("c1", "book", "{}")]).tool(1, 0, json!("ok")).transcript();
    run.cancel();
    assert_snapshot!(run.transcript(), @"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + finished: cancelled: changed my mind
      ! abort model
      ! conclude: cancelled: changed my mind
    ");
}

#[test]
fn a_task_that_is_set_aside_is_left_as_it_is() {
    let mut run = booked("mail");
    run.cancel().transcript();
    run.input(Input::Quarantine { reason: "index out of bounds".into() });
    assert_snapshot!(run.transcript(), @"
    > quarantine: index out of bounds
      + crashed too often
      + outcome unknown t1/1.0~undo
      + finished: quarantined: index out of bounds
      ! abort tool t1/1.0~undo
      ! conclude: quarantined: index out of bounds
    ");
}
