//! Transcripts of calls that a person must agree to: agreed, changed, denied, too late, and through crashes.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{
    fixture::{able, asking, spec},
    run::Run,
};
use crate::{agent::Limits, digest, task::Decision};

/// A task whose model wants to send a mail, which a person must agree to.
fn asked() -> Run {
    let mut run = Run::of(asking(spec(Limits::default()), "mail"));
    run.calls(1, [("c1", "mail", r#"{"to":"bob"}"#)]);
    run
}

#[test]
fn a_call_that_needs_agreement_waits_for_it_and_is_then_made_once() {
    let mut run = asked();
    run.approves(0).approves(0).tool(1, 0, json!("sent"));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies mail({"to":"bob"}) as "c1"
      + model replied 1 mail({"to":"bob"}) as "c1"
      + wait begun t1/1.0 mail({"to":"bob"}), once, epoch 0: {"for":"approval","reason":"it costs money","expires_ms":62000}
      + parked until 62000 ms
      ! park until 62000 ms
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({"to":"bob"}), once, epoch 0
      ! wake at 301000 ms
      ! call t1/1.0 mail({"to":"bob"}), once, epoch 0
    > ada decides t1/1.0: {"decision":"approve"}
      - no call `t1/1.0` of this task waits for a decision
    > tool t1/1.0 gives "sent"
      + tool done t1/1.0: "sent"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn the_others_of_the_step_do_not_wait() {
    let mut run = Run::of(asking(spec(Limits::default()), "mail"));
    run.calls(1, [("c1", "mail", "{}"), ("c2", "lookup", "{}")]).tool(1, 1, json!(878)).approves(0);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies mail({}) as "c1" lookup({}) as "c2"
      + model replied 1 mail({}) as "c1" lookup({}) as "c2"
      + wait begun t1/1.0 mail({}), once, epoch 0: {"for":"approval","reason":"it costs money","expires_ms":62000}
      + tool asked t1/1.1 lookup({}), pure, epoch 0
      ! wake at 62000 ms
      ! call t1/1.1 lookup({}), pure, epoch 0
    > tool t1/1.1 gives 878
      + tool done t1/1.1: 878
      + parked until 62000 ms
      ! park until 62000 ms
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({}), once, epoch 0
      ! wake at 301000 ms
      ! call t1/1.0 mail({}), once, epoch 0
    "#);
}

#[test]
fn a_person_may_change_the_arguments_and_the_changed_call_is_made() {
    let mut run = asked();
    run.transcript();
    run.decides(0, Decision::Approve { arguments: Some(json!({ "to": "carol" })) });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve","arguments":{"to":"carol"}}
      + approved t1/1.0 by ada as {"to":"carol"}
      + woken
      + tool asked t1/1.0 mail({"to":"carol"}), once, epoch 0
      ! wake at 301000 ms
      ! call t1/1.0 mail({"to":"carol"}), once, epoch 0
    "#);
}

#[test]
fn a_denied_call_is_not_made_and_the_model_reads_why() {
    let mut run = asked();
    run.transcript();
    run.decides(0, Decision::Deny { reason: "not to bob".into() });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"deny","reason":"not to bob"}
      + denied t1/1.0 by ada: not to bob
      + tool failed t1/1.0: denied: a person did not allow this call: not to bob
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
    assert_snapshot!(run.last_message(), @r#"mail as c1: {"error":"a person did not allow this call: not to bob","kind":"denied"}"#);
}

#[test]
fn a_call_nobody_decides_about_in_time_is_denied() {
    let mut run = asked();
    run.transcript();
    run.at(61_999).at(62_000);
    assert_snapshot!(run.transcript(), @"
    > the clock is looked at
      ! park until 62000 ms
    > the clock is looked at
      + denied t1/1.0 by nobody: the time ran out
      + tool failed t1/1.0: denied: nobody allowed this call in time
      + woken
      + model asked 2.1
      ! wake at 361000 ms
      ! ask model 2.1
    ");
}

#[test]
fn an_approval_that_comes_too_late_makes_no_call() {
    let mut run = asked();
    run.transcript();
    run.later(62_000).approves(0);
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve"}
      - no call `t1/1.0` of this task waits for a decision
    "#);
}

#[test]
fn a_decision_holds_only_for_the_arguments_that_the_person_saw() {
    let mut run = asked();
    run.transcript();
    let seen = |arguments: Value| Some(digest::of_json(&arguments));
    run.decides_about(0, seen(json!({ "to": "eve" })), Decision::Approve { arguments: None });
    run.decides_about(0, seen(json!({ "to": "bob" })), Decision::Approve { arguments: None });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve"}
      - the decision is about other arguments than those of the call; look at it again
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({"to":"bob"}), once, epoch 0
      ! wake at 301000 ms
      ! call t1/1.0 mail({"to":"bob"}), once, epoch 0
    "#);
}

#[test]
fn a_decision_fits_what_is_asked() {
    let mut run = asked();
    run.transcript();
    run.decides(1, Decision::Deny { reason: String::new() });
    run.decides(0, Decision::Retry);
    let deep = (0..65).fold(json!(1), |value, _| json!([value]));
    run.decides(0, Decision::Approve { arguments: Some(deep) });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.1: {"decision":"deny","reason":""}
      - no call `t1/1.1` of this task waits for a decision
    > ada decides t1/1.0: {"decision":"retry"}
      - this call waits for `approve` or `deny`
    > ada decides t1/1.0: {"decision":"approve","arguments":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}
      - the JSON is nested deeper than 64 levels; send a flatter one
    "#);
}

#[test]
fn a_waiting_call_outlives_crashes_and_its_approval_is_spent_by_one() {
    let mut run = asked();
    run.transcript();
    run.crash().approves(0).crash();
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      ! park until 62000 ms
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({"to":"bob"}), once, epoch 0
      ! wake at 301000 ms
      ! call t1/1.0 mail({"to":"bob"}), once, epoch 0
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      + outcome unknown t1/1.0
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn what_the_machine_does_itself_needs_agreement_too() {
    let mut run = Run::of(asking(able(Limits::default()), "sleep"));
    run.calls(1, [("c1", "sleep", r#"{"seconds":5}"#), ("c2", "sleep", "{}")]).transcript();
    run.approves(0).approves(1).at(7_000);
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + wait begun t1/1.0 sleep({"seconds":5}), pure, epoch 0: {"for":"timer","at_ms":7000}
      ! park until 7000 ms
    > ada decides t1/1.1: {"decision":"approve"}
      + approved t1/1.1 by ada
      + tool failed t1/1.1: invalid-input: sleep: give either `seconds` or `until_ms`
      ! park until 7000 ms
    > the clock is looked at
      + tool done t1/1.0: {"slept_until_ms":7000}
      + woken
      + model asked 2.1
      ! wake at 306000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn a_decision_that_finds_the_task_out_of_time_is_refused() {
    let spec = asking(spec(Limits { time_ms: 20_000, ..Limits::default() }), "mail");
    let mut run = Run::of(spec);
    // Another call of the step runs, so that the task is not parked and its time goes on.
    run.calls(1, [("c1", "mail", r#"{"to":"bob"}"#), ("c2", "lookup", "{}")]).transcript();
    run.later(21_000).approves(0);
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve"}
      - no call `t1/1.0` of this task waits for a decision
    "#);
}
