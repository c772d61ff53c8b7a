//! Tasks that tasks make: each was asked for first, is made once, and its end is heard once and as it was.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_core::{
    id::{EffectId, TaskId},
    task::{Event, Intent, Join, Outcome, TaskErrorKind, TaskSpec, Wait},
};
use serde_json::Value;

use super::{Broken, Invariant, ensure};

/// A task that another wants.
#[derive(Debug)]
struct Asked {
    parent: TaskId,
    by: EffectId,
    agent: String,
    input: String,
    end: Option<Outcome>,
}

/// A call that makes tasks or waits for them.
#[derive(Debug)]
struct Call {
    intent: Intent,
    tasks: Vec<TaskId>,
    parallel: usize,
    join: Join,
}

/// Who made whom.
#[derive(Debug, Default)]
pub(crate) struct Family {
    asked: BTreeMap<TaskId, Asked>,
    /// Not heard of by who made them, and that one is not over.
    awaited: BTreeSet<TaskId>,
    calls: BTreeMap<EffectId, Call>,
    heard: usize,
}

fn wrong(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    ensure(holds, Invariant::Child, what)
}

impl Family {
    /// A task of `spec` is durable.
    pub(super) fn born(&self, spec: &TaskSpec) -> Result<(), Broken> {
        let Some(parent) = &spec.lineage.parent else { return Ok(()) };
        let fits = |asked: &Asked| {
            (&asked.parent, &asked.agent, &asked.input) == (parent, &spec.pinned.agent.name, &spec.input)
        };
        wrong(self.asked.get(&spec.id).is_some_and(fits), || {
            format!("task {parent} made {} with {:?}, which it did not ask for", spec.id, spec.input)
        })
    }

    /// `event` of `task` is durable; `real` says how another ended.
    pub(super) fn follow<'a>(
        &mut self,
        task: &TaskId,
        event: &Event,
        real: impl Fn(&TaskId) -> Option<&'a Outcome>,
    ) -> Result<(), Broken> {
        match event {
            Event::WaitBegun { intent, wait: Wait::Children { tasks, parallel, join } } => {
                let (intent, tasks, parallel) = (intent.clone(), tasks.clone(), *parallel as usize);
                let id = intent.effect_id.clone();
                self.calls.insert(id, Call { intent, tasks, parallel, join: *join });
                Ok(())
            }
            Event::ChildAsked { child, effect_id, agent, input, .. } => {
                let (parent, by) = (task.clone(), effect_id.clone());
                let asked = Asked { parent, by, agent: agent.clone(), input: input.clone(), end: None };
                self.ask(child, asked)
            }
            Event::ChildEnded { child, outcome, .. } => self.ended(task, child, outcome, real(child)),
            Event::ToolDone { effect_id, output } => self.joined(effect_id, output),
            Event::ToolFailed { effect_id, .. } => {
                self.calls.remove(effect_id);
                Ok(())
            }
            Event::Finished { outcome } => {
                self.awaited.retain(|child| self.asked[child].parent != *task);
                self.handed_over(task, outcome)
            }
            _ => Ok(()),
        }
    }

    fn ask(&mut self, child: &TaskId, asked: Asked) -> Result<(), Broken> {
        let most = self.calls.get(&asked.by).map_or(0, |call| call.parallel);
        let beside = self.asked.values().filter(|other| other.by == asked.by && other.end.is_none()).count();
        ensure(beside < most, Invariant::J7, || {
            format!("{child} is made beside {beside} others of one call, of which {most} may run at once")
        })?;
        self.awaited.insert(child.clone());
        let twice = self.asked.insert(child.clone(), asked).is_some();
        wrong(!twice, || format!("task {child} was asked for twice"))
    }

    fn ended(
        &mut self,
        task: &TaskId,
        child: &TaskId,
        outcome: &Outcome,
        real: Option<&Outcome>,
    ) -> Result<(), Broken> {
        let asked = self.asked.get_mut(child).filter(|asked| asked.parent == *task && asked.end.is_none());
        let Some(asked) = asked else {
            return wrong(false, || {
                format!("task {task} heard of the end of {child}, not for the first time")
            });
        };
        let not_made = matches!(outcome, Outcome::Failed { error } if error.kind == TaskErrorKind::NotMade);
        wrong(real == Some(outcome) || not_made && real.is_none(), || {
            format!("task {task} heard that {child} ended as {outcome:?}; it is {real:?}")
        })?;
        asked.end = Some(outcome.clone());
        self.awaited.remove(child);
        self.heard += 1;
        Ok(())
    }

    /// What a call gives is what its tasks gave, all of them, in its order.
    fn joined(&mut self, effect_id: &EffectId, output: &Value) -> Result<(), Broken> {
        let Some(Call { intent, tasks, join, .. }) = self.calls.remove(effect_id) else { return Ok(()) };
        if intent.tool == "spawn_task" {
            return Ok(()); // It gives the name, and does not wait.
        }
        let ends: Vec<_> = tasks.iter().map(|task| self.asked.get(task)?.end.as_ref()).collect();
        let answers: Vec<_> = match (join, output) {
            (Join::All, Value::Array(entries)) => entries.iter().map(|entry| entry.get("answer")).collect(),
            (Join::HandOff, output) => vec![Some(output)],
            (_, output) => vec![output.get("answer")],
        };
        let fits = |(end, answer): (&Option<&Outcome>, &Option<&Value>)| match (end, answer) {
            (Some(Outcome::Done { output }), Some(answer)) => answer.as_str() == Some(output.as_str()),
            (end, answer) => end.is_some() && answer.is_none(),
        };
        let all = ends.len() == answers.len() && ends.iter().zip(&answers).all(fits);
        wrong(all, || format!("call {effect_id} gave {output}; its tasks ended as {ends:?}"))
    }

    /// Whoever handed its conversation over answers what the other answered.
    fn handed_over(&mut self, task: &TaskId, outcome: &Outcome) -> Result<(), Broken> {
        let Outcome::Done { output } = outcome else { return Ok(()) };
        let of_task = |call: &&Call| {
            self.asked.values().any(|asked| asked.by == call.intent.effect_id && asked.parent == *task)
        };
        let open = self.calls.values().filter(|call| call.join == Join::HandOff).find(of_task);
        wrong(open.is_none(), || {
            format!("task {task} answered {output:?} while another had its conversation")
        })
    }

    /// Children whose end nobody has told to who made them.
    pub(super) fn awaited(&self) -> impl Iterator<Item = (&TaskId, &TaskId)> {
        self.awaited.iter().map(|child| (child, &self.asked[child].parent))
    }

    /// How many ends were heard.
    pub(crate) fn count(&self) -> usize {
        self.heard
    }
}
