//! Whoever sends tasks signals: early, late, again, of the wrong kind, and to tasks that are over.

use playhouse_actors::Runtime;
use playhouse_api::{ApiErrorKind, Caller, RuntimeApi};
use playhouse_core::{id::TaskId, task::Signal};
use serde_json::{Value, json};

use crate::{
    agents::SIGNALS,
    oracle::{Broken, Invariant, ensure},
    world::{Lie, Process},
};

/// Between two looks, in virtual milliseconds.
const EVERY_MS: u64 = 800;

/// The sender, at work for as long as the process lives.
pub(crate) struct Sender {
    pub(crate) process: Process,
    pub(crate) runtime: Runtime,
}

impl Sender {
    /// Sends to whoever waits, and now and then to anybody.
    pub(crate) async fn work(self) {
        let world = self.process.world.clone();
        if !world.plan.agents.iter().any(|agent| agent.tools.contains_key("wait_signal")) {
            return;
        }
        loop {
            self.process.wait(EVERY_MS).await;
            let wanted = world.oracle().mail.wanted();
            for (task, name) in wanted {
                if !world.is_faulty() || world.chance(|rng| rng.u32(..3)) == 0 {
                    self.send(&task, &name).await;
                }
            }
            if world.is_faulty() && world.chance(|rng| rng.u32(..3)) == 0 {
                self.bother().await;
            }
        }
    }

    /// Sends something that nobody waits for, or nobody should take.
    async fn bother(&self) {
        let world = &self.process.world;
        let tasks: Vec<_> = world.oracle().tasks.keys().cloned().collect();
        if tasks.is_empty() {
            return;
        }
        let task = &tasks[world.chance(|rng| rng.usize(..tasks.len()))];
        match world.chance(|rng| rng.u32(..5)) {
            0 => {
                self.refused(task, Signal { id: "odd".into(), name: "unheard_of".into(), payload: json!({}) })
                    .await
            }
            1 => {
                let payload = json!({ "n": "not a number" });
                self.refused(task, Signal { id: "odd".into(), name: SIGNALS[0].into(), payload }).await;
            }
            _ => {
                let name = world.chance(|rng| *rng.choice(&SIGNALS).expect("there are signals"));
                self.send(task, name).await;
            }
        }
    }

    /// Sends a new signal, perhaps more than once.
    async fn send(&self, task: &TaskId, name: &str) {
        let world = &self.process.world;
        let n = world.next_number();
        let signal = Signal { id: format!("signal-{n}"), name: name.to_owned(), payload: json!({ "n": n }) };
        world.oracle().mail.sends(task, &signal);
        let times = 1 + usize::from(world.chance(|rng| rng.u32(..3)) == 0);
        for _ in 0..times {
            let mut sent = signal.clone();
            if world.lie == Some(Lie::ForgetsSignalIds) {
                sent.id = format!("signal-{}", world.next_number());
            }
            let answer = self.runtime.signal(&Caller::local(), task, sent.clone()).await;
            self.process.gate().await;
            self.process.note(format_args!("{name} {n} to {task}: {}", answer.is_ok()));
            if answer.is_ok() {
                world.check(world.oracle().mail.is_told(task, &sent.id));
            } else if let Err(error) = answer
                && matches!(error.kind, ApiErrorKind::BadRequest | ApiErrorKind::Internal)
            {
                self.broken(format!("signal {signal:?} was refused: {error:?}"));
            }
        }
    }

    async fn refused(&self, task: &TaskId, signal: Signal) {
        let answer = self.runtime.signal(&Caller::local(), task, signal.clone()).await;
        self.process.gate().await;
        self.process.world.check(ensure(answer.is_err(), Invariant::Signal, || {
            format!("task {task} took {signal:?}, which its agent does not know so")
        }));
    }

    fn broken(&self, what: String) {
        self.process.world.broken(Broken { invariant: Invariant::Signal, what });
    }
}

/// What a payload must look like.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } })
}
