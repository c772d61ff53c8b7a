//! The invariants, each under its name, over everything that ever happened to one task.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{prelude::*, test_runner::TestCaseResult};

use super::{
    bounds, effects,
    world::{Performed, World},
};
use crate::{
    message::Message,
    model::ChatRequest,
    task::{Effect, Event, Outcome, Phase, Status, Task, TaskSpec, replay},
};

/// What compares the state of this moment. To be checked after every move.
pub(super) fn hold_now(world: &World) -> TestCaseResult {
    j4_the_journal_restores_the_task(world)?;
    a_parked_task_is_due_when_its_first_wait_is(world)?;
    a_task_at_work_has_its_alarm_set(world)
}

/// All others look at everything that was ever journaled or performed: what is broken once stays broken, so
/// a look at the end sees the same as one after every move.
pub(super) fn held_throughout(world: &World) -> TestCaseResult {
    let journal = &world.journal;
    j1_effects_follow_their_journaled_intent(world, journal)?;
    j2_every_commit_ends_with_the_next_intent(world)?;
    effects::j3_nothing_unsafe_is_attempted_twice(world)?;
    effects::nothing_that_needs_agreement_is_done_without(world)?;
    effects::undoing_is_newest_first_and_of_what_happened(world)?;
    effects::children_are_ordered_under_one_name_and_none_is_left_behind(world)?;
    j4_the_journal_replays(world)?;
    j5_there_is_one_answer(world, journal)?;
    bounds::j7_counts_stay_within_their_limits(world)?;
    bounds::j7_budgets_are_never_shared_out_twice(world)?;
    a_done_task_leaves_a_conversation_to_go_on_from(world)?;
    j8_what_was_pinned_stays(world, journal)?;
    j9_labels_only_grow(world, journal)?;
    world.performed.iter().filter_map(|did| did.request.as_ref()).try_for_each(a_provider_accepts)?;
    world.performed.iter().try_for_each(|did| match &did.effect {
        Effect::SpawnChild(order) => {
            let (input, lineage) = (order.input.clone(), order.lineage.clone());
            a_provider_accepts(&Task::new(TaskSpec { input, lineage, ..world.spec.clone() }).request())
        }
        _ => Ok(()),
    })
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
            Effect::SpawnChild(order) => {
                let asked = |event: &Event| matches!(event, Event::ChildAsked { child, .. } if *child == order.task);
                durable.iter().any(asked) && !durable.iter().any(is_ending)
            }
            Effect::Park { .. } => {
                let rest = |event: &&Event| matches!(event, Event::Parked { .. } | Event::Woken { .. });
                matches!(durable.iter().rfind(rest), Some(Event::Parked { .. }))
            }
            // It does nothing to anybody.
            Effect::WakeAt { .. } => true,
            Effect::AbortModel => durable.iter().any(|event| is_ending(event) || matches!(event, Event::Paused { .. })),
            Effect::CancelChild(_) | Effect::AbortTool(_) => durable.iter().any(is_ending),
        };
        prop_assert!(is_caused, "J1: {effect:?} has no cause in {durable:#?}");
    }
    Ok(())
}

fn is_ending(event: &Event) -> bool {
    matches!(event, Event::Finished { .. } | Event::Undoing { .. })
}

/// J2: a result and the intent that follows from it share a commit. So after each commit exactly one of
/// these holds: the task was never begun, something is at work, it is parked, or it is over.
fn j2_every_commit_ends_with_the_next_intent(world: &World) -> TestCaseResult {
    let mut asked_model = false;
    let mut open_calls = BTreeSet::new();
    let (mut begun, mut parked, mut over) = (false, false, false);
    for (at, event) in world.journal.iter().enumerate() {
        match event {
            Event::ModelAsked { .. } => asked_model = true,
            Event::Started { .. } => begun = true,
            Event::ModelReplied { .. } | Event::ModelFailed { .. } => asked_model = false,
            Event::Paused { .. } | Event::Undoing { .. } => asked_model = false,
            Event::Parked { .. } => parked = true,
            Event::Woken { .. } => parked = false,
            Event::ToolAsked(intent) => drop(open_calls.insert(&intent.effect_id)),
            Event::VerdictAsked { effect_id, .. }
            | Event::ToolDone { effect_id, .. }
            | Event::ToolFailed { effect_id, .. }
            | Event::OutcomeUnknown { effect_id } => drop(open_calls.remove(effect_id)),
            Event::Finished { .. } => (over, asked_model) = (true, false),
            _ => {}
        }
        let queued = !begun && !parked && !over;
        let at_work = asked_model || !open_calls.is_empty();
        let states = [queued, at_work, parked, over].into_iter().filter(|holds| *holds).count();
        let is_committed = world.commits.contains(&(at + 1));
        prop_assert!(!is_committed || states == 1, "J2: the commit that ends with {event:#?} leads nowhere");
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

/// J4: the machine, fed with what arrived, decides again what is recorded.
fn j4_the_journal_replays(world: &World) -> TestCaseResult {
    let replayed = replay(&world.records(), None).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(replayed.divergence, None, "J4: the journal does not replay");
    Ok(())
}

/// The head of a parked task names the earliest time at which it goes on by itself; no other has one.
fn a_parked_task_is_due_when_its_first_wait_is(world: &World) -> TestCaseResult {
    let view = world.shadow.view(0);
    let parked = view.head.status == Status::Parked;
    prop_assert_eq!(parked, view.head.waiting.is_some());
    let waits = view.waits.iter().filter(|_| world.shadow.paused.is_none());
    let due = waits.filter_map(|wait| wait.wait.due_ms()).chain(world.spec.until_ms).min();
    prop_assert_eq!(view.head.due_ms, due.filter(|_| parked));
    Ok(())
}

/// While something is at work, the process looks at the clock no later than the next thing is due.
fn a_task_at_work_has_its_alarm_set(world: &World) -> TestCaseResult {
    let Some(task) = world.task.as_ref().filter(|task| task.status() == Status::Running) else {
        return Ok(());
    };
    if matches!(task.phase, Phase::Undoing { .. }) {
        return Ok(());
    }
    let waits = task.view(0).waits;
    let due = waits.iter().filter_map(|wait| wait.wait.due_ms()).chain([task.deadline_ms()]).min();
    prop_assert!(world.alarm.is_some() && world.alarm <= due, "J7: {:?} is set, {due:?} is due", world.alarm);
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

/// A session that goes on after this task does so from a conversation that a provider accepts, and that ends
/// with the answer.
fn a_done_task_leaves_a_conversation_to_go_on_from(world: &World) -> TestCaseResult {
    let Some(Outcome::Done { output }) = world.shadow.outcome() else { return Ok(()) };
    let mut request = world.shadow.request();
    let last = request.messages.last();
    let answers = matches!(last, Some(Message::Assistant(reply)) if reply.content == *output && reply.tool_calls.is_empty());
    prop_assert!(answers, "{last:?} does not end with {output:?}");
    Arc::make_mut(&mut request.messages).push(Message::user("and now?"));
    a_provider_accepts(&request)
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
            Event::ToolAsked(intent) | Event::WaitBegun { intent, .. } => {
                tool_of.insert(&intent.effect_id, &intent.tool);
            }
            Event::SignalReceived { signal } => drop(expected.insert(format!("signal:{}", signal.name))),
            Event::ChildEnded { child, .. } => drop(expected.insert(format!("task:{child}"))),
            Event::Approved { by, .. } | Event::Denied { by: Some(by), .. } | Event::Ruled { by, .. } => {
                expected.insert(format!("person:{by}"));
            }
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
    for message in request.messages.iter() {
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
