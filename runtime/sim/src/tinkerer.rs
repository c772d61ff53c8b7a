//! Somebody who tries things out: forks tasks at steps that they had, and at some that they had not; and forgets
//! tasks, also some that are not over, which must be refused.

use playhouse_actors::Runtime;
use playhouse_api::{ApiErrorKind, Caller, ForkRequest, RuntimeApi};
use playhouse_core::{
    id::TaskId,
    task::{Event, Record},
};

use crate::{
    oracle::{Broken, Invariant, ensure},
    world::{Lie, Process},
};

/// Between two looks, in virtual milliseconds.
const EVERY_MS: u64 = 1_700;

/// The tinkerer, at work for as long as the process lives and things may fail.
pub(crate) struct Tinkerer {
    pub(crate) process: Process,
    pub(crate) runtime: Runtime,
}

impl Tinkerer {
    /// Looks now and then for something to try.
    pub(crate) async fn work(self) {
        let world = self.process.world.clone();
        while world.is_faulty() {
            self.process.wait(EVERY_MS).await;
            if world.chance(|rng| rng.u32(..1000)) < world.plan.tinkering {
                self.fork().await;
                self.forget().await;
            }
        }
    }

    /// Forgets a task that nobody waits for: it is over, nobody follows it, and no other made it.
    async fn forget(&self) {
        let world = &self.process.world;
        let clients = world.clients().clone();
        let tasks: Vec<_> = {
            let oracle = world.oracle();
            let is_free =
                |task: &TaskId, input: &str| !clients.iter().any(|client| client.follows(task, input));
            oracle.came().filter(|(task, input)| is_free(task, input)).map(|(task, _)| task.clone()).collect()
        };
        if tasks.is_empty() {
            return;
        }
        let task = &tasks[world.chance(|rng| rng.usize(..tasks.len()))];
        let answer = self.runtime.forget(&Caller::local(), task).await;
        self.process.gate().await;
        if answer.is_ok() {
            let again = self.runtime.task(&Caller::local(), task).await;
            self.process.gate().await;
            world.check(ensure(again.is_err(), Invariant::Forget, || {
                format!("task {task} was forgotten, and is told of again")
            }));
        } else if let Err(error) = answer
            && matches!(error.kind, ApiErrorKind::BadRequest | ApiErrorKind::Internal)
        {
            let what = format!("task {task} could not be forgotten: {error:?}");
            world.broken(Broken { invariant: Invariant::Forget, what });
        }
    }

    async fn fork(&self) {
        let world = &self.process.world;
        let tasks: Vec<_> =
            world.oracle().tasks.iter().map(|(id, known)| (id.clone(), steps(&known.records))).collect();
        if tasks.is_empty() {
            return;
        }
        let (task, steps) = &tasks[world.chance(|rng| rng.usize(..tasks.len()))];
        let step = world.chance(|rng| rng.u32(..=steps + 1));
        if !(1..=*steps).contains(&step) {
            return self.refused(task, step).await;
        }
        let input = world.chance(|rng| rng.bool()).then(|| "other words".to_owned());
        world.oracle().forks.wants(task, step);
        let at = step - u32::from(world.lie == Some(Lie::ForksElsewhere) && step > 1);
        let request = ForkRequest { at: Some(at), input, ..ForkRequest::default() };
        let answer = self.runtime.fork(&Caller::local(), task, request).await;
        self.process.gate().await;
        match answer {
            Ok(fork) => {
                let fork = fork.head.task;
                self.process.note(format_args!("fork {fork} of {task} at {step}"));
                world.check(world.oracle().accepted(&fork));
            }
            Err(error) => {
                self.process.note(format_args!("no fork of {task} at {step}: {:?}", error.kind));
                let is_wrong = matches!(error.kind, ApiErrorKind::BadRequest | ApiErrorKind::Internal);
                if is_wrong {
                    let what = format!("a fork of {task} at {step} was refused: {error:?}");
                    world.broken(Broken { invariant: Invariant::Fork, what });
                }
            }
        }
    }

    /// A task cannot be forked where it never was. It may get there while this is asked.
    async fn refused(&self, task: &TaskId, step: u32) {
        let world = &self.process.world;
        world.oracle().forks.wants(task, step);
        let request = ForkRequest { at: Some(step), ..ForkRequest::default() };
        let answer = self.runtime.fork(&Caller::local(), task, request).await;
        self.process.gate().await;
        let steps = world.oracle().tasks.get(task).map_or(u32::MAX, |known| steps(&known.records));
        world.check(ensure(answer.is_err() || 0 < step && step <= steps, Invariant::Fork, || {
            format!("task {task} was forked at step {step}, which it does not have")
        }));
    }
}

/// The last step that the model was asked for; 0 if none was.
fn steps(records: &[Record]) -> u32 {
    let step = |record: &Record| match record.event {
        Event::ModelAsked { step, .. } => step,
        _ => 0,
    };
    records.iter().map(step).max().unwrap_or(0)
}
