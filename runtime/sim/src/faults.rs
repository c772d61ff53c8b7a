//! Faults that come out of nowhere: killed actors and jumping clocks.

use ractor::ActorCell;

use crate::world::Process;

/// Between two occasions for a fault, in virtual milliseconds.
const EVERY_MS: u64 = 1000;
/// Farthest that the clock jumps, in milliseconds: a leap of a time zone.
const JUMP_MS: i64 = 3_600_000;

/// Kills actors below `root` and sets the clock, as often as the plan says, until faults end.
pub(crate) async fn inject(process: Process, root: ActorCell) {
    let world = process.world.clone();
    while world.is_faulty() {
        process.wait(EVERY_MS).await;
        if process.fails(world.plan.rates.clock_jump) {
            process.jump(world.chance(|rng| rng.i64(-JUMP_MS..JUMP_MS)));
        }
        if process.fails(world.plan.rates.killed_actor) {
            let leaves = leaves(&root, String::new());
            let at = world.chance(|rng| rng.usize(..leaves.len()));
            let (path, actor) = &leaves[at];
            process.note(format_args!("actor {path} is killed"));
            actor.kill();
        }
    }
    // Somebody sets the clock right. Otherwise a world that was ahead once would wait for hours in the end.
    process.set_right();
}

/// Actors without children, oldest first, by their places in the tree.
///
/// Supervisors are left alone while they have children: ractor kills those in the order of a `HashMap`, which
/// no seed decides.
fn leaves(actor: &ActorCell, path: String) -> Vec<(String, ActorCell)> {
    let mut below = actor.get_children();
    below.sort_by_key(|child| child.get_id().pid());
    if below.is_empty() {
        return vec![(path, actor.clone())];
    }
    let named = below.iter().enumerate();
    named.flat_map(|(at, child)| leaves(child, format!("{path}/{at}"))).collect()
}
