//! Transcripts of calls whose outcome nobody knows, where a person is asked first (J3).

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{spec, with},
    run::Run,
};
use crate::{
    agent::Limits,
    policy::OnUnknown,
    task::Decision,
    tool::{ToolError, ToolErrorKind},
};

fn begun() -> Run {
    Run::of(with(spec(Limits::default()), |agent| agent.policy.on_unknown = OnUnknown::Person))
}

/// A task whose process died while a mail was being sent.
fn torn() -> Run {
    let mut run = begun();
    run.calls(1, [("c1", "mail", "{}")]).crash().transcript();
    run
}

#[test]
fn a_person_is_asked_about_a_call_that_a_crash_left_open() {
    let mut run = begun();
    run.calls(1, [("c1", "mail", "{}")]).transcript();
    run.crash().crash().tool(1, 0, json!("nobody listens any more"));
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      + verdict asked t1/1.0 until 86402000 ms
      + parked until 86402000 ms
      ! park until 86402000 ms
    ~ crash
    > resume as epoch 2
      ! park until 86402000 ms
    > tool t1/1.0 gives "nobody listens any more"
      ! park until 86402000 ms
    "#);
}

#[test]
fn a_person_is_asked_about_a_call_whose_end_was_not_seen() {
    let mut run = begun();
    run.calls(1, [("c1", "mail", "{}"), ("c2", "transfer", "{}")]).transcript();
    run.tool_fails(1, 0, ToolErrorKind::Timeout);
    run.crash().checked(1, Err(ToolError::new(ToolErrorKind::Upstream, "cannot say")));
    assert_snapshot!(run.transcript(), @"
    > tool t1/1.0 fails: timeout: no luck
      + verdict asked t1/1.0 until 86402000 ms
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! check t1/1.1 transfer({}), checkable, epoch 0
    > tool t1/1.1 cannot be checked: upstream: cannot say
      + verdict asked t1/1.1 until 86402000 ms
      + parked until 86402000 ms
      ! park until 86402000 ms
    ");
}

#[test]
fn a_call_that_happened_after_all_has_the_output_that_the_person_gives() {
    let mut run = torn();
    run.decides(0, Decision::Approve { arguments: None });
    run.decides(0, Decision::Happened { output: json!("sent") });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve"}
      - this call waits for `happened`, `retry` or `deny`
    > ada decides t1/1.0: {"decision":"happened","output":"sent"}
      + ruled t1/1.0 by ada
      + tool done t1/1.0: "sent"
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn a_call_that_did_not_happen_is_made_again_when_the_person_says_so() {
    let mut run = torn();
    run.decides(0, Decision::Retry).tool(1, 0, json!("sent"));
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"retry"}
      + ruled t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({}), once, epoch 1
      ! wake at 301000 ms
      ! call t1/1.0 mail({}), once, epoch 1
    > tool t1/1.0 gives "sent"
      + tool done t1/1.0: "sent"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_call_that_the_person_cannot_vouch_for_stays_unknown() {
    let mut run = torn();
    run.decides(0, Decision::Deny { reason: "who knows".into() });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"deny","reason":"who knows"}
      + ruled t1/1.0 by ada
      + outcome unknown t1/1.0
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn a_call_nobody_says_anything_about_stays_unknown() {
    let mut run = torn();
    run.at(2_000 + 24 * 3_600_000);
    assert_snapshot!(run.transcript(), @"
    > the clock is looked at
      + outcome unknown t1/1.0
      + woken
      + model asked 2.1
      ! wake at 86701000 ms
      ! ask model 2.1
    ");
}
