//! What the calls of one tool reach that a model asked for in one reply: a bound per task holds for all of them.
//!
//! A call is told what earlier ones reached, and that leaves out its siblings, which were told the same. So the calls of one
//! step count together, whether they overlap or follow each other: the first of them begins a tally, the others join it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use playhouse_core::grant::Bounds;
use playhouse_core::tool::{Reach, ToolRequest};

/// Tallies that are kept, at least: a step's calls begin within a moment, and this many steps do not in it.
const KEPT: usize = 4_096;

/// Of the calls of a step: what they have reached, those before them included.
#[derive(Debug)]
pub(crate) struct Tally(Mutex<Reach>);

impl Tally {
    /// Counts `more`, unless one of `bounds` stands in the way: that one.
    pub(crate) fn take(&self, bounds: Bounds, more: Reach) -> Option<String> {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = bounds.refuses(*reached);
        if refused.is_none() {
            *reached += more;
        }
        refused
    }

    /// Counts `more` that came back.
    pub(crate) fn add(&self, more: Reach) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += more;
    }

    /// Counts at least what a call was told: that of one which is tried again holds its own first try.
    fn raise(&self, told: Reach) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reached = Reach { calls: reached.calls.max(told.calls), bytes: reached.bytes.max(told.bytes) };
    }
}

/// The tallies of all calls that run, and of the last that did.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    tallies: HashMap<Step, Arc<Tally>>,
    /// The oldest first.
    begun: VecDeque<Step>,
}

/// A step of a task, and a tool.
type Step = (String, String);

impl Tallies {
    /// The tally of `request`'s tool in its step.
    pub(crate) fn join(&self, request: &ToolRequest) -> Arc<Tally> {
        let effect = request.effect_id.0.as_str();
        let step = effect.rsplit_once('.').map_or(effect, |(step, _)| step);
        let step = (step.to_owned(), request.tool.clone());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = kept.tallies.get(&step) {
            tally.raise(request.reached);
            return Arc::clone(tally);
        }
        let tally = Arc::new(Tally(Mutex::new(request.reached)));
        kept.tallies.insert(step.clone(), Arc::clone(&tally));
        kept.begun.push_back(step);
        if kept.begun.len() > KEPT {
            kept.forget_one();
        }
        tally
    }
}

impl Kept {
    /// Forgets the oldest that no call holds. There are at most as many others as calls run.
    fn forget_one(&mut self) {
        let is_idle = |step: &Step| self.tallies.get(step).is_none_or(|tally| Arc::strong_count(tally) == 1);
        if let Some(at) = self.begun.iter().position(is_idle)
            && let Some(step) = self.begun.remove(at)
        {
            self.tallies.remove(&step);
        }
    }
}

#[cfg(test)]
mod tests {
    use playhouse_core::grant::Grant;
    use playhouse_core::id::{EffectId, TaskId, Tenant};
    use playhouse_core::labels::Labels;

    use super::*;

    fn call(step: u32, ordinal: usize, calls: u64) -> ToolRequest {
        let task = TaskId::new("t").expect("a plain name");
        ToolRequest {
            effect_id: EffectId::new(&task, step, ordinal),
            tenant: Tenant::local(),
            task,
            tool: "t".into(),
            arguments: serde_json::Value::Null,
            grant: Grant::default(),
            others: None,
            labels: Labels::default(),
            timeout_ms: 1,
            fuel: None,
            reached: Reach { calls, bytes: 0 },
        }
    }

    #[test]
    fn siblings_count_together_also_when_one_begins_after_the_other_is_over() {
        let tallies = Tallies::default();
        let bounds = Bounds { calls: Some(3), bytes: None };
        let once = Reach { calls: 1, bytes: 0 };
        assert_eq!(tallies.join(&call(1, 0, 1)).take(bounds, once), None);
        assert_eq!(tallies.join(&call(1, 1, 1)).take(bounds, once), None, "the third of three");
        assert!(tallies.join(&call(1, 2, 1)).take(bounds, once).is_some());
        assert_eq!(tallies.join(&call(2, 0, 2)).take(bounds, once), None, "another step was told all");
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_runs_is_not_forgotten() {
        let tallies = Tallies::default();
        let running = tallies.join(&call(0, 0, 0));
        for step in 1..=u32::try_from(KEPT).expect("small") + 9 {
            tallies.join(&call(step, 0, 0));
        }
        let kept = tallies.0.lock().unwrap_or_else(PoisonError::into_inner).tallies.len();
        assert_eq!(kept, KEPT);
        running.add(Reach { calls: 5, bytes: 0 });
        assert!(Arc::ptr_eq(&running, &tallies.join(&call(0, 1, 0))));
    }
}
