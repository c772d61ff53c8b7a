//! Transcripts of tasks that hold still, in every phase.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, asking, spec, undoing},
    run::Run,
};
use crate::{agent::Limits, task::Decision};

#[test]
fn a_queued_task_does_not_begin_while_it_is_paused() {
    let mut run = Run::queued(spec(Limits::default()));
    run.pause().pause().begin().unpause().unpause().begin();
    assert_snapshot!(run.transcript(), @"
    > pause: look first
      + paused: look first
      + parked
      ! park
    > pause: look first
      - the task is paused already
    > begin after 0 messages
      ! park
    > unpause
      + unpaused
      + woken
      ! wake at 301000 ms
    > unpause
      - the task is not paused
    > begin after 0 messages
      + started
      + model asked 1.1
      ! wake at 301000 ms
      ! ask model 1.1
    ");
}

#[test]
fn a_thinking_task_drops_its_question_and_asks_again_later() {
    let mut run = Run::begun();
    run.pause().says(1, "878 km").crash().unpause().says(1, "878 km");
    assert_snapshot!(run.transcript(), @r#"
    > pause: look first
      + paused: look first
      + parked
      ! abort model
      ! park
    > model 1.1 replies "878 km"
      ! park
    ~ crash
    > resume as epoch 1
      ! park
    > unpause
      + unpaused
      + woken
      + model asked 1.1
      ! wake at 301000 ms
      ! ask model 1.1
    > model 1.1 replies "878 km"
      + model replied 1 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
}

#[test]
fn calls_under_way_end_and_the_model_is_not_asked_until_it_may_go_on() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}")]).transcript();
    run.pause().tool(1, 0, json!(878)).crash().unpause();
    assert_snapshot!(run.transcript(), @"
    > pause: look first
      + paused: look first
    > tool t1/1.0 gives 878
      + tool done t1/1.0: 878
      + parked
      ! park
    ~ crash
    > resume as epoch 1
      ! park
    > unpause
      + unpaused
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    ");
}

#[test]
fn a_paused_task_makes_no_call_that_a_person_agrees_to_but_hears_of_one_denied() {
    let mut run = Run::of(asking(spec(Limits::default()), "mail"));
    run.calls(1, [("c1", "mail", "{}")]).transcript();
    run.pause().approves(0).decides(0, Decision::Deny { reason: "no".into() }).unpause();
    assert_snapshot!(run.transcript(), @r#"
    > pause: look first
      + paused: look first
      ! park
    > ada decides t1/1.0: {"decision":"approve"}
      - the task is paused; let it go on before it makes another call
    > ada decides t1/1.0: {"decision":"deny","reason":"no"}
      + denied t1/1.0 by ada: no
      + tool failed t1/1.0: denied: a person did not allow this call: no
      ! park
    > unpause
      + unpaused
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn what_came_due_meanwhile_is_done_when_it_goes_on() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "sleep", r#"{"seconds":5}"#)]).transcript();
    run.pause().later(60_000).unpause();
    assert_snapshot!(run.transcript(), @r#"
    > pause: look first
      + paused: look first
      ! park
    > unpause
      + unpaused
      + tool done t1/1.0: {"slept_until_ms":7000}
      + woken
      + model asked 2.1
      ! wake at 359000 ms
      ! ask model 2.1
    "#);
}

#[test]
fn a_task_whose_end_of_time_has_passed_asks_nothing_more_when_it_goes_on() {
    let mut spec = spec(Limits::default());
    spec.until_ms = Some(30_000);
    let mut run = Run::of(spec);
    run.pause().transcript();
    run.later(30_000).unpause();
    assert_snapshot!(run.transcript(), @"
    > unpause
      + unpaused
      + deadline passed
      + woken
      + finished: failed time_budget: the task was not done by its time, 30000 ms since 1970
      ! conclude: failed time_budget: the task was not done by its time, 30000 ms since 1970
    ");
}

#[test]
fn a_paused_task_makes_no_tasks_and_makes_the_rest_when_it_goes_on() {
    let mut run = Run::of(able(Limits::default()));
    let arguments = r#"{"agent":"helper","inputs":["x","y"],"parallel":1}"#;
    run.calls(1, [("c1", "map_tasks", arguments)]).transcript();
    run.pause().child_answers("t1.1.0.0", "done").unpause();
    assert_snapshot!(run.transcript(), @r#"
    > pause: look first
      + paused: look first
      ! park
    > child t1.1.0.0 ends: done "done"
      + child ended t1.1.0.0: done "done"
      ! park
    > unpause
      + unpaused
      + woken
      + child asked t1.1.0.1: helper "y"
      + parked
      ! spawn t1.1.0.1
      ! park
    "#);
}

#[test]
fn a_paused_task_can_be_cancelled_and_takes_back_what_it_did() {
    let mut run = Run::of(undoing(spec(Limits::default()), "book", "lookup"));
    run.calls(1, [("c1", "book", r#"{"n":1}"#)]).tool(1, 0, json!("ok")).pause().transcript();
    run.cancel().pause().unpause().undone(1, 0, Ok(json!("gone")));
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + woken
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    > pause: look first
      - the task is ending
    > unpause
      + unpaused
    > tool t1/1.0~undo gives "gone"
      + tool done t1/1.0~undo: "gone"
      + finished: cancelled: changed my mind
      ! conclude: cancelled: changed my mind
    "#);
}
