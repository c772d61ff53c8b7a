//! A new planner over an existing journal: what is done about intents without a result (J3).

use super::{Effect, Event, Phase, Task, decide::Turn};
use crate::tool::EffectClass;

impl Task {
    /// A queued task just goes on waiting. A thinking one asks its model again: model calls happen at least
    /// once. Open tool calls are retried, asked about, or given up, by their class. What waits, waits on; the
    /// tasks it waits for are ordered again, for their ends may have been missed.
    pub(super) fn on_resume(&mut self, out: &mut Turn, epoch: u32) {
        if matches!(self.phase, Phase::Queued) {
            return;
        }
        // A parked task has nothing open that a crash could have touched: it is only looked at.
        if self.waiting().is_none() {
            self.note(out, Event::Resumed { epoch });
        }
        if let Phase::Thinking { step, attempt } = self.phase {
            out.effects.push(Effect::AskModel { step, attempt, after_ms: 0 });
        }
        for intent in self.intents_at_work() {
            match intent.class {
                EffectClass::Pure | EffectClass::Idempotent => out.effects.push(Effect::CallTool(intent)),
                EffectClass::Checkable => out.effects.push(Effect::CheckTool(intent)),
                EffectClass::Once => self.on_unknown(out, intent.effect_id),
            }
        }
        match self.phase {
            // It was perhaps never told to stop them.
            Phase::Undoing { .. } => self.cancel_children(out),
            _ => self.reorder_children(out),
        }
        self.go_on(out);
    }
}
