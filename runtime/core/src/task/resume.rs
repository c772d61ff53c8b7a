//! After a crash: what is done about intents without a result (J3).

use super::{Effect, Event, Phase, Step, Task};
use crate::tool::EffectClass;

impl Task {
    /// A queued task just goes on waiting. A thinking one asks its model again: model calls happen at least
    /// once. Open tool calls are retried, asked about, or given up, by their class.
    pub(super) fn on_resume(&mut self, out: &mut Step, epoch: u32) {
        if matches!(self.phase, Phase::Queued) {
            return;
        }
        self.note(out, Event::Resumed { epoch });
        out.effects.push(Effect::ArmDeadline { at_ms: self.spec.deadline_ms() });
        if let Phase::Thinking { step, attempt } = self.phase {
            out.effects.push(Effect::AskModel { step, attempt, after_ms: 0 });
        }
        for intent in self.open_intents() {
            match intent.class {
                EffectClass::Pure | EffectClass::Idempotent => out.effects.push(Effect::CallTool(intent)),
                EffectClass::Checkable => out.effects.push(Effect::CheckTool(intent)),
                EffectClass::Once => self.note(out, Event::OutcomeUnknown { effect_id: intent.effect_id }),
            }
        }
        self.go_on_when_settled(out);
    }
}
