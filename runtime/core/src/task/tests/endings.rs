//! Transcripts of tasks that are ended from outside, whatever they were doing.

use insta::assert_snapshot;
use serde_json::json;

use super::{fixture::spec, run::Run};
use crate::{agent::Limits, task::Input};

#[test]
fn a_queued_task_is_cancelled_before_anything_runs() {
    let mut run = Run::queued(spec(Limits::default()));
    run.cancel().begin();
    assert_snapshot!(run.transcript(), @r"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + finished: cancelled: changed my mind
      ! conclude: cancelled: changed my mind
    > begin after 0 messages
    ");
}

#[test]
fn a_cancelled_task_stops_its_model_and_ignores_the_reply() {
    let mut run = Run::begun();
    run.cancel().says(1, "878 km").cancel();
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + finished: cancelled: changed my mind
      ! abort model
      ! conclude: cancelled: changed my mind
    > model 1.1 replies "878 km"
    > cancel: changed my mind
    "#);
}

/// A pure call that was stopped did nothing; of all others nobody can say.
#[test]
fn a_cancelled_task_says_what_became_of_each_open_call() {
    let mut run = Run::begun();
    run.calls(
        1,
        [
            ("c1", "lookup", "{}"),
            ("c2", "mail", "{}"),
            ("c3", "book", "{}"),
            ("c4", "transfer", "{}"),
            ("c5", "lookup", "{}"),
        ],
    );
    run.tool(1, 4, json!("settled before")).transcript();
    run.cancel();
    assert_snapshot!(run.transcript(), @r"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + tool failed t1/1.0: cancelled: the task ended before the call did
      + outcome unknown t1/1.1
      + outcome unknown t1/1.2
      + outcome unknown t1/1.3
      + finished: cancelled: changed my mind
      ! abort tool t1/1.0
      ! abort tool t1/1.1
      ! abort tool t1/1.2
      ! abort tool t1/1.3
      ! conclude: cancelled: changed my mind
    ");
}

#[test]
fn a_task_that_keeps_crashing_its_planner_is_set_aside() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "mail", "{}")]).crash().transcript();
    run.input(Input::Quarantine { reason: "index out of bounds".into() });
    assert_snapshot!(run.transcript(), @r"
    > quarantine: index out of bounds
      + crashed too often
      + finished: quarantined: index out of bounds
      ! abort model
      ! conclude: quarantined: index out of bounds
    ");
}

#[test]
fn nothing_follows_the_end() {
    let mut run = Run::begun();
    run.says(1, "878 km").transcript();
    run.begin().says(1, "more").tool(1, 0, json!(1)).cancel().time_is_up();
    run.input(Input::Quarantine { reason: "late".into() });
    assert_snapshot!(run.transcript(), @r#"
    > begin after 0 messages
    > model 1.1 replies "more"
    > tool t1/1.0 gives 1
    > cancel: changed my mind
    > the clock is looked at
    > quarantine: late
    "#);
}
