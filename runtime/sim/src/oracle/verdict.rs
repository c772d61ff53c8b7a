//! What can turn out not to hold, and how that is said.

use std::fmt;

/// The promises, by the names of the architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No effect before its cause is durable; no acknowledgement of what is not.
    J1,
    /// A `once` effect is started at most once; a `checkable` one happens at most once.
    J3,
    /// What was acknowledged is there after every crash, unchanged, and folds to the state that was there.
    J4,
    /// Every accepted task ends once, and every client gets one answer.
    J5,
    /// Tasks of one session never interleave.
    J6,
    /// Every bound holds.
    J7,
    /// No call that must be agreed to is made before somebody has, and each decision counts once.
    Approval,
    /// A signal is heard at most once, as it was sent, and by whoever waits for it.
    Signal,
    /// A task that another makes was asked for first, and its end is heard once, as it was.
    Child,
    /// A fork shares the history of another task up to its step, and makes none of its calls again.
    Fork,
    /// Only a task that is over is forgotten, and then for good.
    Forget,
    /// Nothing that waits for a time goes on before it, or much later.
    Timer,
    /// When nothing fails any more, everything ends.
    Liveness,
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// `holds`, or the invariant broken as `what` says.
pub(crate) fn ensure(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { invariant, what: what() }) }
}

/// Something that should have happened by now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Overdue {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

/// How often there was something to look at: an oracle that sees nothing holds, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Decisions of people that came about.
    pub decisions: usize,
    /// Signals that were heard.
    pub signals: usize,
    /// Sleeps that came to their end.
    pub sleeps: usize,
    /// Ends of tasks that were heard by those who made them.
    pub children: usize,
    /// Forks that were made.
    pub forks: usize,
    /// Tasks that are gone.
    pub forgotten: usize,
}
