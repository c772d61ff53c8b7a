//! J1 to J9 and liveness over generated worlds.

use proptest::prelude::*;

use super::{
    invariants,
    moves::{answer, moves, submission},
    world::World,
};
use crate::task::{Effect, Event};

/// More things than any task of [`submission`] can wait for: 5 steps of 3 attempts, or of 3 calls with
/// agreement, 3 tries, a check and a verdict each or with 3 tasks each; as much again for taking back; and
/// the starts in between.
const ANSWERS_MAX: usize = 400;

proptest! {
    // A failure is kept by writing it down as a transcript, so no regression files. `PROPTEST_CASES=10000`
    // looks harder than the default of 256.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_in_every_world_and_every_task_ends_in_a_fair_one(
        spec in submission(),
        moves in moves(),
        fair in prop::collection::vec(answer(), 1..8),
    ) {
        let mut world = World::new(spec);
        for one in &moves {
            world.play(one);
            invariants::hold_now(&world)?;
        }
        let answers = fair.iter().cycle().take(ANSWERS_MAX);
        let answered = answers.take_while(|answer| world.play_fair(answer)).count();
        invariants::hold_now(&world)?;
        invariants::held_throughout(&world)?;
        prop_assert!(answered < ANSWERS_MAX, "the task never ends");
        let ended = matches!(world.journal.last(), Some(Event::Finished { .. }));
        prop_assert!(ended, "nothing is open, but the task did not end: {:#?}", world.journal.last());
        let told = world.performed.iter().any(|did| matches!(did.effect, Effect::Conclude(_)));
        prop_assert!(told, "J5: nobody was answered");
    }
}
