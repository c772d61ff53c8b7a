//! Calls that wait for a person: none is made before its decision, and each is decided once.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Decision, Event, Intent, Wait},
};
use serde_json::Value;

use super::{Broken, Invariant, ensure};
use crate::plan::Caution;

/// A call that waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) task: TaskId,
    pub(crate) effect_id: EffectId,
    pub(crate) args_digest: String,
    /// Whether a person is asked what became of it, and not whether it may be made.
    pub(crate) is_verdict: bool,
    /// Milliseconds since 1970.
    pub(crate) since_ms: u64,
    pub(crate) expires_ms: u64,
    arguments: Value,
}

/// What people said, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// When a person must be asked.
    pub(super) caution: Option<Caution>,
    cases: BTreeMap<EffectId, Case>,
    /// Cases that are over.
    closed: BTreeSet<EffectId>,
    intents: BTreeMap<EffectId, Intent>,
    /// Everything that anybody ever said about a call.
    said: BTreeMap<EffectId, Vec<Decision>>,
    /// With these arguments a call may be made.
    agreed: BTreeMap<EffectId, Value>,
    /// Decisions that the journal has.
    decided: BTreeMap<EffectId, usize>,
    /// Decisions that whoever made them was told are taken.
    taken: BTreeMap<EffectId, usize>,
}

fn wrong(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    ensure(holds, Invariant::Approval, what)
}

impl People {
    /// `event` of `task` is durable; `clock_ms` is when it was decided.
    pub(super) fn follow(&mut self, task: &TaskId, event: &Event, clock_ms: u64) -> Result<(), Broken> {
        match event {
            Event::WaitBegun { intent, wait: Wait::Approval { expires_ms, .. } } => {
                self.open(task, intent, clock_ms, *expires_ms, false);
            }
            Event::WaitBegun { intent, .. } => self.may_begin(intent)?,
            Event::ToolAsked(intent) => {
                self.may_begin(intent)?;
                self.intents.insert(intent.effect_id.clone(), intent.clone());
            }
            Event::VerdictAsked { effect_id, expires_ms } => {
                if let Some(intent) = self.intents.get(effect_id).cloned() {
                    self.open(task, &intent, clock_ms, *expires_ms, true);
                }
            }
            Event::Approved { effect_id, arguments, .. } => self.approved(effect_id, arguments, clock_ms)?,
            Event::Denied { effect_id, by: None, .. } => {
                let case = self.case(effect_id)?;
                ensure(case.expires_ms <= clock_ms, Invariant::Timer, || {
                    format!("call {effect_id} was given up at {clock_ms}, before {}", case.expires_ms)
                })?;
                self.close(effect_id);
            }
            Event::Denied { effect_id, .. } => {
                self.is_said(effect_id, clock_ms, |said| matches!(said, Decision::Deny { .. }))?;
                self.close(effect_id);
            }
            Event::Ruled { effect_id, .. } => {
                self.is_said(effect_id, clock_ms, |said| !matches!(said, Decision::Approve { .. }))?;
                self.close(effect_id);
            }
            Event::ToolDone { effect_id, .. }
            | Event::ToolFailed { effect_id, .. }
            | Event::OutcomeUnknown { effect_id } => self.close(effect_id),
            Event::Finished { .. } => {
                let of_task: Vec<_> =
                    self.cases.values().filter(|case| case.task == *task).cloned().collect();
                of_task.iter().for_each(|case| self.close(&case.effect_id));
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, task: &TaskId, intent: &Intent, since_ms: u64, expires_ms: u64, is_verdict: bool) {
        let case = Case {
            task: task.clone(),
            effect_id: intent.effect_id.clone(),
            args_digest: intent.args_digest.clone(),
            is_verdict,
            since_ms,
            expires_ms,
            arguments: intent.arguments.clone(),
        };
        self.closed.remove(&intent.effect_id);
        self.cases.insert(intent.effect_id.clone(), case);
    }

    fn close(&mut self, effect_id: &EffectId) {
        if self.cases.remove(effect_id).is_some() {
            self.closed.insert(effect_id.clone());
        }
    }

    fn case(&self, effect_id: &EffectId) -> Result<&Case, Broken> {
        let what = || format!("call {effect_id} was decided and waits for nobody");
        self.cases.get(effect_id).ok_or_else(|| Broken { invariant: Invariant::Approval, what: what() })
    }

    /// Somebody has said something like this about a call that waits, and in time.
    fn is_said(
        &mut self,
        effect_id: &EffectId,
        clock_ms: u64,
        like: impl Fn(&Decision) -> bool,
    ) -> Result<(), Broken> {
        let case = self.case(effect_id)?;
        wrong(clock_ms < case.expires_ms, || {
            format!("call {effect_id} was decided at {clock_ms}, after its time {}", case.expires_ms)
        })?;
        let said = self.said.get(effect_id).is_some_and(|said| said.iter().any(like));
        wrong(said, || format!("nobody said what is decided about call {effect_id}"))?;
        *self.decided.entry(effect_id.clone()).or_default() += 1;
        Ok(())
    }

    fn approved(&mut self, id: &EffectId, arguments: &Option<Value>, clock_ms: u64) -> Result<(), Broken> {
        let same = |said: &Decision| matches!(said, Decision::Approve { arguments: a } if a == arguments);
        self.is_said(id, clock_ms, same)?;
        let own = self.case(id)?.arguments.clone();
        self.agreed.insert(id.clone(), arguments.clone().unwrap_or(own));
        self.close(id);
        Ok(())
    }

    /// A call is begun: nobody had to be asked, or somebody has agreed to just this.
    fn may_begin(&self, intent: &Intent) -> Result<(), Broken> {
        let Intent { effect_id, tool, arguments, .. } = intent;
        let is_agreed = match self.agreed.get(effect_id) {
            Some(agreed) => agreed == arguments,
            None => self.caution.as_ref().is_none_or(|caution| !caution.asks(tool, arguments)),
        };
        wrong(is_agreed && !self.cases.contains_key(effect_id), || {
            format!("call {effect_id} of {tool} with {arguments} began, and nobody agreed to that")
        })
    }

    /// Somebody is about to say this.
    pub(crate) fn says(&mut self, effect_id: &EffectId, decision: &Decision) {
        self.said.entry(effect_id.clone()).or_default().push(decision.clone());
    }

    /// Whoever decided is told that it counts.
    pub(crate) fn is_told(&mut self, effect_id: &EffectId) -> Result<(), Broken> {
        let taken = self.taken.entry(effect_id.clone()).or_default();
        *taken += 1;
        let decided = self.decided.get(effect_id).copied().unwrap_or(0);
        wrong(*taken <= decided, || {
            format!("{taken} decisions about call {effect_id} were taken, {decided} are durable")
        })
    }

    /// Calls that wait for a person.
    pub(crate) fn cases(&self) -> Vec<Case> {
        self.cases.values().cloned().collect()
    }

    /// Calls that somebody decided about, or nobody in time.
    pub(crate) fn closed(&self) -> Vec<EffectId> {
        self.closed.iter().cloned().collect()
    }

    /// Whether a person said that this call, which may have happened, must be made again.
    pub(super) fn wants_again(&self, effect_id: &EffectId) -> bool {
        let again = |said: &Decision| matches!(said, Decision::Retry);
        self.said.get(effect_id).is_some_and(|said| said.iter().any(again))
    }

    /// How many decisions came about.
    pub(crate) fn count(&self) -> usize {
        self.decided.values().sum()
    }
}
