//! J3 and what belongs to it: what is done to the world, how often, with whose agreement, and what is taken
//! back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestCaseResult};
use serde_json::Value;

use super::world::World;
use crate::{
    digest,
    id::{EffectId, TaskId},
    labels::Labels,
    task::{ChildOrder, Effect, Event, Intent, Outcome, Wait},
    tool::{EffectClass, ToolErrorKind},
};

/// J3: over all crashes, `once` is dispatched once and a `checkable` effect happens once, and once more for
/// each time that a person said so. Only what may be repeated is tried again. Every dispatch under one effect
/// id is of the same call.
pub(super) fn j3_nothing_unsafe_is_attempted_twice(world: &World) -> TestCaseResult {
    let mut dispatches: BTreeMap<&EffectId, Vec<&Intent>> = BTreeMap::new();
    for did in &world.performed {
        match &did.effect {
            Effect::CallTool(intent) => dispatches.entry(&intent.effect_id).or_default().push(intent),
            Effect::RetryTool { intent, .. } => {
                let harmless = matches!(intent.class, EffectClass::Pure | EffectClass::Idempotent);
                prop_assert!(harmless, "J3: {} was tried again", intent.effect_id);
            }
            _ => {}
        }
    }
    for (id, intents) in dispatches {
        let first = intents[0];
        let is_unsafe = matches!(first.class, EffectClass::Once | EffectClass::Checkable);
        let ruled = world
            .journal
            .iter()
            .filter(|event| matches!(event, Event::Ruled { effect_id, .. } if effect_id == id));
        let allowed = 1 + ruled.count();
        prop_assert!(
            !is_unsafe || intents.len() <= allowed,
            "J3: {} {id}: {} attempts",
            first.tool,
            intents.len()
        );
        for other in intents {
            prop_assert_eq!(&other.args_digest, &digest::of_json(&other.arguments));
            prop_assert_eq!(&other.args_digest, &first.args_digest, "J3: {} changed its arguments", id);
            prop_assert_eq!(&other.tool, &first.tool, "J3: {} changed its tool", id);
        }
    }
    Ok(())
}

/// A call that a rule names begins as a wait for a person, and is made only after an approval in time, with
/// the arguments that were agreed to.
pub(super) fn nothing_that_needs_agreement_is_done_without(world: &World) -> TestCaseResult {
    let policy = &world.spec.pinned.agent.policy;
    // Until when, and what was agreed to.
    let mut asked: BTreeMap<&EffectId, (u64, &Value, bool)> = BTreeMap::new();
    for (event, now_ms) in world.journal.iter().zip(&world.times) {
        match event {
            Event::WaitBegun { intent, wait: Wait::Approval { expires_ms, .. } } => {
                asked.insert(&intent.effect_id, (*expires_ms, &intent.arguments, false));
            }
            Event::Approved { effect_id, arguments, .. } => {
                let (expires_ms, agreed, approved) = asked.get_mut(effect_id).expect("somebody was asked");
                prop_assert!(*now_ms < *expires_ms, "an approval of {effect_id} came too late");
                prop_assert!(!*approved, "{effect_id} was approved twice");
                (*agreed, *approved) = (arguments.as_ref().unwrap_or(agreed), true);
            }
            Event::ToolAsked(intent) | Event::WaitBegun { intent, .. } => {
                let by_the_machine = intent.effect_id.0.ends_with("~undo");
                let rule = policy.approval(&intent.tool, &intent.arguments, &Labels::default());
                let needed = rule.is_some() && !by_the_machine;
                let found = asked.get(&intent.effect_id);
                prop_assert_eq!(needed, found.is_some(), "{:?}", intent);
                let agreed =
                    found.is_none_or(|(_, agreed, approved)| *approved && **agreed == intent.arguments);
                prop_assert!(agreed, "nobody agreed to {intent:?}");
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is taken back happened, or may have; it is taken back once, newest first; and a task that ends
/// without an answer leaves nothing that could be taken back.
pub(super) fn undoing_is_newest_first_and_of_what_happened(world: &World) -> TestCaseResult {
    let rules = &world.spec.pinned.agent.policy.rules;
    let mut intents: BTreeMap<&EffectId, &Intent> = BTreeMap::new();
    let mut dispatched = BTreeSet::new();
    // In the order in which it was done.
    let mut expected = Vec::new();
    let mut undone: Vec<&str> = Vec::new();
    let mut undoing = false;
    for event in &world.journal {
        let effect_id = match event {
            Event::ToolAsked(intent) if undoing => {
                let of = intent.effect_id.0.strip_suffix("~undo").expect("a call that takes back");
                if undone.last() != Some(&of) {
                    undone.push(of);
                }
                continue;
            }
            Event::ToolAsked(intent) => {
                dispatched.insert(&intent.effect_id);
                intents.insert(&intent.effect_id, intent);
                continue;
            }
            Event::Undoing { .. } => {
                undoing = true;
                continue;
            }
            Event::ToolDone { effect_id, .. } | Event::OutcomeUnknown { effect_id } => effect_id,
            Event::ToolFailed { effect_id, error } => match error.kind {
                ToolErrorKind::Timeout | ToolErrorKind::Crashed => effect_id,
                _ => continue,
            },
            _ => continue,
        };
        let Some(intent) = intents.get(effect_id).filter(|_| !undoing && dispatched.contains(effect_id))
        else {
            continue;
        };
        let rule = rules.get(&intent.tool).and_then(|rules| rules.undo.as_ref());
        if rule.is_some_and(|rule| rule.arguments(&intent.arguments, &Value::Null).is_some()) {
            expected.push(effect_id.0.as_str());
        }
    }
    expected.reverse();
    let without_answer = match world.journal.last() {
        Some(Event::Finished { outcome }) => {
            matches!(outcome, Outcome::Failed { .. } | Outcome::Cancelled { .. })
        }
        _ => false,
    };
    if without_answer {
        prop_assert_eq!(undone, expected, "what was done was not taken back newest first");
    } else {
        prop_assert!(expected.starts_with(&undone), "{undone:?} was taken back of {expected:?}");
    }
    Ok(())
}

/// Each child has one name and, however often it is ordered, one order; it is of an agent that may be given
/// work; and the end of its parent reaches it.
pub(super) fn children_are_ordered_under_one_name_and_none_is_left_behind(world: &World) -> TestCaseResult {
    let mut asked = BTreeSet::new();
    let mut running = BTreeSet::new();
    for event in &world.journal {
        match event {
            Event::ChildAsked { child, agent, .. } => {
                prop_assert!(asked.insert(child), "{child} was asked for twice");
                prop_assert!(world.spec.pinned.agent.policy.agents.contains(agent), "{agent} was given work");
                running.insert(child);
            }
            Event::ChildEnded { child, .. } => {
                prop_assert!(running.remove(child), "{child} ended, but did not run");
            }
            _ => {}
        }
    }
    let mut orders = BTreeMap::new();
    for did in &world.performed {
        if let Effect::SpawnChild(order) = &did.effect {
            let first = orders.entry(&order.task).or_insert(order);
            // What the parent has seen since may only add to where the words came from.
            prop_assert!(first.labels.0.is_subset(&order.labels.0), "J9: {} lost labels", order.task);
            let same = ChildOrder { labels: first.labels.clone(), ..(**order).clone() };
            prop_assert_eq!(&***first, &same, "{} was ordered in two ways", order.task);
        }
    }
    let told = |child: &TaskId| {
        let cancel = Effect::CancelChild(child.clone());
        world.performed.iter().any(|did| did.effect == cancel)
    };
    let over = matches!(world.journal.last(), Some(Event::Finished { .. })) && world.task.is_some();
    for child in running {
        prop_assert!(!over || told(child), "{child} runs on after the end");
    }
    Ok(())
}
