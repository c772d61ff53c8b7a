//! One live task as the dispatcher sees it: where its planner is, and what it has yet to be given.

use playhouse_core::task::Input;
use playhouse_supervise::{Slot, tell};
use ractor::ActorRef;

use crate::planner::{Delivery, PlannerMsg, happened};

/// A task with a planner, or with one on its way.
#[derive(Debug)]
pub(super) struct Live {
    slot: Slot<PlannerMsg>,
    /// Whether the planner has asked to go and was allowed to.
    leaving: bool,
    /// Kept until there is a planner that stays.
    undelivered: Vec<Delivery>,
    /// A wish that a planner which crashes must not forget.
    cancel: Option<Input>,
}

impl Live {
    /// A task whose planner is being started; it gets `undelivered` once it is up.
    pub(super) fn new(slot: Slot<PlannerMsg>, undelivered: Vec<Delivery>) -> Self {
        Self { slot, leaving: false, undelivered, cancel: None }
    }

    /// Hands over, or keeps until somebody can take it.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        match self.slot.get() {
            Ok(planner) if !self.leaving => send(&planner, delivery),
            _ => self.undelivered.push(delivery),
        }
    }

    /// Tells the planner, and every later one.
    pub(super) fn cancel(&mut self, input: Input) {
        if self.leaving {
            return self.undelivered.push(Delivery::of(input));
        }
        if let Ok(planner) = self.slot.get() {
            happened(&planner, input.clone());
        }
        self.cancel = Some(input);
    }

    /// A planner has started, for the first time or again.
    pub(super) fn is_up(&mut self, planner: &ActorRef<PlannerMsg>) {
        self.leaving = false;
        if let Some(cancel) = &self.cancel {
            happened(planner, cancel.clone());
        }
        self.undelivered.drain(..).for_each(|delivery| send(planner, delivery));
    }

    /// The planner asks to go: it may. From now on nothing is sent to it.
    pub(super) fn leaves(&mut self) {
        if let Ok(planner) = self.slot.get() {
            self.leaving = true;
            // Fails only when it is gone already: then its supervisor starts another.
            let _ = tell(&planner, PlannerMsg::Go);
        }
    }

    /// The planner has work after all.
    pub(super) fn stays(&mut self) {
        self.leaving = false;
        for delivery in std::mem::take(&mut self.undelivered) {
            self.deliver(delivery);
        }
    }

    /// What a planner that is gone was not given.
    pub(super) fn into_undelivered(self) -> Vec<Delivery> {
        let cancel = self.cancel.map(Delivery::of);
        self.undelivered.into_iter().chain(cancel).collect()
    }
}

fn send(planner: &ActorRef<PlannerMsg>, delivery: Delivery) {
    // Fails only when the planner has just stopped; whoever waits is told by the dropped reply.
    let _ = tell(planner, PlannerMsg::Deliver(delivery));
}
