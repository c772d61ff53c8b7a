//! Transcripts of crashes: every phase, and every effect class (J3).

use insta::assert_snapshot;
use serde_json::json;

use super::{fixture::spec, run::Run};
use crate::{
    agent::Limits,
    tool::{ToolError, ToolErrorKind},
};

/// A task that crashed while one call of `tool` was open.
fn crashed_during(tool: &str) -> Run {
    let mut run = Run::begun();
    run.calls(1, [("c1", tool, "{}")]).transcript();
    run.crash();
    run
}

#[test]
fn a_queued_task_waits_on() {
    let mut run = Run::queued(spec(Limits::default()));
    run.crash().begin();
    assert_snapshot!(run.transcript(), @r"
    ~ crash
    > resume as epoch 1
      ! wake at 301000 ms
    > begin after 0 messages
      + started
      + model asked 1.1
      ! wake at 301000 ms
      ! ask model 1.1
    ");
}

#[test]
fn a_thinking_task_asks_its_model_again() {
    let mut run = Run::begun();
    run.crash().says(1, "878 km");
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! ask model 1.1
    > model 1.1 replies "878 km"
      + model replied 1 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
}

#[test]
fn a_finished_task_concludes_again_in_the_same_way() {
    let mut run = Run::begun();
    run.says(1, "878 km").transcript();
    run.crash().crash();
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      ! conclude: done "878 km"
    ~ crash
    > resume as epoch 1
      ! conclude: done "878 km"
    "#);
}

#[test]
fn a_pure_call_is_made_again() {
    assert_snapshot!(crashed_during("lookup").tool(1, 0, json!(878)).transcript(), @r"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! call t1/1.0 lookup({}), pure, epoch 0
    > tool t1/1.0 gives 878
      + tool done t1/1.0: 878
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn an_idempotent_call_is_made_again_under_the_same_id() {
    assert_snapshot!(crashed_during("book").transcript(), @r"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! call t1/1.0 book({}), idempotent, epoch 0
    ");
}

#[test]
fn a_checkable_call_that_happened_is_not_made_again() {
    let mut run = crashed_during("transfer");
    assert_snapshot!(run.checked(0, Ok(Some(json!("done before")))).transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! check t1/1.0 transfer({}), checkable, epoch 0
    > tool t1/1.0 happened and gave "done before"
      + tool done t1/1.0: "done before"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_checkable_call_that_did_not_happen_is_made_once_more() {
    let mut run = crashed_during("transfer");
    run.checked(0, Ok(None)).checked(0, Ok(None)).tool(1, 0, json!("done"));
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! check t1/1.0 transfer({}), checkable, epoch 0
    > tool t1/1.0 did not happen
      + tool asked t1/1.0 transfer({}), checkable, epoch 1
      ! call t1/1.0 transfer({}), checkable, epoch 1
    > tool t1/1.0 did not happen
    > tool t1/1.0 gives "done"
      + tool done t1/1.0: "done"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_checkable_call_nobody_can_vouch_for_is_not_made_again() {
    let mut run = crashed_during("transfer");
    run.checked(0, Err(ToolError::new(ToolErrorKind::Upstream, "the bank does not answer")));
    assert_snapshot!(run.transcript(), @r"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! check t1/1.0 transfer({}), checkable, epoch 0
    > tool t1/1.0 cannot be checked: upstream: the bank does not answer
      + outcome unknown t1/1.0
      + model asked 2.1
      ! ask model 2.1
    ");
}

#[test]
fn a_call_made_once_more_is_asked_about_again_after_the_next_crash() {
    let mut run = crashed_during("transfer");
    run.checked(0, Ok(None)).transcript();
    run.crash();
    assert_snapshot!(run.transcript(), @r"
    ~ crash
    > resume as epoch 2
      + resumed as epoch 2
      ! wake at 301000 ms
      ! check t1/1.0 transfer({}), checkable, epoch 1
    ");
}

#[test]
fn a_once_call_is_never_made_again_and_the_model_is_told() {
    let mut run = crashed_during("mail");
    assert_snapshot!(run.transcript(), @r"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      + outcome unknown t1/1.0
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    ");
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: mail({}) as "c1"
    mail as c1: {"error":"this call was cut off while it ran, so it is not known whether it took effect; it was not tried again. Find out before you repeat it, or ask the user","kind":"outcome-unknown"}
    "#);
}

#[test]
fn each_call_of_a_step_resumes_by_its_own_class() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "mail", "1"), ("c2", "lookup", "2"), ("c3", "transfer", "3"), ("c4", "book", "4")]);
    run.tool(1, 3, json!("booked")).transcript();
    run.crash().checked(2, Ok(Some(json!("paid")))).tool(1, 1, json!(878));
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      + outcome unknown t1/1.0
      ! wake at 301000 ms
      ! call t1/1.1 lookup(2), pure, epoch 0
      ! check t1/1.2 transfer(3), checkable, epoch 0
    > tool t1/1.2 happened and gave "paid"
      + tool done t1/1.2: "paid"
    > tool t1/1.1 gives 878
      + tool done t1/1.1: 878
      + model asked 2.1
      ! ask model 2.1
    "#);
}
