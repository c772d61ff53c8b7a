//! Replaying: a recorded task as a regression test.

use std::sync::Arc;

use playhouse_api::Export;
use playhouse_core::{
    agent::Pinned,
    task::{self, BadJournal, Event, Replayed},
};

use crate::Agent;

/// Runs a task against its recorded results, without model, tools or house: the task machine of this program
/// must decide what was decided then. With `agent`, as that one: the first divergence shows where it would have
/// acted otherwise.
pub fn replay(export: &Export, agent: Option<&Agent>) -> Result<Replayed, BadJournal> {
    let recorded = export.records.first().and_then(|record| match &record.event {
        Event::Submitted(spec) => Some(&spec.pinned),
        _ => None,
    });
    let pinned = agent.zip(recorded).map(|(agent, recorded)| pinned(agent, recorded));
    task::replay(&export.records, pinned)
}

/// What a task of `agent` would run on: its own tools, and of those of the house the ones that were recorded.
fn pinned(agent: &Agent, recorded: &Pinned) -> Pinned {
    let own = agent.tools.iter().map(|tool| Arc::new(tool.spec.clone()));
    let is_own = |name: &str| agent.tools.iter().any(|tool| tool.spec.name == name);
    let control = task::control::specs();
    let known =
        recorded.tools.iter().chain(control.iter().filter(|spec| recorded.tool(&spec.name).is_none()));
    let house = known.filter(|spec| agent.def.tools.contains_key(&spec.name) && !is_own(&spec.name));
    let tools = own.chain(house.cloned()).collect();
    Pinned { agent: Arc::new(agent.def.clone()), tools, ..recorded.clone() }
}
