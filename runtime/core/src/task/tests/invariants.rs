//! The invariants, each under its name, over everything that ever happened to one task.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestCaseResult};

use super::world::{Performed, World};
use crate::{
    message::Message,
    model::ChatRequest,
    task::{Effect, Event, Intent, Task},
    tool::EffectClass,
};

/// J4, which compares the state of this moment. To be checked after every move.
pub(super) fn hold_now(world: &World) -> TestCaseResult {
    j4_the_journal_restores_the_task(world)
}

/// All others look at everything that was ever journaled or performed: what is broken once stays broken, so
/// a look at the end sees the same as one after every move.
pub(super) fn held_throughout(world: &World) -> TestCaseResult {
    let journal = &world.journal;
    j1_effects_follow_their_journaled_intent(world, journal)?;
    j2_every_commit_ends_with_the_next_intent(world)?;
    j3_no_unsafe_effect_is_attempted_twice(world)?;
    j5_there_is_one_answer(world, journal)?;
    j7_bounds_hold(world, journal)?;
    j8_what_was_pinned_stays(world, journal)?;
    j9_labels_only_grow(world, journal)?;
    world.performed.iter().filter_map(|did| did.request.as_ref()).try_for_each(a_provider_accepts)
}

/// J1: whatever was performed, its cause was durable before.
fn j1_effects_follow_their_journaled_intent(world: &World, journal: &[Event]) -> TestCaseResult {
    for Performed { effect, journaled, .. } in &world.performed {
        let durable = &journal[..*journaled];
        let is_caused = match effect {
            Effect::AskModel { step, attempt, .. } => {
                durable.contains(&Event::ModelAsked { step: *step, attempt: *attempt })
            }
            Effect::CallTool(intent) | Effect::CheckTool(intent) => {
                durable.contains(&Event::ToolAsked(intent.clone()))
            }
            Effect::Conclude(outcome) => durable.contains(&Event::Finished { outcome: outcome.clone() }),
            Effect::RetryTool { intent, .. } => durable.iter().any(|event| {
                matches!(event, Event::ToolRetried { effect_id, .. } if *effect_id == intent.effect_id)
            }),
            Effect::SpawnChild(order) => durable
                .iter()
                .any(|event| matches!(event, Event::ChildAsked { child, .. } if *child == order.task)),
            Effect::WakeAt { .. } | Effect::Park { .. } | Effect::CancelChild(_) => durable.len() > 1,
            Effect::AbortModel | Effect::AbortTool(_) => {
                matches!(durable.last(), Some(Event::Finished { .. }))
            }
        };
        prop_assert!(is_caused, "J1: {effect:?} has no cause in {durable:#?}");
    }
    Ok(())
}

/// J2: a result and the intent that follows from it share a commit. So no commit leaves a task of which
/// nothing is open, unless it is over or was never begun.
fn j2_every_commit_ends_with_the_next_intent(world: &World) -> TestCaseResult {
    let mut asked_model = false;
    let mut open_calls = BTreeSet::new();
    let mut over = false;
    for (at, event) in world.journal.iter().enumerate() {
        match event {
            Event::ModelAsked { .. } => asked_model = true,
            Event::ModelReplied { .. } | Event::ModelFailed { .. } => asked_model = false,
            Event::ToolAsked(intent) => drop(open_calls.insert(&intent.effect_id)),
            Event::ToolDone { effect_id, .. }
            | Event::ToolFailed { effect_id, .. }
            | Event::OutcomeUnknown { effect_id } => drop(open_calls.remove(effect_id)),
            Event::Finished { .. } => over = true,
            _ => {}
        }
        let is_committed = at > 0 && world.commits.contains(&(at + 1));
        let leads_on = over || asked_model || !open_calls.is_empty();
        prop_assert!(!is_committed || leads_on, "J2: the commit that ends with {event:#?} leads nowhere");
    }
    Ok(())
}

/// J3: `once` is dispatched at most once over all crashes; a `checkable` effect happens at most once; every
/// dispatch under one effect id has the same arguments.
fn j3_no_unsafe_effect_is_attempted_twice(world: &World) -> TestCaseResult {
    let mut dispatches: BTreeMap<_, Vec<&Intent>> = BTreeMap::new();
    for Performed { effect, .. } in &world.performed {
        if let Effect::CallTool(intent) = effect {
            dispatches.entry(&intent.effect_id).or_default().push(intent);
        }
    }
    for (id, intents) in dispatches {
        let first = intents[0];
        let is_unsafe = matches!(first.class, EffectClass::Once | EffectClass::Checkable);
        prop_assert!(!is_unsafe || intents.len() == 1, "J3: {} {} was attempted twice", first.tool, id);
        for other in intents {
            prop_assert_eq!(&other.args_digest, &first.args_digest, "J3: {} changed its arguments", id);
            prop_assert_eq!(&other.tool, &first.tool, "J3: {} changed its tool", id);
        }
    }
    Ok(())
}

/// J4: the fold of the journal is the live state, and a shadow that only remembers agrees.
fn j4_the_journal_restores_the_task(world: &World) -> TestCaseResult {
    let restored =
        Task::restore(world.journal.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&restored, &world.shadow, "J4: a fold depends on how it is cut");
    prop_assert_eq!(restored.next_seq() as usize, world.journal.len(), "J4: positions count events");
    if let Some(live) = &world.task {
        prop_assert_eq!(&restored, live, "J4: the journal forgot something");
    }
    Ok(())
}

/// J5: a task finishes once and last, tells everyone the same, and accepts one result per effect.
fn j5_there_is_one_answer(world: &World, journal: &[Event]) -> TestCaseResult {
    let mut results = BTreeSet::new();
    for (at, event) in journal.iter().enumerate() {
        match event {
            Event::Finished { .. } => prop_assert_eq!(at, journal.len() - 1, "J5: something follows the end"),
            Event::ToolDone { effect_id, .. }
            | Event::ToolFailed { effect_id, .. }
            | Event::OutcomeUnknown { effect_id } => {
                prop_assert!(results.insert(effect_id), "J5: {effect_id} has two results");
            }
            _ => {}
        }
    }
    let told: Vec<_> =
        world.performed.iter().filter(|did| matches!(did.effect, Effect::Conclude(_))).collect();
    prop_assert!(told.windows(2).all(|two| two[0].effect == two[1].effect), "J5: two answers: {told:?}");
    Ok(())
}

/// J7: every count stays within its limit.
fn j7_bounds_hold(world: &World, journal: &[Event]) -> TestCaseResult {
    let limits = &world.spec.pinned.agent.limits;
    let (mut calls, mut refused, mut repairs) = (BTreeSet::new(), 0, 0);
    for event in journal {
        match event {
            Event::ModelAsked { step, attempt } => {
                prop_assert!(*step <= limits.steps, "J7: step {step}");
                prop_assert!(*attempt <= limits.model_retries + 1, "J7: attempt {attempt}");
                // What was refused altogether is asked for again: a repair like any other.
                repairs += u32::from(refused > 0 && calls.is_empty());
                (calls, refused) = (BTreeSet::new(), 0);
            }
            Event::ToolAsked(intent) => {
                calls.insert(&intent.effect_id);
                repairs = 0;
            }
            Event::ToolRefused { .. } => refused += 1,
            Event::RepairAsked { .. } => repairs += 1,
            _ => {}
        }
        prop_assert!(calls.len() <= limits.parallel_tools as usize, "J7: parallel calls {calls:?}");
        prop_assert!(repairs <= limits.repairs, "J7: {repairs} repairs in a row");
    }
    let note = " … [cut: 99 of 99999 bytes shown]".len();
    for message in world.shadow.messages() {
        if let Message::Tool { content, .. } = message {
            prop_assert!(
                content.len() <= limits.result_bytes + note,
                "J7: a result of {} bytes",
                content.len()
            );
        }
    }
    Ok(())
}

/// J8: the submission never changes, and whatever is asked of models and tools comes from it.
fn j8_what_was_pinned_stays(world: &World, journal: &[Event]) -> TestCaseResult {
    prop_assert_eq!(world.shadow.spec(), &world.spec, "J8: the submission changed");
    for request in world.performed.iter().filter_map(|did| did.request.as_ref()) {
        prop_assert_eq!(&request.tools, &world.spec.pinned.tools, "J8: other tools than those pinned");
    }
    for event in journal {
        if let Event::ToolAsked(intent) = event {
            let tool = world.spec.pinned.tool(&intent.tool);
            prop_assert_eq!(tool.map(|tool| tool.effect), Some(intent.class), "J8: {:?}", intent);
        }
    }
    Ok(())
}

/// J9: every record names the user and the caller's labels, and everything after a tool's result that tool.
fn j9_labels_only_grow(world: &World, journal: &[Event]) -> TestCaseResult {
    let mut tool_of = BTreeMap::new();
    let mut expected = BTreeSet::from(["user".to_owned(), "key:k1".to_owned()]);
    prop_assert_eq!(world.labels.len(), journal.len());
    for (event, labels) in journal.iter().zip(&world.labels) {
        match event {
            Event::ToolAsked(intent) => drop(tool_of.insert(&intent.effect_id, &intent.tool)),
            Event::ToolDone { effect_id, .. } | Event::ToolFailed { effect_id, .. } => {
                expected.insert(format!("tool:{}", tool_of[effect_id]));
            }
            Event::ModelReplied { reply, .. } => drop(expected.insert(format!("model:{}", reply.model))),
            _ => {}
        }
        prop_assert!(
            labels.0.is_superset(&expected),
            "J9: {labels:?} of {event:?} lacks some of {expected:?}"
        );
    }
    Ok(())
}

/// Providers reject a conversation in which a call has no result, a result has no call, or ids repeat within
/// a reply; and they want to be asked something.
fn a_provider_accepts(request: &ChatRequest) -> TestCaseResult {
    let mut owed: Vec<&str> = Vec::new();
    for message in &request.messages {
        match message {
            Message::Tool { call_id, .. } => {
                prop_assert_eq!(
                    owed.first(),
                    Some(&call_id.as_str()),
                    "a result out of place: {:#?}",
                    request
                );
                owed.remove(0);
            }
            _ => prop_assert!(owed.is_empty(), "calls without results: {request:#?}"),
        }
        if let Message::Assistant(reply) = message {
            owed = reply.tool_calls.iter().map(|call| call.id.as_str()).collect();
            let distinct: BTreeSet<_> = owed.iter().collect();
            prop_assert_eq!(distinct.len(), owed.len(), "ids repeat: {:#?}", reply);
        }
    }
    prop_assert!(owed.is_empty(), "calls without results: {request:#?}");
    let asks = matches!(request.messages.last(), Some(Message::User { .. } | Message::Tool { .. }));
    prop_assert!(asks, "nothing is asked: {request:#?}");
    Ok(())
}
