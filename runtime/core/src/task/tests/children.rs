//! Transcripts of tasks that make tasks: one, many at a time, without waiting, and handing everything over.

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, asking, undoing, with},
    run::Run,
};
use crate::{
    agent::Limits,
    id::SessionId,
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
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies run_task({"agent":"helper","input":"count"}) as "c1"
      + model replied 1 run_task({"agent":"helper","input":"count"}) as "c1"
      + wait begun t1/1.0 run_task({"agent":"helper","input":"count"}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":1,"join":"one"}
      + child asked t1.1.0: helper "count"
      + parked
      ! spawn t1.1.0
      ! park
    > child t1.1.0 ends: done "three"
      + child ended t1.1.0: done "three"
      + tool done t1/1.0: {"answer":"three","task":"t1.1.0"}
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    > child t1.1.0 ends: done "four"
    "#);
    assert_snapshot!(run.last_message(), @r#"run_task as c1: {"answer":"three","task":"t1.1.0"}"#);
    assert_eq!(run.task().spent().usage.total(), 15 + 100);
}

#[test]
fn a_task_that_fails_is_an_error_of_the_call() {
    let mut run = calling(able(Limits::default()), "run_task", ONE);
    run.child_fails("t1.1.0");
    assert_snapshot!(run.last_message(), @r#"run_task as c1: {"error":"task t1.1.0: the model is out","kind":"upstream"}"#);
    run.transcript();
}

#[test]
fn many_tasks_run_so_many_at_a_time_and_answer_in_order() {
    let arguments = r#"{"agent":"helper","inputs":["x","y","z"],"parallel":2}"#;
    let mut run = calling(able(Limits::default()), "map_tasks", arguments);
    run.child_answers("t1.1.0.1", "Y").child_fails("t1.1.0.0").crash().child_answers("t1.1.0.2", "Z");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}) as "c1"
      + model replied 1 map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}) as "c1"
      + wait begun t1/1.0 map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}), pure, epoch 0: {"for":"children","tasks":["t1.1.0.0","t1.1.0.1","t1.1.0.2"],"parallel":2,"join":"all"}
      + child asked t1.1.0.0: helper "x"
      + child asked t1.1.0.1: helper "y"
      + parked
      ! spawn t1.1.0.0
      ! spawn t1.1.0.1
      ! park
    > child t1.1.0.1 ends: done "Y"
      + child ended t1.1.0.1: done "Y"
      + woken
      + child asked t1.1.0.2: helper "z"
      + parked
      ! spawn t1.1.0.2
      ! park
    > child t1.1.0.0 ends: failed model: the model is out
      + child ended t1.1.0.0: failed model: the model is out
      ! park
    ~ crash
    > resume as epoch 1
      ! spawn t1.1.0.2
      ! park
    > child t1.1.0.2 ends: done "Z"
      + child ended t1.1.0.2: done "Z"
      + tool done t1/1.0: [{"error":"the model is out","task":"t1.1.0.0"},{"answer":"Y","task":"t1.1.0.1"},{"answer":"Z","task":"t1.1.0.2"}]
      + woken
      + model asked 2.1
      ! wake at 301000 ms
      ! ask model 2.1
    "#);
    assert_snapshot!(run.last_message(), @r#"map_tasks as c1: [{"error":"the model is out","task":"t1.1.0.0"},{"answer":"Y","task":"t1.1.0.1"},{"answer":"Z","task":"t1.1.0.2"}]"#);
}

#[test]
fn no_tasks_at_all_are_over_at_once() {
    let mut run = calling(able(Limits::default()), "map_tasks", r#"{"agent":"helper","inputs":[]}"#);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies map_tasks({"agent":"helper","inputs":[]}) as "c1"
      + model replied 1 map_tasks({"agent":"helper","inputs":[]}) as "c1"
      + wait begun t1/1.0 map_tasks({"agent":"helper","inputs":[]}), pure, epoch 0: {"for":"children","tasks":[],"parallel":4,"join":"all"}
      + tool done t1/1.0: []
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_task_goes_on_beside_one_it_made_and_waits_for_it_later() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.calls(2, [("c1", "await_tasks", r#"{"tasks":["t1.1.0"]}"#)]).child_answers("t1.1.0", "three");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies spawn_task({"agent":"helper","input":"count"}) as "c1"
      + model replied 1 spawn_task({"agent":"helper","input":"count"}) as "c1"
      + wait begun t1/1.0 spawn_task({"agent":"helper","input":"count"}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":1,"join":"one"}
      + child asked t1.1.0: helper "count"
      + tool done t1/1.0: {"task":"t1.1.0"}
      + model asked 2.1
      ! spawn t1.1.0
      ! ask model 2.1
    > model 2.1 replies await_tasks({"tasks":["t1.1.0"]}) as "c1"
      + model replied 2 await_tasks({"tasks":["t1.1.0"]}) as "c1"
      + wait begun t1/2.0 await_tasks({"tasks":["t1.1.0"]}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":0,"join":"all"}
      + parked
      ! park
    > child t1.1.0 ends: done "three"
      + child ended t1.1.0: done "three"
      + tool done t1/2.0: [{"answer":"three","task":"t1.1.0"}]
      + woken
      + model asked 3.1
      ! wake at 301000 ms
      ! ask model 3.1
    "#);
}

#[test]
fn a_task_that_is_over_can_be_waited_for_but_none_that_was_never_made_or_is_named_twice() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.child_answers("t1.1.0", "three").transcript();
    let all = [
        ("c1", "await_tasks", r#"{"tasks":["t1.1.0"]}"#),
        ("c2", "await_tasks", r#"{"tasks":["t9"]}"#),
        ("c3", "await_tasks", r#"{"tasks":["t1.1.0","t1.1.0"]}"#),
    ];
    run.calls(2, all);
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies await_tasks({"tasks":["t1.1.0"]}) as "c1" await_tasks({"tasks":["t9"]}) as "c2" await_tasks({"tasks":["t1.1.0","t1.1.0"]}) as "c3"
      + model replied 2 await_tasks({"tasks":["t1.1.0"]}) as "c1" await_tasks({"tasks":["t9"]}) as "c2" await_tasks({"tasks":["t1.1.0","t1.1.0"]}) as "c3"
      + wait begun t1/2.0 await_tasks({"tasks":["t1.1.0"]}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":0,"join":"all"}
      + tool done t1/2.0: [{"answer":"three","task":"t1.1.0"}]
      + tool refused await_tasks as c2: not-found: this task has made no task `t9`
      + tool refused await_tasks as c3: invalid-input: await_tasks: task `t1.1.0` is named twice
      + model asked 3.1
      ! ask model 3.1
    "#);
}

#[test]
fn a_conversation_that_is_handed_over_is_answered_by_the_other() {
    let mut run = Run::of(able(Limits::default()));
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(878)).transcript();
    run.calls(2, [("c1", "hand_off", r#"{"agent":"helper"}"#), ("c2", "mail", "{}")]);
    run.child_answers("t1.2.0", "878 km");
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies hand_off({"agent":"helper"}) as "c1" mail({}) as "c2"
      + model replied 2 hand_off({"agent":"helper"}) as "c1" mail({}) as "c2"
      + wait begun t1/2.0 hand_off({"agent":"helper"}), pure, epoch 0: {"for":"children","tasks":["t1.2.0"],"parallel":1,"join":"hand_off"}
      + child asked t1.2.0: helper ""
      + tool asked t1/2.1 mail({}), once, epoch 0
      ! spawn t1.2.0
      ! call t1/2.1 mail({}), once, epoch 0
    > child t1.2.0 ends: done "878 km"
      + child ended t1.2.0: done "878 km"
      + tool done t1/2.0: "878 km"
      + outcome unknown t1/2.1
      + finished: done "878 km"
      ! abort tool t1/2.1
      ! conclude: done "878 km"
    "#);
}

#[test]
fn a_session_goes_on_after_a_conversation_that_was_handed_over() {
    let mut spec = able(Limits::default());
    spec.session = Some(SessionId::new("s1").unwrap());
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "hand_off", r#"{"agent":"helper"}"#), ("c2", "mail", "{}")]);
    run.tool(1, 1, json!("sent")).child_answers("t1.1.0", "878 km").transcript();
    let turn = run.task().turn(0).expect("the task is done");
    let messages: String = turn.messages.iter().map(super::transcript::message).collect();
    assert_snapshot!(messages, @r#"
    user: How far is Berlin?
    assistant: hand_off({"agent":"helper"}) as "c1" mail({}) as "c2"
    hand_off as c1: "878 km"
    mail as c2: "sent"
    assistant: "878 km"
    "#);
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
    assert_snapshot!(run.transcript(), @"
    > child t1.1.0 ends: failed model: the model is out
      + child ended t1.1.0: failed model: the model is out
      + tool failed t1/1.0: upstream: the conversation was handed to task t1.1.0: the model is out
      + tool failed t1/1.1: cancelled: the task ended before the call did
      + woken
      + finished: failed hand_off: the conversation was handed to task t1.1.0: the model is out
      ! cancel t1.1.1.0
      ! conclude: failed hand_off: the conversation was handed to task t1.1.0: the model is out
    ");
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
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies run_task({"agent":"boss","input":"x"}) as "c1" map_tasks({"agent":"helper","inputs":["x","y"],"parallel":1}) as "c2" map_tasks({"agent":"helper","inputs":["x","y"],"parallel":1}) as "c3" run_task({"agent":"helper","input":"count"}) as "c4" run_task({"agent":"helper","input":"count"}) as "c5"
      + model replied 1 run_task({"agent":"boss","input":"x"}) as "c1" map_tasks({"agent":"helper","inputs":["x","y"],"parallel":1}) as "c2" map_tasks({"agent":"helper","inputs":["x","y"],"parallel":1}) as "c3" run_task({"agent":"helper","input":"count"}) as "c4" run_task({"agent":"helper","input":"count"}) as "c5"
      + tool refused run_task as c1: denied: work cannot be given to `boss`; the agents are: helper
      + wait begun t1/1.1 map_tasks({"agent":"helper","inputs":["x","y"],"parallel":1}), pure, epoch 0: {"for":"children","tasks":["t1.1.1.0","t1.1.1.1"],"parallel":1,"join":"all"}
      + child asked t1.1.1.0: helper "x"
      + tool refused map_tasks as c3: denied: this task may make 3 tasks (`limits.children`); do the rest yourself
      + wait begun t1/1.3 run_task({"agent":"helper","input":"count"}), pure, epoch 0: {"for":"children","tasks":["t1.1.3"],"parallel":1,"join":"one"}
      + child asked t1.1.3: helper "count"
      + tool refused run_task as c5: denied: this task may make 3 tasks (`limits.children`); do the rest yourself
      + parked
      ! spawn t1.1.1.0
      ! spawn t1.1.3
      ! park
    "#);
    let mut run = calling(able(Limits { depth: 0, ..Limits::default() }), "run_task", ONE);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies run_task({"agent":"helper","input":"count"}) as "c1"
      + model replied 1 run_task({"agent":"helper","input":"count"}) as "c1"
      + tool refused run_task as c1: denied: tasks are nested as deeply as `limits.depth` allows; do this yourself
      + model asked 2.1
      ! ask model 2.1
    "#);
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
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}) as "c1"
      + model replied 1 map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}) as "c1"
      + wait begun t1/1.0 map_tasks({"agent":"helper","inputs":["x","y","z"],"parallel":2}), pure, epoch 0: {"for":"children","tasks":["t1.1.0.0","t1.1.0.1","t1.1.0.2"],"parallel":2,"join":"all"}
      + child asked t1.1.0.0: helper "x", 250 tokens
      + child asked t1.1.0.1: helper "y", 375 tokens
      + parked
      ! spawn t1.1.0.0
      ! spawn t1.1.0.1
      ! park
    > child t1.1.0.0 ends: done "X"
      + child ended t1.1.0.0: done "X"
      + woken
      + child asked t1.1.0.2: helper "z", 262 tokens
      + parked
      ! spawn t1.1.0.2
      ! park
    "#);
    assert_eq!(run.task().spent().cost_microusd, 10 * 2 + 5 * 4 + 7);
}

#[test]
fn a_task_that_has_nothing_left_makes_no_tasks() {
    let mut run = calling(able(Limits { tokens: Some(16), ..Limits::default() }), "run_task", ONE);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies run_task({"agent":"helper","input":"count"}) as "c1"
      + model replied 1 run_task({"agent":"helper","input":"count"}) as "c1"
      + tool refused run_task as c1: denied: not enough of the task's budget is left to give work away
      + model asked 2.1
      ! ask model 2.1
    "#);
}

#[test]
fn a_cancelled_task_cancels_those_it_made_and_again_after_a_crash() {
    let spec = undoing(able(Limits::default()), "book", "lookup");
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "book", r#"{"n":1}"#), ("c2", "spawn_task", ONE)]).tool(1, 0, json!("ok"));
    run.transcript();
    run.cancel().crash().undone(1, 0, Ok(json!("gone"))).crash();
    assert_snapshot!(run.transcript(), @r#"
    > cancel: changed my mind
      + cancel requested: changed my mind
      + undoing before cancelled: changed my mind
      + tool asked t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! abort model
      ! cancel t1.1.1
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
    ~ crash
    > resume as epoch 1
      + resumed as epoch 1
      ! call t1/1.0~undo lookup({"undo":1}), pure, epoch 0
      ! cancel t1.1.1
    > tool t1/1.0~undo gives "gone"
      + tool done t1/1.0~undo: "gone"
      + finished: cancelled: changed my mind
      ! cancel t1.1.1
      ! conclude: cancelled: changed my mind
    ~ crash
    > resume as epoch 2
      ! cancel t1.1.1
      ! conclude: cancelled: changed my mind
    "#);
}

#[test]
fn a_task_that_ends_in_the_step_that_asks_for_another_makes_none() {
    let mut run = calling(able(Limits { steps: 1, ..Limits::default() }), "spawn_task", ONE);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies spawn_task({"agent":"helper","input":"count"}) as "c1"
      + model replied 1 spawn_task({"agent":"helper","input":"count"}) as "c1"
      + wait begun t1/1.0 spawn_task({"agent":"helper","input":"count"}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":1,"join":"one"}
      + child asked t1.1.0: helper "count"
      + tool done t1/1.0: {"task":"t1.1.0"}
      + finished: failed step_budget: no answer after 1 model calls; raise `limits.steps` of the agent, or ask for less
      ! cancel t1.1.0
      ! conclude: failed step_budget: no answer after 1 model calls; raise `limits.steps` of the agent, or ask for less
    "#);
}

#[test]
fn a_task_that_is_done_cancels_what_it_did_not_wait_for() {
    let mut run = calling(able(Limits::default()), "spawn_task", ONE);
    run.transcript();
    run.says(2, "done").child_answers("t1.1.0", "too late");
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies "done"
      + model replied 2 "done"
      + finished: done "done"
      ! cancel t1.1.0
      ! conclude: done "done"
    > child t1.1.0 ends: done "too late"
    "#);
}

#[test]
fn tasks_that_need_agreement_are_made_after_it_with_the_arguments_agreed_to() {
    let mut run = calling(asking(able(Limits::default()), "run_task"), "run_task", ONE);
    run.transcript();
    let arguments = Some(json!({ "agent": "helper", "input": "count twice" }));
    run.decides(0, crate::task::Decision::Approve { arguments });
    assert_snapshot!(run.transcript(), @r#"
    > ada decides t1/1.0: {"decision":"approve","arguments":{"agent":"helper","input":"count twice"}}
      + approved t1/1.0 by ada as {"agent":"helper","input":"count twice"}
      + wait begun t1/1.0 run_task({"agent":"helper","input":"count twice"}), pure, epoch 0: {"for":"children","tasks":["t1.1.0"],"parallel":1,"join":"one"}
      + woken
      + child asked t1.1.0: helper "count twice"
      + parked
      ! spawn t1.1.0
      ! park
    "#);
}

#[test]
fn a_task_that_nobody_may_be_given_work_says_so() {
    let spec = with(able(Limits::default()), |agent| agent.policy.agents.clear());
    let mut run = calling(spec, "run_task", ONE);
    assert_snapshot!(run.last_message(), @r#"run_task as c1: {"error":"work cannot be given to `helper`; the agents are: none","kind":"denied"}"#);
    run.transcript();
}
