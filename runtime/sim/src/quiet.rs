//! When nothing fails any more and there is room, whatever is due happens soon.

use std::collections::BTreeMap;

use crate::{
    oracle::{Broken, Overdue},
    world::Process,
};

/// What is due is dealt with after so long: timers look once a second, and the journal takes some turns.
const SOON_MS: u64 = 15_000;

/// Since when each thing is overdue, in one life.
#[derive(Debug, Default)]
pub(crate) struct Quiet(BTreeMap<Overdue, u64>);

impl Quiet {
    /// Looks what is overdue now, and notes what has been for too long.
    pub(crate) fn look(&mut self, process: &Process) {
        let world = &process.world;
        if world.is_faulty() {
            return;
        }
        let overdue = world.oracle().overdue(process.clock_ms(), world.plan.bounds.live_tasks);
        self.0.retain(|known, _| overdue.contains(known));
        let now_ms = world.now_ms();
        for thing in overdue {
            let since_ms = *self.0.entry(thing.clone()).or_insert(now_ms);
            if since_ms + SOON_MS < now_ms {
                let Overdue { invariant, what } = thing;
                world.broken(Broken { invariant, what: format!("{what}, for {SOON_MS} ms of peace") });
            }
        }
    }
}
