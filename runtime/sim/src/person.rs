//! People who decide about calls that wait for them: soon, late, twice, at the same time, about what they did
//! not see, and about calls that are gone.

use playhouse_actors::Runtime;
use playhouse_api::{ApiErrorKind, Caller, RuntimeApi, Verdict};
use playhouse_core::{
    id::{EffectId, TaskId},
    task::Decision,
};
use serde_json::json;

use crate::{
    oracle::{Broken, Case, Invariant, ensure},
    world::Process,
};

/// Between two looks of one person, in virtual milliseconds.
const EVERY_MS: u64 = 900;
/// After so long no tool still runs: whether a call happened can be looked up where it would have.
const SETTLED_MS: u64 = 5_000;

/// One person, at work for as long as the process lives.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) process: Process,
    pub(crate) runtime: Runtime,
}

impl Person {
    /// Looks again and again what waits for somebody.
    pub(crate) async fn work(self) {
        let world = self.process.world.clone();
        loop {
            self.process.wait(EVERY_MS).await;
            let cases = world.oracle().people.cases();
            for case in cases {
                // Nobody hurries, until it is late.
                let hesitates = world.is_faulty() && world.chance(|rng| rng.u32(..4)) > 0;
                if !hesitates && self.is_clear(&case) {
                    self.decide(&case).await;
                }
            }
            let closed = world.oracle().people.closed();
            if !closed.is_empty() && world.is_faulty() && world.chance(|rng| rng.u32(..8)) == 0 {
                let effect_id = &closed[world.chance(|rng| rng.usize(..closed.len()))];
                self.say(&task_of(effect_id), effect_id, None, Decision::Approve { arguments: None }).await;
            }
        }
    }

    fn is_clear(&self, case: &Case) -> bool {
        !case.is_verdict || case.since_ms + SETTLED_MS < self.process.clock_ms()
    }

    async fn decide(&self, case: &Case) {
        let world = &self.process.world;
        let times = 1 + usize::from(world.chance(|rng| rng.u32(..6)) == 0);
        for _ in 0..times {
            let decision = if case.is_verdict { self.verdict(case) } else { self.approval() };
            if world.chance(|rng| rng.u32(..12)) == 0 {
                self.misread(case, decision).await;
                continue;
            }
            let digest = world.chance(|rng| rng.bool()).then(|| case.args_digest.clone());
            self.say(&case.task, &case.effect_id, digest, decision).await;
        }
    }

    fn approval(&self) -> Decision {
        self.process.world.chance(|rng| match rng.u32(..6) {
            0 | 1 => Decision::Deny { reason: "not today".into() },
            2 => Decision::Approve { arguments: Some(json!({ "n": rng.u32(..1000) })) },
            _ => Decision::Approve { arguments: None },
        })
    }

    /// Whoever says what became of a call has looked.
    fn verdict(&self, case: &Case) -> Decision {
        let world = &self.process.world;
        let happened = world.receiver().output(&case.effect_id);
        let knows = world.chance(|rng| rng.u32(..4)) > 0;
        match happened {
            Some(output) if knows => Decision::Happened { output },
            None if knows => Decision::Retry,
            _ => Decision::Deny { reason: "nobody knows".into() },
        }
    }

    async fn say(&self, task: &TaskId, effect_id: &EffectId, digest: Option<String>, decision: Decision) {
        let world = &self.process.world;
        world.oracle().people.says(effect_id, &decision);
        let is_taken = self.tell(task, effect_id, digest, decision.clone()).await;
        self.process.note(format_args!("{} says {effect_id} {decision:?}: {is_taken}", self.name));
        if is_taken {
            world.check(world.oracle().people.is_told(effect_id));
        }
    }

    /// A decision about other arguments than those of the call never counts.
    async fn misread(&self, case: &Case, decision: Decision) {
        let is_taken = self.tell(&case.task, &case.effect_id, Some("other".into()), decision).await;
        self.process.note(format_args!("{} misreads {}", self.name, case.effect_id));
        self.process.world.check(ensure(!is_taken, Invariant::Approval, || {
            format!("a decision about other arguments of call {} was taken", case.effect_id)
        }));
    }

    async fn tell(
        &self,
        task: &TaskId,
        effect_id: &EffectId,
        args_digest: Option<String>,
        decision: Decision,
    ) -> bool {
        let (effect_id, by) = (effect_id.clone(), self.name.to_owned());
        let verdict = Verdict { effect_id, args_digest, decision, by };
        let answer = self.runtime.decide(&Caller::local(), task, verdict).await;
        self.process.gate().await;
        if let Err(error) = &answer
            && matches!(error.kind, ApiErrorKind::BadRequest | ApiErrorKind::Internal)
        {
            let what = format!("a decision of {} was refused: {error:?}", self.name);
            self.process.world.broken(Broken { invariant: Invariant::Approval, what });
        }
        answer.is_ok()
    }
}

/// Effects are named after their task.
fn task_of(effect_id: &EffectId) -> TaskId {
    let name = effect_id.0.split('/').next().unwrap_or_default();
    TaskId::new(name).expect("an effect's name begins with its task's")
}
