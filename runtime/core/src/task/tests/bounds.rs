//! J7: every count and every budget stays within its limit.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestCaseResult};

use super::world::World;
use crate::{
    message::Message,
    task::{Event, Share, Wait, accept::INBOX_MAX},
};

/// Steps, attempts, repairs, calls at once, tries of one call, tasks, tasks at once, signals kept.
pub(super) fn j7_counts_stay_within_their_limits(world: &World) -> TestCaseResult {
    let limits = &world.spec.pinned.agent.limits;
    let (mut calls, mut refused, mut repairs) = (BTreeSet::new(), 0, 0);
    let mut waited: BTreeMap<_, u64> = BTreeMap::new();
    for event in &world.journal {
        match event {
            Event::ModelAsked { step, attempt } => {
                prop_assert!(*step <= limits.steps, "J7: step {step}");
                prop_assert!(*attempt <= limits.model_retries + 1, "J7: attempt {attempt}");
                // What was refused altogether is asked for again: a repair like any other.
                repairs += u32::from(refused > 0 && calls.is_empty());
                (calls, refused) = (BTreeSet::new(), 0);
            }
            Event::ToolAsked(intent) | Event::WaitBegun { intent, .. } => {
                // Taking back is not asked for by the model.
                if !intent.effect_id.0.ends_with("~undo") {
                    calls.insert(&intent.effect_id);
                }
                repairs = 0;
            }
            Event::ToolRetried { effect_id, attempt, after_ms, .. } => {
                let all = waited.entry(effect_id).or_default();
                *all += after_ms;
                prop_assert!(*attempt <= 3 && *all <= 1_000, "J7: {effect_id} tried {attempt}, waited {all}");
            }
            Event::ToolRefused { .. } => refused += 1,
            Event::RepairAsked { .. } => repairs += 1,
            _ => {}
        }
        prop_assert!(calls.len() <= limits.parallel_tools as usize, "J7: parallel calls {calls:?}");
        prop_assert!(repairs <= limits.repairs, "J7: {repairs} repairs in a row");
    }
    let made = world.journal.iter().filter(|event| matches!(event, Event::ChildAsked { .. })).count();
    prop_assert!(made <= limits.children as usize && (made == 0 || limits.depth > 0), "J7: {made} tasks");
    prop_assert!(world.shadow.inbox.len() <= INBOX_MAX, "J7: signals");
    tasks_of_a_call_run_so_many_at_once(world)?;
    results_are_cut(world)
}

fn tasks_of_a_call_run_so_many_at_once(world: &World) -> TestCaseResult {
    for event in &world.journal {
        let Event::WaitBegun { wait: Wait::Children { tasks, parallel: 1.., .. }, .. } = event else {
            continue;
        };
        let Event::WaitBegun { wait: Wait::Children { parallel, .. }, .. } = event else { continue };
        let mut running = 0;
        for event in &world.journal {
            match event {
                Event::ChildAsked { child, .. } if tasks.contains(child) => running += 1,
                Event::ChildEnded { child, .. } if tasks.contains(child) => running -= 1,
                _ => {}
            }
            prop_assert!(running <= *parallel as i32, "J7: {running} of {parallel} tasks at once");
        }
    }
    Ok(())
}

fn results_are_cut(world: &World) -> TestCaseResult {
    let bound = world.spec.pinned.agent.limits.result_bytes + " … [cut: 99 of 99999 bytes shown]".len();
    for message in world.shadow.messages() {
        if let Message::Tool { content, .. } = message {
            prop_assert!(content.len() <= bound, "J7: a result of {} bytes", content.len());
        }
    }
    Ok(())
}

/// A model is asked only while something is left of tokens, money and fuel, after what is set aside for tasks
/// that run; and no task is made with more than is left.
pub(super) fn j7_budgets_are_never_shared_out_twice(world: &World) -> TestCaseResult {
    let limits = &world.spec.pinned.agent.limits;
    let most = [limits.tokens, limits.cost_microusd, limits.fuel];
    let price = world.spec.pinned.price;
    let mut used = [0; 3];
    let mut aside: BTreeMap<_, [u64; 3]> = BTreeMap::new();
    for event in &world.journal {
        match event {
            Event::ModelReplied { reply, .. } => {
                used[0] += reply.usage.total();
                used[1] += price.map_or(0, |price| price.of(reply.usage));
            }
            Event::ChildEnded { child, spent, .. } => {
                aside.remove(child);
                used[0] += spent.usage.total();
                used[1] += spent.cost_microusd;
                used[2] += spent.fuel;
            }
            Event::Metered { receipt, .. } => used[2] += receipt.fuel,
            Event::Consulted { usage, .. } => {
                used[0] += usage.total();
                used[1] += price.map_or(0, |price| price.of(*usage));
            }
            Event::ChildAsked { child, share: Share { tokens, cost_microusd, fuel }, .. } => {
                let shares = [*tokens, *cost_microusd, *fuel];
                prop_assert_eq!(shares.map(|share| share.is_some()), most.map(|most| most.is_some()));
                aside.insert(child, shares.map(|share| share.unwrap_or(0)));
            }
            _ => {}
        }
        let gone = |of: usize| used[of] + aside.values().map(|share| share[of]).sum::<u64>();
        for (of, most) in most.iter().enumerate() {
            let Some(most) = *most else { continue };
            match event {
                Event::ModelAsked { attempt: 1, .. } => {
                    prop_assert!(gone(of) < most, "J7: {} of {most}", gone(of))
                }
                Event::ChildAsked { share, .. } => {
                    let gives = [share.tokens, share.cost_microusd, share.fuel][of].unwrap_or(0);
                    prop_assert!(gives == 0 || gone(of) <= most, "J7: {} of {most} shared out", gone(of));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
