//! A fair world: jobs end, persons decide or let the time pass, signals come, and a process that is down is
//! started again. In it, every task ends.

use super::{
    moves::{Answer, Ruling, Word},
    world::{World, signal},
};
use crate::task::{Event, Input, Wait};

impl World {
    /// Lets the next thing happen that somebody waits for. `false`: nobody waits for anything.
    pub(super) fn play_fair(&mut self, answer: &Answer) -> bool {
        if self.task.is_none() {
            self.start_again(None);
            return true;
        }
        let next = self.answer(|_| 0, answer).or_else(|| self.come(answer));
        let came = next.is_some();
        next.into_iter().for_each(|input| self.deliver(input, None));
        came
    }

    /// What a parked task waits for comes: in a good mood by somebody, in a bad one by the time.
    fn come(&mut self, answer: &Answer) -> Option<Input> {
        let task = self.task.as_ref()?;
        let head = task.head(self.now_ms);
        head.waiting?;
        if task.paused.is_some() {
            return Some(Input::Unpause);
        }
        if let Some(due) = head.due_ms.filter(|_| answer.tool.is_err() || !answer.check_works) {
            self.now_ms = self.now_ms.max(due);
            return Some(Input::Tick);
        }
        let wait = task.view(0).waits.into_iter().find(|wait| !matches!(wait.wait, Wait::Children { .. }))?;
        let word = |word| Ruling { word, seen: true };
        Some(match wait.wait {
            Wait::Approval { .. } => self.decision(wait.effect_id, &word(Word::Approve)),
            // Nobody has a call made again for ever.
            Wait::Verdict { .. } => {
                let again = |event: &Event| matches!(event, Event::Ruled { effect_id, .. } if *effect_id == wait.effect_id);
                let ruling = if self.journal.iter().any(again) { Word::Deny } else { Word::Retry };
                self.decision(wait.effect_id, &word(ruling))
            }
            Wait::Signal { name, .. } => signal(format!("fair {}", self.journal.len()), &name),
            Wait::Timer { at_ms } => {
                self.now_ms = self.now_ms.max(at_ms);
                Input::Tick
            }
            // The ends of children are jobs; were there none, the task would wait for ever.
            Wait::Children { .. } => return None,
        })
    }
}
