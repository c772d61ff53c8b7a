//! Transcripts of tasks that make tasks: one, many at a time, without waiting, and handing everything over.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, asking, undoing, with},
    run::Run,
};
use crate::{
    agent::Limits,
    message::Message,
    model::Price,
    task::{Effect, Input, TaskSpec},
};

/// The one call of `tool` that a new task's model makes.
fn calling(spec: TaskSpec, tool: &str, arguments: &str) -> Run {
    let mut run = Run::of(spec);
    run.calls(1, [("c1", tool, arguments)]);
    run
}

const ONE: &str = r#"{"agent":"helper","input":"count"}"#;

#[test]
fn a_task_waits_for_the_one_it_makes() {
    let mut run = calling(able(Limits::default()), "run_task", ONE);
    run.child_answers("t1.1.0", "three").child_answers("t1.1.0", "four");
    assert_snapshot!(run.transcript(), @"");
    assert_snapshot!(run.last_message(), @"");
    assert_eq!(run.task().spent().usage.total(), 15 + 100);
}

#[test]
fn a_task_that_fails_is_an_error_of_the_call() {
    let mut run = calling(able(Limits::default()), "run_task", ONE);
    run.child_fails("t1.1.0");
    assert_snapshot!(run.last_message(), @"");
    run.transcript();
}

#[test]
fn many_tasks_run_so_many_at_a_time_and_answer_in_order() {
    let arguments = r#"{"agent":"helper","inputs":["x","y","z"],"parallel":2}"#;
    let mut run = calling(able(Limits::default()), "map_tasks", arguments);
    run.child_answers("t1.1.0.1", "Y").child_fails("t1.1.0.0").crash().child_answers("t1.1.0.2", "Z");
    assert_snapshot!(run.transcript(), @"");
    assert_snapshot!(run.last_message(), @"");
}

#[test]
fn no_tasks_at_all_are_over_at_once() {
    let mut run = calling(able(Limits::default()), "map_tasks", r#"{"agent":"helper","inputs":[]}"#);
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_goes_on_beside_one_it_made_and_waits_for_it_later() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.calls(2, [("c1", "await_tasks", r#"{"tasks":["t1.1.0"]}"#)]).child_answers("t1.1.0", "three");
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_that_is_over_need_not_be_waited_for_and_one_never_made_cannot_be() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.child_answers("t1.1.0", "three").transcript();
    let both =
        [("c1", "await_tasks", r#"{"tasks":["t1.1.0"]}"#), ("c2", "await_tasks", r#"{"tasks":["t9"]}"#)];
    run.calls(2, both);
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_conversation_that_is_handed_over_is_answered_by_the_other() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(878)).transcript();
    run.calls(2, [("c1", "hand_off", r#"{"agent":"helper"}"#), ("c2", "mail", "{}")]);
    run.child_answers("t1.2.0", "878 km");
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn the_other_gets_the_conversation_without_the_open_calls() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(878));
    run.calls(2, [("c1", "hand_off", r#"{"agent":"helper","input":"go on"}"#)]);
    let mut again = run.task().clone();
    let step = again.step(2_000, Input::Resume { epoch: 1 });
    let Some(Effect::SpawnChild(order)) = step.effects.first() else { panic!("{step:?}") };
    assert_eq!(order.lineage.history.len(), 3, "{order:?}");
    assert!(matches!(order.lineage.history.last(), Some(Message::Tool { .. })));
    assert_eq!((order.agent.as_str(), order.input.as_str()), ("helper", "go on"));
    assert_eq!((order.lineage.depth, order.limits.depth), (1, Some(2)));
    assert_eq!(order.lineage.parent.as_ref(), Some(&run.task().spec().id));
}

#[test]
fn a_hand_off_that_fails_ends_the_task_and_the_tasks_beside_it() {
    let mut run = Run::of(able(Limits::default()));
    let many = r#"{"agent":"helper","inputs":["x","y"],"parallel":1}"#;
    run.calls(1, [("c1", "hand_off", r#"{"agent":"helper"}"#), ("c2", "map_tasks", many)]).transcript();
    run.child_fails("t1.1.0");
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_makes_tasks_only_of_agents_it_may_and_only_so_many_and_so_deep() {
    let few = Limits { children: 3, ..Limits::default() };
    let mut run = Run::of(able(few));
    let many = r#"{"agent":"helper","inputs":["x","y"],"parallel":1}"#;
    run.calls(
        1,
        [
            ("c1", "run_task", r#"{"agent":"boss","input":"x"}"#),
            ("c2", "map_tasks", many),
            ("c3", "map_tasks", many),
            ("c4", "run_task", ONE),
            ("c5", "run_task", ONE),
        ],
    );
    assert_snapshot!(run.transcript(), @"");
    let mut run = calling(able(Limits { depth: 0, ..Limits::default() }), "run_task", ONE);
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn what_a_task_may_use_is_shared_out_and_what_is_left_is_shared_again() {
    let limits = Limits { tokens: Some(1_015), cost_microusd: Some(1_000), ..Limits::default() };
    let mut spec = able(limits);
    spec.pinned.price = Some(Price { input: 2_000_000, cached: None, output: 4_000_000 });
    let many = r#"{"agent":"helper","inputs":["x","y","z"],"parallel":2}"#;
    let mut run = calling(spec, "map_tasks", many);
    // 15 of 1015 are used. Of 1000, half for two; then of 750, half; then of what a child has left over.
    run.child_answers("t1.1.0.0", "X");
    assert_snapshot!(run.transcript(), @"");
    assert_eq!(run.task().spent().cost_microusd, 10 * 2 + 5 * 4 + 7);
}

#[test]
fn a_task_that_has_nothing_left_makes_no_tasks() {
    let mut run = calling(able(Limits { tokens: Some(16), ..Limits::default() }), "run_task", ONE);
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_cancelled_task_cancels_those_it_made_and_again_after_a_crash() {
    let spec = undoing(able(Limits::default()), "book", "lookup");
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "book", r#"{"n":1}"#), ("c2", "spawn_task", ONE)]).tool(1, 0, json!("ok"));
    run.transcript();
    run.cancel().crash().undone(1, 0, Ok(json!("gone"))).crash();
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_that_is_done_cancels_what_it_did_not_wait_for() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.transcript();
    run.says(2, "done").child_answers("t1.1.0", "too late");
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn tasks_that_need_agreement_are_made_after_it_with_the_arguments_agreed_to() {
    let mut run = calling(asking(able(Limits::default()), "run_task"), "run_task", ONE);
    run.transcript();
    let arguments = Some(json!({ "agent": "helper", "input": "count twice" }));
    run.decides(0, crate::task::Decision::Approve { arguments });
    assert_snapshot!(run.transcript(), @"");
}

#[test]
fn a_task_that_nobody_may_be_given_work_says_so() {
    let spec = with(able(Limits::default()), |agent| agent.policy.agents.clear());
    let mut run = calling(spec, "run_task", ONE);
    assert_snapshot!(run.last_message(), @"");
    run.transcript();
}
