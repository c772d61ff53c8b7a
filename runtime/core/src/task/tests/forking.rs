//! Forks: whole lives that branch off another's history.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{able, asking, spec, with},
    run::Run,
};
use crate::{
    agent::{AgentDef, Limits, Pinned},
    id::TaskId,
    task::{Fork, ForkError, Input, fork, replay},
};

/// The fork `t2` of what `run` recorded, on the same agent.
fn fork_of(run: &Run, step: u32, input: Option<&str>) -> Result<Run, ForkError> {
    fork_on(run, step, input, run.task().spec().pinned.clone())
}

fn fork_on(run: &Run, step: u32, input: Option<&str>, pinned: Pinned) -> Result<Run, ForkError> {
    let id = TaskId::new("t2").unwrap();
    let input = input.map(str::to_owned);
    let (task, events) = fork(run.records(), Fork { id, step, input, pinned, now_ms: 9_000 })?;
    Ok(Run::with_journal(task, events))
}

/// A task that looked something up, then answered.
fn answered() -> Run {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(878)).says(2, "878 km");
    run
}

#[test]
fn a_fork_asks_its_step_anew_and_goes_its_own_way() {
    let mut fork = fork_of(&answered(), 2, None).unwrap();
    fork.input(Input::Resume { epoch: 1 }).calls(2, [("c1", "book", "{}")]);
    assert_snapshot!(fork.transcript(), @r#"
    > resume as epoch 1
      + resumed as epoch 1
      + model asked 2.1
      ! wake at 309000 ms
      ! ask model 2.1
    > model 2.1 replies book({}) as "c1"
      + model replied 2 book({}) as "c1"
      + tool asked t2/2.0 book({}), idempotent, epoch 1
      ! call t2/2.0 book({}), idempotent, epoch 1
    "#);
    assert_eq!(fork.task().spec().lineage.forked, Some((TaskId::new("t1").unwrap(), 2)));
    assert_eq!(fork.task().spent().usage.total(), 15, "what the other used is not this one's");
}

#[test]
fn a_fork_at_the_first_step_may_have_other_words_instead() {
    let mut fork = fork_of(&answered(), 1, Some("How far is Bonn?")).unwrap();
    fork.input(Input::Tick);
    assert_snapshot!(fork.prompt(), @"
    system: Be brief.
    user: How far is Bonn?
    ");
    assert_snapshot!(fork.transcript(), @"
    > the clock is looked at
      + model asked 1.1
      ! wake at 309000 ms
      ! ask model 1.1
    ");
}

#[test]
fn a_fork_at_a_later_step_may_have_more_words() {
    let mut fork = fork_of(&answered(), 2, Some("In miles, please.")).unwrap();
    fork.input(Input::Resume { epoch: 1 });
    assert_snapshot!(fork.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: lookup({}) as "c1"
    lookup as c1: 878
    user: In miles, please.
    "#);
    fork.transcript();
}

#[test]
fn a_fork_may_run_on_another_agent() {
    let run = answered();
    let pinned = run.task().spec().pinned.clone();
    let agent = AgentDef { instructions: "Be long.".into(), ..(*pinned.agent).clone() };
    let fork = fork_on(&run, 2, None, Pinned { agent: Arc::new(agent), ..pinned }).unwrap();
    assert!(fork.prompt().starts_with("system: Be long.\n"));
}

#[test]
fn a_task_is_forked_only_where_its_model_was_asked() {
    let refused = |step| fork_of(&answered(), step, None).err();
    assert_eq!(refused(0), Some(ForkError::NoSuchStep { step: 0, last: 2 }));
    assert_eq!(refused(3), Some(ForkError::NoSuchStep { step: 3, last: 2 }));
    let queued = Run::queued(spec(Limits::default()));
    assert_eq!(fork_of(&queued, 1, None).err(), Some(ForkError::NoSuchStep { step: 1, last: 0 }));
}

#[test]
fn a_fork_of_a_repaired_a_parked_a_paused_and_a_cancelled_task_goes_on_from_there() {
    let mut run = Run::of(asking(able(Limits::default()), "mail"));
    run.signal("s1", "paid", json!(1)).says(1, "");
    run.calls(2, [("c1", "mail", "{}"), ("c2", "spawn_task", r#"{"agent":"helper","input":"x"}"#)]);
    run.input(Input::Decide {
        effect_id: super::fixture::effect(2, 0),
        args_digest: None,
        decision: crate::task::Decision::Deny { reason: String::new() },
        by: "ada".into(),
    });
    run.pause().unpause().cancel();
    for step in 1..=3 {
        let mut fork = fork_of(&run, step, None).unwrap();
        fork.input(Input::Resume { epoch: 1 }).signal("s1", "paid", json!(2)).says(step, "done");
        assert_eq!(fork.task().running_children().count(), 0);
        assert!(
            fork.transcript().contains("signal received s1"),
            "what the other was sent is not this one's"
        );
        assert_eq!(fork.task().turn(0), None, "a fork is no part of a session");
    }
}

#[test]
fn a_fork_of_a_fork_shares_both_histories() {
    let mut first = fork_of(&answered(), 2, Some("In miles.")).unwrap();
    first.input(Input::Resume { epoch: 1 }).calls(2, [("c1", "lookup", "{}")]).tool(2, 0, json!(0));
    assert_eq!(first.divergence(), None);
    for step in 1..=2 {
        let mut second = fork_of(&first, step, None).unwrap();
        second.input(Input::Resume { epoch: 2 }).says(step, "545 miles").transcript();
        assert_eq!(replay(second.records(), None).unwrap().records, second.records().len());
    }
}

#[test]
fn a_fork_can_be_made_on_an_agent_that_lacks_the_tools_of_its_past() {
    let run = answered();
    let pinned = with(spec(Limits::default()), |agent| agent.tools.clear()).pinned;
    let mut fork = fork_on(&run, 2, None, Pinned { tools: Vec::new(), ..pinned }).unwrap();
    fork.input(Input::Resume { epoch: 1 }).calls(2, [("c1", "lookup", "{}")]);
    assert!(fork.transcript().contains("there is no tool `lookup`"));
}
