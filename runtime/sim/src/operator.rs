//! An operator who holds tasks still now and then, and lets all of them go on in the end.

use playhouse_actors::Runtime;
use playhouse_api::{Caller, RuntimeApi};

use crate::world::Process;

/// Between two looks, in virtual milliseconds.
const EVERY_MS: u64 = 700;

/// Pauses tasks as often as the plan says, and resumes them: some soon, all once nothing fails any more.
pub(crate) async fn operate(process: Process, runtime: Runtime) {
    let (world, caller) = (process.world.clone(), Caller::local());
    loop {
        process.wait(EVERY_MS).await;
        let tasks = world.oracle().unparked();
        if !tasks.is_empty() && process.fails(world.plan.rates.pause) {
            let task = &tasks[world.chance(|rng| rng.usize(..tasks.len()))];
            // A refusal is fine: the task may be over by now, or the journal away.
            let paused = runtime.pause(&caller, task, "hold on".into()).await;
            process.note(format_args!("operator pauses {task}: {}", paused.is_ok()));
        }
        let paused = world.oracle().paused();
        for task in paused {
            if !world.is_faulty() || world.chance(|rng| rng.u32(..4)) == 0 {
                let resumed = runtime.resume(&caller, &task).await;
                process.note(format_args!("operator resumes {task}: {}", resumed.is_ok()));
            }
        }
    }
}
