//! Transcripts of `checkable` calls whose end nobody saw, though nothing crashed (J3).

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{spec, undoing, with},
    run::Run,
};
use crate::{
    agent::Limits,
    policy::OnUnknown,
    tool::{ToolError, ToolErrorKind},
};

/// A task one of whose calls, of the `checkable` tool `transfer`, did not answer in time.
fn timed_out() -> Run {
    after_timeout(Run::begun())
}

fn after_timeout(mut run: Run) -> Run {
    run.calls(1, [("c1", "transfer", r#"{"n":1}"#)]).transcript();
    run.tool_fails(1, 0, ToolErrorKind::Timeout);
    run
}

#[test]
fn a_call_that_times_out_is_asked_about_and_has_the_output_it_gave() {
    let mut run = timed_out();
    assert_snapshot!(run.checked(0, Ok(Some(json!("done in time")))).transcript(), @r#"
    > tool t1/1.0 fails: timeout: no luck
      + check asked t1/1.0: timeout: no luck
      ! check t1/1.0 transfer({"n":1}), checkable, epoch 0
    > tool t1/1.0 happened and gave "done in time"
      + tool done t1/1.0: "done in time"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn one_that_did_not_happen_has_failed_and_is_not_made_again_by_itself() {
    let mut run = timed_out();
    run.checked(0, Ok(None)).checked(0, Ok(None));
    assert_snapshot!(run.transcript(), @r#"
    > tool t1/1.0 fails: timeout: no luck
      + check asked t1/1.0: timeout: no luck
      ! check t1/1.0 transfer({"n":1}), checkable, epoch 0
    > tool t1/1.0 did not happen
      + tool failed t1/1.0: upstream: no luck; asked afterwards, the tool says that the call had no effect
      + model asked 2.1
      ! ask model 2.1
    > tool t1/1.0 did not happen
    "#);
}

#[test]
fn one_that_nobody_can_vouch_for_is_unknown_or_a_matter_for_a_person() {
    let silent = || Err(ToolError::new(ToolErrorKind::Upstream, "the bank does not answer"));
    let mut run = timed_out();
    run.transcript();
    assert_snapshot!(run.checked(0, silent()).transcript(), @"
    > tool t1/1.0 cannot be checked: upstream: the bank does not answer
      + outcome unknown t1/1.0
      + model asked 2.1
      ! ask model 2.1
    ");
    let person = with(spec(Limits::default()), |agent| agent.policy.on_unknown = OnUnknown::Person);
    let mut run = after_timeout(Run::of(person));
    run.transcript();
    assert_snapshot!(run.checked(0, silent()).transcript(), @"
    > tool t1/1.0 cannot be checked: upstream: the bank does not answer
      + verdict asked t1/1.0 until 86402000 ms
      + parked until 86402000 ms
      ! park until 86402000 ms
    ");
}

#[test]
fn it_is_asked_about_again_after_a_crash_and_still_not_made_again() {
    let mut run = timed_out();
    run.transcript();
    run.crash().tool_fails(1, 0, ToolErrorKind::Crashed).checked(0, Ok(None));
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! check t1/1.0 transfer({"n":1}), checkable, epoch 0
    > tool t1/1.0 fails: crashed: no luck
    > tool t1/1.0 did not happen
      + tool failed t1/1.0: upstream: no luck; asked afterwards, the tool says that the call had no effect
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn what_did_not_happen_is_not_taken_back_and_what_may_have_is() {
    let mut run = after_timeout(Run::of(undoing(spec(Limits::default()), "transfer", "lookup")));
    run.checked(0, Ok(None)).transcript();
    assert_snapshot!(run.cancel().transcript(), @"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + finished: cancelled: changed my mind
      ! abort model
      ! conclude: cancelled: changed my mind
    ");
    let mut run = after_timeout(Run::of(undoing(spec(Limits::default()), "transfer", "lookup")));
    run.transcript();
    assert_snapshot!(run.cancel().transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + outcome unknown t1/1.0
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! abort tool t1/1.0
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    "#);
}
