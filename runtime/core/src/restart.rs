//! What a supervisor does when a child ends: which children restart, how often, and in which order.
//!
//! ```text
//!   exit ──▶ Restart::applies ──▶ History::on_exit ──▶ affected ──▶ next_step ──▶ next_step ──▶ … Idle
//!            "does it matter?"    "too often?"         "who else?"  "stop c"      "start b"
//! ```
//!
//! The rules are OTP's: children start in list order and stop in reverse; a restart is immediate;
//! more than `max_restarts` of them within `period_ms` make the supervisor fail in turn. Nothing here
//! waits: when to try a broken *resource* again is that resource's own decision.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Which siblings share a failed child's fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// None: the children know nothing of each other.
    OneForOne,
    /// Those after it in the list: each child may use the ones before it.
    RestForOne,
    /// All: none is of use without the others.
    OneForAll,
}

/// Whether a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always: it has no reason to end.
    Permanent,
    /// After a failure only: it may finish its work.
    Transient,
    /// Never, not even when a sibling's failure takes it down.
    Temporary,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It stopped, or was asked to.
    Normal,
    /// It failed, panicked, was killed, or could not start.
    Abnormal,
}

impl Restart {
    /// Whether a child that ended by itself in this way is started again.
    pub fn applies(self, exit: Exit) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => exit == Exit::Abnormal,
            Self::Temporary => false,
        }
    }
}

/// How many restarts are bearable: more than `max_restarts` within `period_ms` are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intensity {
    /// Restarts within the period that are still put up with.
    pub max_restarts: u32,
    /// Length of the sliding period, in milliseconds.
    pub period_ms: u64,
}

/// What to do about one more exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start again, at once.
    Restart,
    /// A restart does not help: fail, so that the next one up decides.
    Escalate,
}

/// The recent exits that called for a restart.
///
/// Invariant: holds at most one exit more than the largest `max_restarts` it was asked about.
#[derive(Debug, Clone, Default)]
pub struct History(VecDeque<u64>);

impl History {
    /// Records an exit at `now_ms`, on any clock that does not run backwards, and judges it.
    pub fn on_exit(&mut self, intensity: Intensity, now_ms: u64) -> Verdict {
        self.0.push_back(now_ms);
        self.0.retain(|&exit| now_ms.saturating_sub(exit) <= intensity.period_ms);
        let bearable = usize::try_from(intensity.max_restarts).unwrap_or(usize::MAX);
        if self.0.len() <= bearable {
            return Verdict::Restart;
        }
        self.0.pop_front(); // The verdict stands without it, and so the history cannot grow.
        Verdict::Escalate
    }
}

/// The part of `order` to stop, last first, and to start again, first first, when `failed` has failed.
/// Empty when `failed` is not in `order`.
pub fn affected<'a, Id: PartialEq>(strategy: Strategy, order: &'a [Id], failed: &Id) -> &'a [Id] {
    match (strategy, order.iter().position(|id| id == failed)) {
        (_, None) => &[],
        (Strategy::OneForOne, Some(at)) => &order[at..=at],
        (Strategy::RestForOne, Some(at)) => &order[at..],
        (Strategy::OneForAll, Some(_)) => order,
    }
}

/// Where a child stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not running.
    Down,
    /// Asked to start.
    Starting,
    /// Running.
    Up,
    /// Asked to stop.
    Stopping,
}

/// Where a child should go from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Stay as it is.
    Keep,
    /// Stop if it runs, then start.
    Restart,
    /// Stop if it runs.
    Stop,
}

/// The one thing to do next, by position in the list of children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Stop this child.
    Stop(usize),
    /// Start this child.
    Start(usize),
    /// Nothing until the child that starts or stops has done so.
    Wait,
    /// Nothing: every child is where it should be.
    Idle,
}

/// Brings children from where they stand to where they should go: one at a time, stops before starts,
/// stops from the back, starts from the front. Looks only at the present, so that a child which fails
/// in the middle of a restart just changes what is next.
pub fn next_step(children: &[(Stage, Goal)]) -> Step {
    if children.iter().any(|(stage, _)| matches!(stage, Stage::Starting | Stage::Stopping)) {
        return Step::Wait;
    }
    let to_stop = children.iter().rposition(|&(stage, goal)| stage == Stage::Up && goal != Goal::Keep);
    let to_start = || children.iter().position(|&child| child == (Stage::Down, Goal::Restart));
    to_stop.map(Step::Stop).or_else(|| to_start().map(Step::Start)).unwrap_or(Step::Idle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    // By name, since proptest has a `Strategy` of its own.
    use super::{Strategy, *};

    const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll];

    #[test]
    fn a_strategy_names_who_shares_a_failure() {
        let order = ["a", "b", "c"];
        let hit = STRATEGIES.map(|strategy| affected(strategy, &order, &"b").to_vec());
        assert_eq!(hit, [vec!["b"], vec!["b", "c"], vec!["a", "b", "c"]]);
        assert!(affected(Strategy::OneForAll, &order, &"x").is_empty());
    }

    #[test]
    fn only_a_temporary_child_may_fail_for_good() {
        let restarts = |exit| {
            [Restart::Permanent, Restart::Transient, Restart::Temporary].map(|restart| restart.applies(exit))
        };
        assert_eq!(restarts(Exit::Normal), [true, false, false]);
        assert_eq!(restarts(Exit::Abnormal), [true, true, false]);
    }

    #[test]
    fn the_period_slides() {
        let intensity = Intensity { max_restarts: 2, period_ms: 100 };
        let mut history = History::default();
        let verdicts = [0, 60, 101, 161, 162].map(|now| history.on_exit(intensity, now));
        assert_eq!(verdicts[..4], [Verdict::Restart; 4]);
        assert_eq!(verdicts[4], Verdict::Escalate, "101, 161 and 162 are within 100 ms");
    }

    #[test]
    fn none_allowed_means_the_first_exit_escalates() {
        let intensity = Intensity { max_restarts: 0, period_ms: 1000 };
        assert_eq!(History::default().on_exit(intensity, 7), Verdict::Escalate);
    }

    /// Performs steps until there are none, as a supervisor would, and tells which.
    fn settle(children: &mut [(Stage, Goal)]) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            let step = next_step(children);
            match step {
                Step::Stop(at) => children[at].0 = Stage::Down,
                Step::Start(at) => children[at] = (Stage::Up, Goal::Keep),
                Step::Wait | Step::Idle => return steps,
            }
            steps.push(step);
        }
    }

    proptest! {
        #[test]
        fn it_escalates_exactly_when_too_many_exits_fall_into_one_period(
            max_restarts in 0_u32..5, period_ms in 0_u64..50, gaps in prop::collection::vec(0_u64..20, 0..60),
        ) {
            let intensity = Intensity { max_restarts, period_ms };
            let (mut history, mut exits, mut now) = (History::default(), Vec::new(), 0);
            for gap in gaps {
                now += gap;
                exits.push(now);
                let recent = exits.iter().filter(|&&exit| now - exit <= period_ms).count();
                let verdict = history.on_exit(intensity, now);
                prop_assert_eq!(verdict == Verdict::Escalate, recent > max_restarts as usize);
                prop_assert!(history.0.len() <= max_restarts as usize + 1);
            }
        }

        #[test]
        fn stops_run_backwards_and_come_before_starts_which_run_forwards(
            mut children in prop::collection::vec(
                (prop::sample::select(vec![Stage::Down, Stage::Up]),
                 prop::sample::select(vec![Goal::Keep, Goal::Restart, Goal::Stop])), 0..8),
        ) {
            let before = children.clone();
            let at = |wanted: fn(&(Stage, Goal)) -> bool| -> Vec<usize> {
                (0..before.len()).filter(|&at| wanted(&before[at])).collect()
            };
            let stops = at(|&(stage, goal)| stage == Stage::Up && goal != Goal::Keep).into_iter().rev();
            let starts = at(|&(_, goal)| goal == Goal::Restart);
            let expected: Vec<Step> = stops.map(Step::Stop).chain(starts.into_iter().map(Step::Start)).collect();
            prop_assert_eq!(settle(&mut children), expected);
        }
    }
}
