//! What calls of one tool in one task reach while they run at the same time: a bound per task holds for all of them.
//!
//! A call is told what earlier ones reached, and that leaves out those which still run. So calls that overlap count
//! together: the first of them begins a tally, the others join it, and it is gone with the last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use playhouse_core::grant::Bounds;
use playhouse_core::id::TaskId;
use playhouse_core::tool::{Reach, ToolRequest};

/// Of overlapping calls: what they have reached, those before them included.
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
}

/// The tallies of all calls that run; no more than there are such calls.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<HashMap<(TaskId, String), Weak<Tally>>>);

impl Tallies {
    /// The tally of `request`'s tool in its task.
    pub(crate) fn join(&self, request: &ToolRequest) -> Arc<Tally> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.retain(|_, tally| tally.strong_count() > 0);
        let tally = tallies.entry((request.task.clone(), request.tool.clone())).or_default();
        tally.upgrade().unwrap_or_else(|| {
            let begun = Arc::new(Tally(Mutex::new(request.reached)));
            *tally = Arc::downgrade(&begun);
            begun
        })
    }
}
