//! Journals that no task can have written: refused, and never a panic.

use proptest::{prelude::*, sample::Index};

use super::{
    moves::{Move, answer, moves, submission},
    world::World,
};
use crate::{
    task::{Event, Input, Intent, Task, TaskSpec, slot::SlotState},
    tool::EffectClass,
};

/// What a broken disk, a bug or a forger does to a journal.
#[derive(Debug, Clone)]
enum Harm {
    Drop(Index),
    Repeat { from: Index, to: Index },
    Swap(Index, Index),
    CutBefore(Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Harm::Drop),
        (index(), index()).prop_map(|(from, to)| Harm::Repeat { from, to }),
        (index(), index()).prop_map(|(one, other)| Harm::Swap(one, other)),
        index().prop_map(Harm::CutBefore),
    ]
}

fn harmed(mut journal: Vec<Event>, harms: &[Harm]) -> Vec<Event> {
    for harm in harms {
        let count = journal.len();
        if count == 0 {
            break;
        }
        match harm {
            Harm::Drop(at) => drop(journal.remove(at.index(count))),
            Harm::Repeat { from, to } => {
                journal.insert(to.index(count + 1), journal[from.index(count)].clone())
            }
            Harm::Swap(one, other) => journal.swap(one.index(count), other.index(count)),
            Harm::CutBefore(at) => drop(journal.drain(1..at.index(count).max(1))),
        }
    }
    journal
}

fn journal_of(spec: TaskSpec, moves: &[Move], fair: &[super::moves::Answer]) -> Vec<Event> {
    let mut world = World::new(spec);
    moves.iter().for_each(|one| world.play(one));
    fair.iter().all(|answer| world.play_fair(answer));
    world.journal
}

/// Whether the same again changes nothing that matters: words, not deeds.
fn may_repeat(event: &Event) -> bool {
    use Event::{
        CancelRequested, Consulted, CrashedTooOften, DeadlinePassed, Metered, ModelFailed, ModelReplied,
        RepairAsked,
    };
    match event {
        // Until the next is asked, another reply would be another reply.
        ModelReplied { reply, .. } => reply.message.tool_calls.is_empty(),
        RepairAsked { .. } | ModelFailed { .. } => true,
        // Counts as more than was used, which only ends the task sooner.
        Metered { .. } | Consulted { .. } => true,
        _ => matches!(event, CancelRequested { .. } | DeadlinePassed | CrashedTooOften { .. }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_harmed_journal_is_refused_or_makes_a_task_that_can_go_on(
        spec in submission(),
        moves in moves(),
        fair in prop::collection::vec(answer(), 0..40),
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        let journal = harmed(journal_of(spec, &moves, &fair), &harms);
        let restored = Task::restore(journal);
        if let Err(error) = &restored {
            prop_assert!(!error.why.is_empty());
        }
        if let Ok(mut task) = restored {
            task.step(5_000, Input::Resume { epoch: u32::MAX });
            task.step(90_000, Input::Tick);
            task.step(90_000, Input::Cancel { reason: "enough".into() });
        }
    }

    #[test]
    fn nothing_happens_twice_and_no_call_is_asked_for_anew_by_a_record_that_comes_again(
        spec in submission(),
        moves in moves(),
        fair in prop::collection::vec(answer(), 0..40),
    ) {
        let journal = journal_of(spec.clone(), &moves, &fair);
        let mut task = Task::new(spec);
        let mut unsafe_calls = Vec::new();
        for event in &journal[1..] {
            let decided = |task: &Task, intent: &Intent| {
                use SlotState::{Checking, Decided};
                let slot = task.slot(&intent.effect_id);
                slot.is_some_and(|slot| matches!(slot.state, Decided { .. } | Checking { failed: None }))
            };
            for asked in &unsafe_calls {
                let Event::ToolAsked(intent) = asked else { continue };
                let again = task.clone().apply(asked);
                prop_assert!(again.is_err() || decided(&task, intent), "{intent:?} was asked for again");
            }
            prop_assert_eq!(task.apply(event), Ok(()), "the beginning of a journal is one");
            prop_assert_eq!(task.clone().apply(event).is_ok(), may_repeat(event), "{:?} twice", event);
            if matches!(event, Event::ToolAsked(intent) if intent.class >= EffectClass::Checkable) {
                unsafe_calls.push(event.clone());
            }
        }
    }
}
