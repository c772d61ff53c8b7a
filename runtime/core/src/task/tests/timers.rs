//! Transcripts of time: sleeping, the clock of a parked task, and the end of all time.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, asking, spec},
    run::Run,
};
use crate::agent::Limits;

#[test]
fn a_task_sleeps_until_its_time_and_through_crashes() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "sleep", r#"{"seconds":60}"#)]).crash().at(61_999).at(62_000);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies sleep({"seconds":60}) as "c1"
      + model replied 1 sleep({"seconds":60}) as "c1"
      + wait begun t1/1.0 sleep({"seconds":60}), pure, epoch 0: {"for":"timer","at_ms":62000}
      + parked until 62000 ms
      ! park until 62000 ms
    ~ crash
    > resume as epoch 1
      ! park until 62000 ms
    > the clock is looked at
      ! park until 62000 ms
    > the clock is looked at
      + tool done t1/1.0: {"slept_until_ms":62000}
      + woken
      + model asked 2.1
      ! wake at 361000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn a_sleep_until_a_time_that_has_passed_ends_at_once() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "sleep", r#"{"until_ms":5}"#), ("c2", "sleep", r#"{"seconds":0}"#)]);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies sleep({"until_ms":5}) as "c1" sleep({"seconds":0}) as "c2"
      + model replied 1 sleep({"until_ms":5}) as "c1" sleep({"seconds":0}) as "c2"
      + wait begun t1/1.0 sleep({"until_ms":5}), pure, epoch 0: {"for":"timer","at_ms":5}
      + tool done t1/1.0: {"slept_until_ms":5}
      + wait begun t1/1.1 sleep({"seconds":0}), pure, epoch 0: {"for":"timer","at_ms":2000}
      + tool done t1/1.1: {"slept_until_ms":2000}
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_sleep_without_a_sensible_time_is_refused() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "sleep", r#"{"seconds":1,"until_ms":5}"#)]);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies sleep({"seconds":1,"until_ms":5}) as "c1"
      + model replied 1 sleep({"seconds":1,"until_ms":5}) as "c1"
      + tool refused sleep as c1: invalid-input: sleep: give either `seconds` or `until_ms`
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_sleep_beside_a_running_call_is_watched_and_after_a_crash_again() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "sleep", r#"{"seconds":60}"#), ("c2", "book", "{}")]);
    run.crash().at(62_000).tool(1, 1, json!("ok"));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies sleep({"seconds":60}) as "c1" book({}) as "c2"
      + model replied 1 sleep({"seconds":60}) as "c1" book({}) as "c2"
      + wait begun t1/1.0 sleep({"seconds":60}), pure, epoch 0: {"for":"timer","at_ms":62000}
      + tool asked t1/1.1 book({}), idempotent, epoch 0
      ! wake at 62000 ms
      ! call t1/1.1 book({}), idempotent, epoch 0
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 62000 ms
      ! call t1/1.1 book({}), idempotent, epoch 0
    > the clock is looked at
      + tool done t1/1.0: {"slept_until_ms":62000}
      ! wake at 301000 ms
    > tool t1/1.1 gives "ok"
      + tool done t1/1.1: "ok"
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn the_time_of_a_task_stands_still_while_it_is_parked_and_is_watched_again_when_it_goes_on() {
    let mut run = Run::of(asking(spec(Limits::default()), "mail"));
    run.later(10_000).calls(1, [("c1", "mail", "{}")]).transcript();
    // It had 300 s from 1 s on, and was parked for 50 s.
    run.crash().later(60_000).approves(0).at(350_999).at(351_000);
    assert_snapshot!(run.transcript(), @r#"
    ~ crash
    > resume as epoch 1
      ! park until 70000 ms
    > ada decides t1/1.0: {"decision":"approve"}
      + approved t1/1.0 by ada
      + woken
      + tool asked t1/1.0 mail({}), once, epoch 0
      ! wake at 351000 ms
      ! call t1/1.0 mail({}), once, epoch 0
    > the clock is looked at
      ! wake at 351000 ms
    > the clock is looked at
      + deadline passed
      + outcome unknown t1/1.0
      + finished: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
      ! abort tool t1/1.0
      ! conclude: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
    "#);
}

#[test]
fn a_task_with_an_end_of_time_ends_then_even_while_it_waits() {
    let mut spec = asking(spec(Limits::default()), "mail");
    spec.until_ms = Some(30_000);
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "mail", "{}")]).later(30_000).approves(0).at(30_000);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies mail({}) as "c1"
      + model replied 1 mail({}) as "c1"
      + wait begun t1/1.0 mail({}), once, epoch 0: {"for":"approval","reason":"it costs money","expires_ms":62000}
      + parked until 30000 ms
      ! park until 30000 ms
    > ada decides t1/1.0: {"decision":"approve"}
      - no call `t1/1.0` of this task waits for a decision
    > the clock is looked at
      + deadline passed
      + tool failed t1/1.0: cancelled: the task ended before the call did
      + woken
      + finished: failed time_budget: the task was not done by its time, 30000 ms since 1970
      ! conclude: failed time_budget: the task was not done by its time, 30000 ms since 1970
    "#);
}

#[test]
fn a_paused_task_has_no_due_time_but_its_end() {
    let mut spec = asking(spec(Limits::default()), "mail");
    let mut run = Run::of(spec.clone());
    run.calls(1, [("c1", "mail", "{}")]).pause();
    assert_eq!(run.task().head(2_000).due_ms, None);
    spec.until_ms = Some(30_000);
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "mail", "{}")]).pause();
    assert_eq!(run.task().head(2_000).due_ms, Some(30_000));
    run.unpause();
    assert_eq!(run.task().head(2_000).due_ms, Some(30_000));
}
