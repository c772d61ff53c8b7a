//! Tasks made by this one: each has its own journal and a share of what this one may use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Effect, Event, Intent, Join, Lineage, Outcome, Phase, Share, Spent, Task, TaskErrorKind, Wait,
    control::{self, Control, Order, Wants},
    decide::{Turn, failed},
    slot::Slot,
    wait::Spending,
};
use crate::{
    agent::LimitsOverride,
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    message::Message,
    tool::{Reach, ToolError, ToolErrorKind},
};

/// A task to be made by another.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildOrder {
    /// Its name, the same however often it is ordered.
    pub task: TaskId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Which agent.
    pub agent: String,
    /// What it is told.
    pub input: String,
    /// Where the input came from: everything the parent has seen (J9).
    pub labels: Labels,
    /// Its share of the parent's budgets.
    pub limits: LimitsOverride,
    /// Parent, depth, and a conversation that is handed over.
    pub lineage: Lineage,
    /// The end of the parent's time, in milliseconds since 1970.
    pub until_ms: Option<u64>,
}

impl Task {
    pub(super) fn begin_making(
        &mut self,
        out: &mut Turn,
        intent: Intent,
        orders: &[Order],
        parallel: u32,
        wants: Wants,
    ) {
        if let Err(error) = self.may_make(orders) {
            return self.refuse_control(out, intent, error);
        }
        let name = |index| child_name(&intent.effect_id, index, orders.len());
        let Some(tasks) = (0..orders.len()).map(name).collect::<Option<Vec<_>>>() else {
            let error = ToolError::new(ToolErrorKind::Denied, "tasks are nested too deeply to be named");
            return self.refuse_control(out, intent, error);
        };
        let join = match wants {
            Wants::Name | Wants::End => Join::One,
            Wants::Ends => Join::All,
            Wants::HandOff => Join::HandOff,
        };
        let effect_id = intent.effect_id.clone();
        let first = tasks.first().cloned();
        self.note(out, Event::WaitBegun { intent, wait: Wait::Children { tasks, parallel, join } });
        self.advance_children(out);
        if wants == Wants::Name {
            self.note(out, Event::ToolDone { effect_id, output: json!({ "task": first }) });
        }
    }

    /// Whether this task may make these, within its definition and its limits (J7).
    fn may_make(&self, orders: &[Order]) -> Result<(), ToolError> {
        let denied = |message: String| Err(ToolError::new(ToolErrorKind::Denied, message));
        let agent = &self.spec.pinned.agent;
        let allowed = &agent.policy.agents;
        if let Some(order) = orders.iter().find(|order| !allowed.contains(&order.agent)) {
            let known = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
            return denied(format!("work cannot be given to `{}`; the agents are: {known}", order.agent));
        }
        if agent.limits.depth == 0 {
            return denied("tasks are nested as deeply as `limits.depth` allows; do this yourself".into());
        }
        let most = agent.limits.children as usize;
        if most < self.children.len() + self.children_to_come() + orders.len() {
            return denied(format!(
                "this task may make {most} tasks (`limits.children`); do the rest yourself"
            ));
        }
        let Share { tokens, cost_microusd, fuel } = self.share(1);
        if [tokens, cost_microusd, fuel].contains(&Some(0)) {
            return denied("not enough of the task's budget is left to give work away".into());
        }
        Ok(())
    }

    /// Tasks that calls wait for and that are not asked for yet: their turn comes when others end.
    fn children_to_come(&self) -> usize {
        let wanted = |slot: &Slot| match slot.wait() {
            Some(Wait::Children { tasks, .. }) => {
                tasks.iter().filter(|task| !self.children.contains_key(*task)).count()
            }
            _ => 0,
        };
        self.slots().iter().map(wanted).sum()
    }

    pub(super) fn begin_awaiting(&mut self, out: &mut Turn, intent: Intent, tasks: &[String]) {
        // Each answer is given once, so that what comes back is no larger than what the tasks gave.
        let mut named = BTreeSet::new();
        if let Some(twice) = tasks.iter().find(|name| !named.insert(*name)) {
            let message = format!("await_tasks: task `{twice}` is named twice");
            return self.refuse_control(out, intent, ToolError::new(ToolErrorKind::InvalidInput, message));
        }
        let known = |name: &String| self.children.keys().find(|child| child.as_str() == name).cloned();
        let wanted: Vec<_> = tasks.iter().map(|name| known(name).ok_or(name)).collect();
        if let Some(Err(name)) = wanted.iter().find(|task| task.is_err()) {
            let message = format!("this task has made no task `{name}`");
            return self.refuse_control(out, intent, ToolError::new(ToolErrorKind::NotFound, message));
        }
        let tasks = wanted.into_iter().filter_map(Result::ok).collect();
        self.note(
            out,
            Event::WaitBegun { intent, wait: Wait::Children { tasks, parallel: 0, join: Join::All } },
        );
        self.advance_children(out);
    }

    pub(super) fn on_child_ended(&mut self, out: &mut Turn, child: TaskId, outcome: Outcome, spent: Spent) {
        if self.children.get(&child).is_none_or(|known| known.ended.is_some()) {
            return;
        }
        self.note(out, Event::ChildEnded { child, outcome, spent });
        if !matches!(self.phase, Phase::Undoing { .. }) {
            self.advance_children(out);
            self.go_on(out);
        }
    }

    /// Makes the next tasks of each call that waits for some, and ends the calls whose tasks all have.
    pub(super) fn advance_children(&mut self, out: &mut Turn) {
        let waiting: Vec<_> = self
            .slots()
            .iter()
            .filter_map(|slot| match slot.wait() {
                Some(Wait::Children { tasks, parallel, join }) => {
                    Some((slot.intent.clone()?, tasks.clone(), *parallel as usize, *join))
                }
                _ => None,
            })
            .collect();
        for (intent, tasks, parallel, join) in waiting {
            // A hand-off that came to its end has ended the others, too.
            if self.slot(&intent.effect_id).is_none_or(|slot| slot.wait().is_none()) {
                continue;
            }
            let running =
                |task: &Self, of: &TaskId| task.children.get(of).is_some_and(|child| child.ended.is_none());
            let mut busy = tasks.iter().filter(|child| running(self, child)).count();
            for (index, child) in tasks.iter().enumerate() {
                if self.paused.is_some() || parallel <= busy {
                    break;
                }
                if self.children.contains_key(child) {
                    continue;
                }
                let Some(asked) = self.ask_child(&intent, child, index, parallel - busy) else { break };
                self.note(out, asked);
                out.effects.extend(self.order(child).map(|order| Effect::SpawnChild(Box::new(order))));
                busy += 1;
            }
            let ends: Option<Vec<_>> =
                tasks.iter().map(|child| self.children.get(child)?.ended.clone()).collect();
            if let Some(ends) = ends {
                self.join(out, intent.effect_id, &tasks, ends, join);
            }
        }
    }

    /// A call's tasks are all over: their ends become its result.
    fn join(
        &mut self,
        out: &mut Turn,
        effect_id: EffectId,
        tasks: &[TaskId],
        ends: Vec<Outcome>,
        join: Join,
    ) {
        let entries = || tasks.iter().zip(&ends).map(|(task, end)| entry(task, end));
        let first = ends.first();
        match (join, first) {
            (Join::All, _) | (Join::One | Join::HandOff, None) => {
                let output = Value::Array(entries().collect());
                self.note(out, Event::ToolDone { effect_id, output });
            }
            (Join::One, Some(Outcome::Done { .. })) => {
                let output = entries().next().unwrap_or_default();
                self.note(out, Event::ToolDone { effect_id, output });
            }
            (Join::One, Some(end)) => {
                let error =
                    ToolError::new(ToolErrorKind::Upstream, format!("task {}: {}", tasks[0], why(end)));
                self.note(out, Event::ToolFailed { effect_id, error });
            }
            (Join::HandOff, Some(Outcome::Done { output })) => {
                let done = Value::String(output.clone());
                self.note(out, Event::ToolDone { effect_id, output: done });
                self.abandon(out, Outcome::Done { output: output.clone() });
            }
            (Join::HandOff, Some(end)) => {
                let message = format!("the conversation was handed to task {}: {}", tasks[0], why(end));
                let error = ToolError::new(ToolErrorKind::Upstream, message.clone());
                self.note(out, Event::ToolFailed { effect_id, error });
                self.abandon(out, failed(TaskErrorKind::HandOff, message));
            }
        }
    }

    /// What one of `of` new tasks may use: half of what is left and not set aside stays here, so that the
    /// task can still make something of their answers.
    fn share(&self, of: usize) -> Share {
        let limits = &self.spec.pinned.agent.limits;
        let Spending { tokens, cost, fuel } = self.committed();
        let part = |limit: Option<u64>, gone: u64| {
            limit.map(|limit| limit.saturating_sub(gone) / 2 / (of.max(1) as u64))
        };
        Share {
            tokens: part(limits.tokens, tokens),
            cost_microusd: part(limits.cost_microusd, cost),
            fuel: part(limits.fuel, fuel),
        }
    }

    /// Where the values that this task has seen come from.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What the next call of a tool may compute.
    pub fn fuel_left(&self) -> Option<u64> {
        let most = self.spec.pinned.agent.limits.fuel?;
        Some(most.saturating_sub(self.committed().fuel))
    }

    /// What the next question to the model may still use: tokens, and millionths of a US dollar.
    pub fn budget_left(&self) -> (Option<u64>, Option<u64>) {
        let limits = &self.spec.pinned.agent.limits;
        let Spending { tokens, cost, .. } = self.committed();
        let left = |limit: Option<u64>, gone| limit.map(|limit| limit.saturating_sub(gone));
        (left(limits.tokens, tokens), left(limits.cost_microusd, cost))
    }

    /// What the calls of a tool have reached so far.
    pub fn reached(&self, tool: &str) -> Reach {
        self.reached.get(tool).copied().unwrap_or_default()
    }

    /// What is used, or set aside for tasks that still run.
    pub(super) fn committed(&self) -> Spending {
        let Spent { usage, cost_microusd, fuel } = self.spent;
        let mut sum = Spending { tokens: usage.total(), cost: cost_microusd, fuel };
        for child in self.children.values().filter(|child| child.ended.is_none()) {
            let Share { tokens, cost_microusd, fuel } = child.share;
            sum.tokens = sum.tokens.saturating_add(tokens.unwrap_or(0));
            sum.cost = sum.cost.saturating_add(cost_microusd.unwrap_or(0));
            sum.fuel = sum.fuel.saturating_add(fuel.unwrap_or(0));
        }
        sum
    }

    /// The intent to make the `index`-th task of a call, one of `of` that may still run beside it.
    fn ask_child(&self, intent: &Intent, child: &TaskId, index: usize, of: usize) -> Option<Event> {
        let Ok(Control::Make { mut orders, wait, .. }) = control::parse(&intent.tool, &intent.arguments)
        else {
            return None;
        };
        let Order { agent, input } = (index < orders.len()).then(|| orders.swap_remove(index))?;
        let effect_id = intent.effect_id.clone();
        let (hand_off, share) = (wait == Wants::HandOff, self.share(of));
        Some(Event::ChildAsked { child: child.clone(), effect_id, agent, input, hand_off, share })
    }

    /// The order for a task that was asked for, as often as it is needed: after a crash it is given again.
    fn order(&self, child: &TaskId) -> Option<ChildOrder> {
        let asked = self.children.get(child)?;
        let history = if asked.hand_off { self.conversation_so_far() } else { Vec::new() };
        let limits = &self.spec.pinned.agent.limits;
        Some(ChildOrder {
            task: child.clone(),
            tenant: self.spec.tenant.clone(),
            labels: asked.labels.clone(),
            agent: asked.agent.clone(),
            input: asked.input.clone(),
            limits: LimitsOverride {
                tokens: asked.share.tokens,
                cost_microusd: asked.share.cost_microusd,
                fuel: asked.share.fuel,
                depth: Some(limits.depth.saturating_sub(1)),
                ..LimitsOverride::default()
            },
            lineage: Lineage {
                parent: Some(self.spec.id.clone()),
                depth: self.spec.lineage.depth + 1,
                forked: None,
                history,
            },
            until_ms: self.spec.until_ms,
        })
    }

    /// The conversation without the reply whose calls are still open.
    fn conversation_so_far(&self) -> Vec<Message> {
        let messages = self.messages();
        let open = matches!(messages.last(), Some(Message::Assistant(_)));
        messages[..messages.len() - usize::from(open)].to_vec()
    }

    /// Orders for the tasks that should be running: a new planner gives them again (it was perhaps never
    /// given, and the end of one may have been missed).
    pub(super) fn reorder_children(&self, out: &mut Turn) {
        let running: BTreeSet<_> = self.running_children().cloned().collect();
        let orders = running.iter().filter_map(|child| self.order(child));
        out.effects.extend(orders.map(|order| Effect::SpawnChild(Box::new(order))));
    }
}

/// `None` if the name would be too long.
fn child_name(effect: &EffectId, index: usize, of: usize) -> Option<TaskId> {
    let base = effect.0.replace('/', ".");
    TaskId::new(if of == 1 { base } else { format!("{base}.{index}") }).ok()
}

fn entry(task: &TaskId, end: &Outcome) -> Value {
    match end {
        Outcome::Done { output } => json!({ "task": task, "answer": output }),
        other => json!({ "task": task, "error": why(other) }),
    }
}

fn why(end: &Outcome) -> String {
    match end {
        Outcome::Done { output } => output.clone(),
        Outcome::Failed { error } => error.message.clone(),
        Outcome::Cancelled { reason } => format!("it was cancelled: {reason}"),
        Outcome::Quarantined { reason } => format!("it was set aside after repeated crashes: {reason}"),
    }
}
