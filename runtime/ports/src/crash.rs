//! Crash points: the places where dying matters, by name.
//!
//! A point stands before and after everything that a crash could tear: an append, an fsync, a rename, a
//! dispatch, an acknowledgement. In a normal run passing one costs a relaxed load. A test *arms* a hook,
//! which may end the process there, or freeze a simulated world.
//!
//! ```text
//! around(Point::LogSync, || file.sync_data())
//!   ├─ hook(LogSync, Before)   nothing has happened
//!   ├─ file.sync_data()
//!   └─ hook(LogSync, After)    it has, and nobody has heard
//! ```
//!
//! A test of the code's own shape fails when such a call stands outside [`around`], or a point in
//! [`Point::ALL`] is used nowhere.

use std::{
    fmt,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// What a crash may tear.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point { $($(#[$doc])* $point,)* }

        impl Point {
            /// Every point there is.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name, as [`FromStr`] reads it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// A group of commands is written to the journal's log.
    LogAppend = "log-append",
    /// The log is made durable.
    LogSync = "log-sync",
    /// A new segment of the log is begun.
    LogRoll = "log-roll",
    /// The oldest segment of the log, of which nothing is needed any more, goes.
    LogClean = "log-clean",
    /// What is durable in the log goes to the index.
    IndexApply = "index-apply",
    /// The index is made durable.
    IndexSync = "index-sync",
    /// Whoever waits for a commit is answered.
    CommitAck = "commit-ack",
    /// A file that replaces another is made durable under its temporary name.
    FileSync = "file-sync",
    /// It takes its final name.
    FileRename = "file-rename",
    /// The name is made durable.
    DirSync = "dir-sync",
    /// A planner, or who acts for one, appends a step.
    Append = "append",
    /// A model is asked.
    AskModel = "ask-model",
    /// A tool is called.
    CallTool = "call-tool",
    /// A tool is asked whether an effect happened.
    CheckTool = "check-tool",
    /// A task is made by another.
    SpawnChild = "spawn-child",
    /// A task's end is made known.
    Conclude = "conclude",
    /// A client is told that something is durable.
    Acknowledge = "acknowledge",
}

/// On which side of the torn thing a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// It has not begun.
    Before,
    /// It is complete.
    After,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];

    fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// A point, a side of it, and which passing of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The point.
    pub point: Point,
    /// The side.
    pub side: Side,
    /// Counted from 1.
    pub nth: u64,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.point.name(), self.side.name(), self.nth)
    }
}

/// Text that is not `point:side:nth`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no crash point; write one as `log-sync:before:3`")]
pub struct BadPoint(String);

impl FromStr for At {
    type Err = BadPoint;

    fn from_str(text: &str) -> Result<Self, BadPoint> {
        let parse = || {
            let mut parts = text.split(':');
            let (point, side, nth) = (parts.next()?, parts.next()?, parts.next().unwrap_or("1"));
            Some(Self {
                point: *Point::ALL.iter().find(|known| known.name() == point)?,
                side: *Side::BOTH.iter().find(|known| known.name() == side)?,
                nth: nth.parse().ok().filter(|nth| 0 < *nth && parts.next().is_none())?,
            })
        };
        parse().ok_or_else(|| BadPoint(text.to_owned()))
    }
}

/// What is called at every point once armed. It may end the process, or panic.
pub type Hook = fn(Point, Side);

static ARMED: AtomicBool = AtomicBool::new(false);
static HOOK: OnceLock<Hook> = OnceLock::new();

/// Sets the hook of this process, for good. A second call changes nothing and says so.
pub fn arm(hook: Hook) -> bool {
    let first = HOOK.set(hook).is_ok();
    ARMED.store(true, Ordering::Release);
    first
}

/// Ends this process, as `kill -9` would, at the passing that `at` names.
pub fn abort_at(at: At) -> bool {
    static PLAN: OnceLock<At> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    PLAN.set(at).is_ok()
        && arm(|point, side| {
            let plan = PLAN.get().expect("it is set before the hook is");
            if (plan.point, plan.side) == (point, side)
                && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == plan.nth
            {
                std::process::abort();
            }
        })
}

/// Passes one side of `point`.
pub fn pass(point: Point, side: Side) {
    if ARMED.load(Ordering::Relaxed)
        && let Some(hook) = HOOK.get()
    {
        hook(point, side);
    }
}

/// Does `work` with `point` on both sides of it.
pub fn around<T>(point: Point, work: impl FnOnce() -> T) -> T {
    pass(point, Side::Before);
    let done = work();
    pass(point, Side::After);
    done
}

/// Awaits `work` with `point` on both sides of it.
pub async fn around_async<T>(point: Point, work: impl Future<Output = T>) -> T {
    pass(point, Side::Before);
    let done = work.await;
    pass(point, Side::After);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_written_and_read_by_name() {
        for point in Point::ALL {
            for side in Side::BOTH {
                let at = At { point: *point, side, nth: 3 };
                assert_eq!(at.to_string().parse(), Ok(at));
            }
        }
        assert_eq!("log-sync:after".parse::<At>().map(|at| at.nth), Ok(1));
        for bad in
            ["", "log-sync", "log-sync:between", "nowhere:before", "append:before:0", "append:after:1:2"]
        {
            assert_eq!(bad.parse::<At>(), Err(BadPoint(bad.to_owned())), "{bad}");
        }
    }
}
