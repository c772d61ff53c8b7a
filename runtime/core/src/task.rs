//! The life of a task, as a pure state machine.
//!
//! ```text
//!            Input                     Step { events, effects }
//!  world ───────────▶ Task::step ──────────────────────────────▶ shell
//!                        │  ▲                                      │ 1. append `events` (J1)
//!                  apply │  │ fold of the journal (J4)             │ 2. perform `effects`
//!                        ▼  │                                      ▼
//!                     the task's state                         journal, model, tools
//! ```
//!
//! [`Task::step`] decides; [`Task::apply`] only remembers. Whatever `step` changes it changes by applying
//! the events it returns, so a fold over the journal always restores the state that was there.

mod accept;
mod apply;
mod calls;
mod children;
pub mod control;
mod decide;
mod effect;
mod ending;
mod event;
mod fits;
mod fork;
mod intake;
mod replay;
mod resume;
mod slot;
mod spec;
mod view;
mod wait;
mod waits;

pub use accept::Refusal;
pub use children::ChildOrder;
pub use effect::{Effect, Input, Step};
pub use event::{Event, Intent, Outcome, Record, TaskError, TaskErrorKind};
pub use fork::{Fork, ForkError, fork};
pub use intake::fits_journal;
pub use replay::{Divergence, Replayed, replay};
pub use spec::{Lineage, TaskSpec};
pub use view::{Head, Status, TaskView, Waiting};
pub use wait::{Decision, Join, Share, Signal, Spent, Wait, WaitView};

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    id::{EffectId, Seq, TaskId},
    labels::Labels,
    message::Message,
    model::ChatRequest,
    session,
    tool::Reach,
};
use slot::Slot;
use wait::Child;

/// One task.
///
/// Invariant: the phase is `Finished` exactly when the last event is [`Event::Finished`].
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    spec: TaskSpec,
    phase: Phase,
    epoch: u32,
    next_seq: Seq,
    /// The agent's instructions if it has any, the session's past, then this task's own messages from
    /// `own_from` on. Shared with the requests made of it, so that asking copies nothing.
    prompt: Arc<Vec<Message>>,
    own_from: usize,
    /// Steps in a row whose reply could not be used.
    unusable: u32,
    /// Its own and its children's.
    spent: Spent,
    /// What its sandboxed tools have reached, by tool.
    reached: BTreeMap<String, Reach>,
    model_calls: u32,
    tool_calls: u32,
    labels: Labels,
    /// The reason, while somebody wants it to hold still.
    paused: Option<String>,
    /// Since when it is parked.
    parked_since_ms: Option<u64>,
    /// How long it was parked before; its time does not run then.
    parked_ms: u64,
    /// Signals that no call has taken.
    inbox: VecDeque<Signal>,
    /// Ids of all signals ever received.
    signals: BTreeSet<String>,
    children: BTreeMap<TaskId, Child>,
    /// Calls to be taken back should the task end without an answer, oldest first.
    undo: Vec<Intent>,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Submitted; an earlier task of the session may still run.
    Queued,
    /// About to ask the model; nothing is open.
    Ready { step: u32 },
    /// Invariant: exactly one model call is open.
    Thinking { step: u32, attempt: u32 },
    /// Invariant: at least one slot is not settled, unless the task is paused.
    Acting { step: u32, slots: Vec<Slot> },
    /// Taking calls back, one after the other.
    Undoing { outcome: Outcome, slots: Vec<Slot> },
    /// The task is over.
    Finished(Outcome),
}

/// A journal that no task can have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be replayed at event {at}: {why}")]
pub struct BadJournal {
    /// Position of the event that does not fit.
    pub at: Seq,
    /// What was expected.
    pub why: String,
}

impl Task {
    /// A new task; its journal begins with [`Event::Submitted`] of the same `spec`.
    pub fn new(spec: TaskSpec) -> Self {
        let instructions = &spec.pinned.agent.instructions;
        let mut prompt: Vec<_> =
            (!instructions.is_empty()).then(|| Message::system(instructions)).into_iter().collect();
        prompt.extend(spec.lineage.history.iter().cloned());
        let own_from = prompt.len();
        if !spec.input.is_empty() || spec.lineage.history.is_empty() {
            prompt.push(Message::user(&spec.input));
        }
        let mut labels = Labels::of(["user"]);
        labels.join(&spec.labels);
        Self {
            spec,
            phase: Phase::Queued,
            epoch: 0,
            next_seq: 1,
            prompt: Arc::new(prompt),
            own_from,
            unusable: 0,
            spent: Spent::default(),
            reached: BTreeMap::new(),
            model_calls: 0,
            tool_calls: 0,
            labels,
            paused: None,
            parked_since_ms: None,
            parked_ms: 0,
            inbox: VecDeque::new(),
            signals: BTreeSet::new(),
            children: BTreeMap::new(),
            undo: Vec::new(),
        }
    }

    /// Folds a journal back into the state that was there (J4).
    pub fn restore(events: impl IntoIterator<Item = Event>) -> Result<Self, BadJournal> {
        let mut events = events.into_iter();
        let Some(Event::Submitted(spec)) = events.next() else {
            return Err(BadJournal { at: 0, why: "a journal begins with `submitted`".into() });
        };
        let mut task = Self::new(*spec);
        for event in events {
            task.apply(&event)?;
        }
        Ok(task)
    }

    /// What the model should be asked now.
    pub fn request(&self) -> ChatRequest {
        let agent = &self.spec.pinned.agent;
        ChatRequest {
            conversation: self.conversation(),
            messages: self.prompt.clone(),
            tools: self.spec.pinned.tools.clone(),
            sampling: agent.sampling.clone(),
            response_schema: agent.output_schema.clone(),
        }
    }

    fn conversation(&self) -> String {
        let session = self.spec.session.as_ref().map(|id| format!("{}/{id}", self.spec.tenant));
        session.unwrap_or_else(|| self.spec.id.to_string())
    }

    /// What this task adds to its session: its own messages, once it is done.
    pub fn turn(&self, at_ms: u64) -> Option<session::Turn> {
        let done = matches!(self.phase, Phase::Finished(Outcome::Done { .. }));
        (done && self.spec.session.is_some()).then(|| session::Turn {
            task: self.spec.id.clone(),
            topic: self.spec.topic.clone(),
            at_ms,
            messages: self.prompt[self.own_from..].to_vec(),
            labels: self.labels.clone(),
        })
    }

    /// What was submitted.
    pub fn spec(&self) -> &TaskSpec {
        &self.spec
    }

    /// When the task's time is up, in milliseconds since 1970, if it is not parked.
    pub fn deadline_ms(&self) -> u64 {
        let limit = self.spec.pinned.agent.limits.time_ms.saturating_add(self.parked_ms);
        self.spec.submitted_ms.saturating_add(limit).min(self.spec.until_ms.unwrap_or(u64::MAX))
    }

    /// What the task and its children have used so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Tasks that this one made and that have not ended.
    pub fn running_children(&self) -> impl Iterator<Item = &TaskId> {
        self.children.iter().filter(|(_, child)| child.ended.is_none()).map(|(id, _)| id)
    }

    /// Position of the next event.
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// How often the planner was started over this task.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether nothing has happened since it was submitted: the next is [`Input::Begin`].
    pub fn is_unbegun(&self) -> bool {
        matches!(self.phase, Phase::Queued) && self.paused.is_none()
    }

    /// Whether the tool executor should have this call.
    pub fn is_calling(&self, effect_id: &EffectId) -> bool {
        self.slot(effect_id).is_some_and(Slot::is_at_work)
    }

    /// Whether this model call is the open one.
    pub fn is_thinking(&self, step: u32, attempt: u32) -> bool {
        self.phase == Phase::Thinking { step, attempt }
    }

    /// How the task ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The whole conversation as the model sees it, without the system message.
    pub fn messages(&self) -> &[Message] {
        &self.prompt[self.system_len()..]
    }

    /// How many messages at the head of the prompt are instructions.
    fn system_len(&self) -> usize {
        usize::from(!self.spec.pinned.agent.instructions.is_empty())
    }
}

#[cfg(test)]
mod tests;
