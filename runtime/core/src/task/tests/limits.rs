//! Transcripts of budgets that run out (J7), and of input that would not survive the journal (J4).

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{
    fixture::{call, effect, reply, spec},
    run::Run,
};
use crate::{
    agent::Limits,
    labels::Labels,
    message::Arguments,
    model::Finish,
    task::{Event, Input, Task},
};

#[test]
fn the_step_budget_ends_a_task_that_goes_round_in_circles() {
    let mut run = Run::queued(spec(Limits { steps: 2, ..Limits::default() }));
    run.begin().calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(1)).transcript();
    run.calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(1));
    assert_snapshot!(run.transcript(), @r#"
    > model 2.1 replies lookup({}) as "c1"
      + model replied 2 lookup({}) as "c1"
      + tool asked t1/2.0 lookup({}), pure, epoch 0
      ! call t1/2.0 lookup({}), pure, epoch 0
    > tool t1/2.0 gives 1
      + tool done t1/2.0: 1
      + finished: failed step_budget: no answer after 2 model calls; raise `limits.steps` of the agent, or ask for less
      ! conclude: failed step_budget: no answer after 2 model calls; raise `limits.steps` of the agent, or ask for less
    "#);
}

#[test]
fn a_repair_needs_a_step_too() {
    let mut run = Run::queued(spec(Limits { steps: 1, ..Limits::default() }));
    run.begin().transcript();
    run.says(1, "");
    assert_snapshot!(run.transcript(), @r"
    > model 1.1 replies
      + model replied 1
      + repair asked: Your reply was empty. Answer the question, or call a tool.
      + finished: failed step_budget: no answer after 1 model calls; raise `limits.steps` of the agent, or ask for less
      ! conclude: failed step_budget: no answer after 1 model calls; raise `limits.steps` of the agent, or ask for less
    ");
}

#[test]
fn the_time_budget_ends_a_task_whose_model_is_slow() {
    let mut run = Run::begun();
    run.time_is_up();
    assert_snapshot!(run.transcript(), @r"
    > the clock is looked at
      + deadline passed
      + finished: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
      ! abort model
      ! conclude: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
    ");
}

#[test]
fn the_time_budget_ends_a_task_whose_tools_are_slow() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}"), ("c2", "mail", "{}")]).transcript();
    run.time_is_up().tool(1, 1, json!("sent after all"));
    assert_snapshot!(run.transcript(), @r#"
    > the clock is looked at
      + deadline passed
      + tool failed t1/1.0: cancelled: the task ended before the call did
      + outcome unknown t1/1.1
      + finished: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
      ! abort tool t1/1.0
      ! abort tool t1/1.1
      ! conclude: failed time_budget: the task was not done after 300000 ms; raise `limits.time_ms` of the agent, or ask for less
    > tool t1/1.1 gives "sent after all"
    "#);
}

#[test]
fn a_number_is_the_same_after_the_journal() {
    let output = serde_json::from_str("958471780014307.76").unwrap();
    let done = Event::ToolDone { effect_id: effect(1, 0), output };
    assert_eq!(through_text(vec![done.clone()]), [done]);
}

/// `[[[…]]]`, as deep as `serde_json` reads it.
fn deep(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

/// What a journal does to events: JSON text, and back.
fn through_text(events: Vec<Event>) -> Vec<Event> {
    let text = serde_json::to_string(&events).unwrap();
    serde_json::from_str(&text).expect("what a task wrote can be read")
}

#[test]
fn arguments_and_outputs_nested_too_deep_for_a_journal_are_refused() {
    let mut task = Task::new(spec(Limits::default()));
    task.step(2_000, Input::Begin { history: Vec::new(), dropped_turns: 0, labels: Labels::default() });
    let calls = vec![call("c1", "lookup", &deep(127)), call("c2", "lookup", "{}")];
    assert!(matches!(calls[0].arguments, Arguments::Json(_)), "the backend can read them");
    let result = Ok(reply("", calls, Finish::ToolCalls));
    let step = task.step(2_000, Input::ModelReplied { step: 1, attempt: 1, result });
    assert!(matches!(&step.events[1], Event::ToolRefused { error, .. } if error.message.contains("nested")));
    through_text(step.events);
    let output: Value = serde_json::from_str(&deep(127)).unwrap();
    let step = task.step(2_000, Input::ToolReplied { effect_id: effect(1, 1), called: Ok(output).into() });
    assert!(matches!(&step.events[0], Event::ToolFailed { error, .. } if error.message.contains("nested")));
    through_text(step.events);
}
