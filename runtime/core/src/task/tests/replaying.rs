//! Replays: what was recorded happens again, and a difference is found where it is.
//!
//! That every transcript replays is checked with every transcript, see [`Run::transcript`].

use std::sync::Arc;

use serde_json::json;

use super::{
    fixture::{asking, effect, spec},
    run::Run,
};
use crate::{
    agent::{AgentDef, Limits},
    model::ModelErrorKind,
    task::{Divergence, Event, Input, Record, TaskSpec, replay},
};

/// Two steps, with a retry of the model, a crash and an answer.
fn life() -> Run {
    let mut run = Run::begun();
    run.model_fails(1, ModelErrorKind::Network);
    let calls = vec![super::fixture::call("c1", "lookup", "{}")];
    let reply = super::fixture::reply("", calls, crate::model::Finish::ToolCalls);
    run.input(Input::ModelReplied { step: 1, attempt: 2, result: Ok(reply) });
    run.crash().tool(1, 0, json!(878)).says(2, "878 km");
    run.transcript();
    run
}

fn first_difference(records: &[Record], agent: Option<AgentDef>) -> Option<Divergence> {
    let Event::Submitted(spec) = &records[0].event else { panic!("{records:?}") };
    let pinned = agent.map(|agent| crate::agent::Pinned { agent: Arc::new(agent), ..spec.pinned.clone() });
    replay(records, pinned).unwrap().divergence
}

#[test]
fn an_unchanged_record_replays_to_its_end() {
    let run = life();
    let replayed = replay(run.records(), None).unwrap();
    assert_eq!((replayed.records, replayed.divergence), (run.records().len(), None));
}

#[test]
fn a_changed_decision_is_found_where_it_stands() {
    let run = life();
    for at in 1..run.records().len() {
        let mut records = run.records().to_vec();
        let (Event::ModelAsked { attempt, .. } | Event::ToolRetried { attempt, .. }) = &mut records[at].event
        else {
            continue;
        };
        *attempt += 7;
        let found = first_difference(&records, None).expect("it differs");
        assert_eq!((found.at, found.recorded.as_ref()), (at as u64, Some(&records[at].event)));
        assert_eq!(found.now.as_ref(), Some(&run.records()[at].event));
    }
}

#[test]
fn a_changed_result_is_found_where_the_machine_would_go_another_way() {
    let mut records = life().records().to_vec();
    let at = records.len() - 2;
    let Event::ModelReplied { reply, .. } = &mut records[at].event else { panic!("{records:?}") };
    reply.message.content = String::new();
    let found = first_difference(&records, None).expect("an empty answer is no answer");
    assert_eq!(found.at, at as u64 + 1);
    assert!(matches!(found.now, Some(Event::RepairAsked { .. })), "{found:?}");
}

#[test]
fn a_record_that_ends_too_early_or_goes_on_too_long_is_found() {
    let run = life();
    let short =
        first_difference(&run.records()[..run.records().len() - 1], None).expect("the end is missing");
    assert_eq!((short.at, short.recorded), (run.records().len() as u64 - 1, None));
    let mut long = run.records().to_vec();
    long.push(long.last().unwrap().clone());
    let found = first_difference(&long, None).expect("nothing follows the end");
    assert_eq!((found.at, found.now), (run.records().len() as u64, None));
}

#[test]
fn a_changed_agent_shows_where_it_would_have_acted_differently() {
    let run = life();
    let spec: TaskSpec = asking(spec(Limits::default()), "lookup");
    let found = first_difference(run.records(), Some((*spec.pinned.agent).clone())).expect("it would ask");
    let first = |event: &Event| matches!(event, Event::ToolAsked(intent) if intent.effect_id == effect(1, 0));
    let asked = run.events().iter().position(first).unwrap();
    assert_eq!(found.at, asked as u64);
    assert!(matches!(found.now, Some(Event::WaitBegun { .. })), "{found:?}");
}

#[test]
fn a_record_without_a_beginning_is_no_record() {
    assert!(replay(&life().records()[1..], None).is_err());
    assert!(replay(&[], None).is_err());
}
