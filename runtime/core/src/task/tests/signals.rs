//! Transcripts of messages from outside: waited for, early, twice, too many, never.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, spec},
    run::Run,
};
use crate::{agent::Limits, task::accept::INBOX_MAX};

fn waiting() -> Run {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "wait_signal", r#"{"name":"paid","timeout_seconds":60}"#)]);
    run
}

#[test]
fn a_signal_wakes_the_call_that_waits_for_it() {
    let mut run = waiting();
    run.signal("s1", "called", json!("ring")).signal("s2", "paid", json!({ "euro": 5 }));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies wait_signal({"name":"paid","timeout_seconds":60}) as "c1"
      + model replied 1 wait_signal({"name":"paid","timeout_seconds":60}) as "c1"
      + wait begun t1/1.0 wait_signal({"name":"paid","timeout_seconds":60}), pure, epoch 0: {"for":"signal","name":"paid","expires_ms":62000}
      + parked until 62000 ms
      ! park until 62000 ms
    > signal s1 called: "ring"
      + signal received s1 called: "ring"
      ! park until 62000 ms
    > signal s2 paid: {"euro":5}
      + signal received s2 paid: {"euro":5}
      + signal taken s2 by t1/1.0
      + tool done t1/1.0: {"euro":5}
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
    assert_snapshot!(run.last_message(), @r#"wait_signal as c1: {"euro":5}"#);
}

#[test]
fn a_signal_that_comes_early_is_kept_and_each_call_takes_the_oldest() {
    let mut run = Run::of(able(Limits::default()));
    run.signal("s1", "paid", json!(1)).signal("s2", "paid", json!(2)).crash().transcript();
    run.calls(1, [("c1", "wait_signal", r#"{"name":"paid"}"#), ("c2", "wait_signal", r#"{"name":"paid"}"#)]);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies wait_signal({"name":"paid"}) as "c1" wait_signal({"name":"paid"}) as "c2"
      + model replied 1 wait_signal({"name":"paid"}) as "c1" wait_signal({"name":"paid"}) as "c2"
      + wait begun t1/1.0 wait_signal({"name":"paid"}), pure, epoch 1: {"for":"signal","name":"paid","expires_ms":31536002000}
      + signal taken s1 by t1/1.0
      + tool done t1/1.0: 1
      + wait begun t1/1.1 wait_signal({"name":"paid"}), pure, epoch 1: {"for":"signal","name":"paid","expires_ms":31536002000}
      + signal taken s2 by t1/1.1
      + tool done t1/1.1: 2
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_signal_counts_once_however_often_it_is_sent() {
    let mut run = waiting();
    run.signal("s1", "paid", json!(1)).transcript();
    run.signal("s1", "paid", json!(1)).crash().signal("s1", "paid", json!(1));
    run.calls(2, [("c1", "wait_signal", r#"{"name":"paid"}"#)]);
    assert_snapshot!(run.transcript(), @r#"
    > signal s1 paid: 1
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! wake at 301000 ms
      ! ask model 2.1
    > signal s1 paid: 1
    > model 2.1 replies wait_signal({"name":"paid"}) as "c1"
      + model replied 2 wait_signal({"name":"paid"}) as "c1"
      + wait begun t1/2.0 wait_signal({"name":"paid"}), pure, epoch 1: {"for":"signal","name":"paid","expires_ms":31536002000}
      + parked until 31536002000 ms
      ! park until 31536002000 ms
    "#);
}

#[test]
fn a_signal_that_does_not_come_in_time_is_an_error_for_the_model() {
    let mut run = waiting();
    run.transcript();
    run.at(61_999).at(62_000).signal("s1", "paid", json!("at last"));
    assert_snapshot!(run.transcript(), @r#"
    > the clock is looked at
      ! park until 62000 ms
    > the clock is looked at
      + tool failed t1/1.0: timeout: no signal `paid` came in time
      + woken
      + model asked 2.1
      ! wake at 361000 ms
      ! ask model 2.1
    > signal s1 paid: "at last"
      + signal received s1 paid: "at last"
    "#);
}

#[test]
fn only_signals_that_the_agent_takes_are_taken_and_only_so_many() {
    let mut run = Run::of(able(Limits::default()));
    for id in 0..INBOX_MAX {
        run.signal(&format!("s{id}"), "paid", json!(id));
    }
    run.transcript();
    run.signal("one more", "paid", json!(0)).signal("s0", "paid", json!(0)).signal("x", "sold", json!(0));
    assert_snapshot!(run.transcript(), @"
    > signal one more paid: 0
      - 64 signals already wait for this task; send it again later
    > signal s0 paid: 0
    > signal x sold: 0
      - the agent of this task takes no signal `sold`; it takes: called, paid
    ");
    let mut deaf = Run::of(spec(Limits::default()));
    let deep = (0..65).fold(json!(1), |value, _| json!([value]));
    deaf.signal("s1", "paid", json!(1));
    assert_snapshot!(deaf.transcript(), @"
    > signal s1 paid: 1
      - the agent of this task takes no signal `paid`; it takes: none
    ");
    let mut run = Run::of(able(Limits::default()));
    run.signal("s1", "paid", deep);
    assert!(run.transcript().ends_with("  - the JSON is nested deeper than 64 levels; send a flatter one\n"));
}
