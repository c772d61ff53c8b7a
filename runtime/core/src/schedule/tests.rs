//! Order and bounds, over made-up days and in single cases.

use proptest::prelude::*;

use super::*;

fn id(n: usize) -> TaskId {
    TaskId::new(format!("t{n:03}")).unwrap()
}

fn lane(n: usize) -> Lane {
    (n > 0).then(|| (Tenant::local(), SessionId::new(format!("s{n}")).unwrap()))
}

proptest! {
    /// J6 and J7 over any order of submissions and conclusions, and nobody is forgotten.
    #[test]
    fn tasks_of_one_session_never_interleave_and_bounds_hold(
        lanes in prop::collection::vec(0usize..4, 1..40),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let bounds = Bounds { live_tasks: 3, queued_tasks: 100, ..Bounds::default() };
        let mut schedule = Schedule::new(bounds);
        let mut live: Vec<TaskId> = Vec::new();
        let mut begun: Vec<(usize, TaskId)> = Vec::new();
        let lane_of = |task: &TaskId| lanes[task.as_str()[1..].parse::<usize>().unwrap()];
        let mut picks = picks.into_iter();
        for n in 0..lanes.len() + 200 {
            let started = match n < lanes.len() {
                true => {
                    prop_assert!(schedule.reserve());
                    schedule.accept(id(n), lane(lanes[n]))
                }
                false if live.is_empty() => break,
                false => {
                    let done = live.swap_remove(picks.next().unwrap().index(live.len()));
                    schedule.conclude(&done)
                }
            };
            begun.extend(started.iter().map(|task| (lane_of(task), task.clone())));
            live.extend(started);
            prop_assert!(live.len() <= 3);
            let mut sessions: Vec<_> = live.iter().map(lane_of).filter(|lane| *lane > 0).collect();
            let all = sessions.len();
            sessions.sort_unstable();
            sessions.dedup();
            prop_assert_eq!(sessions.len(), all, "two live tasks of one session");
        }
        prop_assert_eq!(begun.len(), lanes.len(), "every task starts once");
        for session in 1..4 {
            let order: Vec<_> = begun.iter().filter(|(lane, _)| *lane == session).collect();
            prop_assert!(order.is_sorted(), "tasks of a session start in the order of submission");
        }
    }
}

#[test]
fn beyond_the_bounds_a_task_is_turned_away() {
    let bounds = Bounds { live_tasks: 1, queued_tasks: 1, ..Bounds::default() };
    let mut schedule = Schedule::new(bounds);
    assert!(schedule.reserve());
    assert_eq!(schedule.accept(id(0), None), [id(0)]);
    assert!(schedule.reserve());
    assert!(schedule.accept(id(1), None).is_empty());
    assert!(!schedule.reserve());
    assert_eq!(schedule.conclude(&id(0)), [id(1)]);
    assert!(schedule.reserve());
}

#[test]
fn a_parked_task_gives_its_place_away_but_not_its_session() {
    let bounds = Bounds { live_tasks: 1, queued_tasks: 9, ..Bounds::default() };
    let mut schedule = Schedule::new(bounds);
    for (n, of) in [(0, lane(1)), (1, lane(1)), (2, None)] {
        assert!(schedule.reserve());
        let _ = schedule.accept(id(n), of);
    }
    assert!(schedule.is_live(&id(0)));
    assert_eq!(schedule.park(&id(0)), [id(2)], "its session waits for it");
    assert!(schedule.wake(id(0)).is_empty(), "there is no place");
    assert_eq!(schedule.conclude(&id(2)), [id(0)], "the woken goes first");
    assert_eq!(schedule.conclude(&id(0)), [id(1)]);
}

#[test]
fn a_task_that_runs_out_of_time_while_it_waits_is_held_and_told_of_once() {
    let mut schedule = Schedule::new(Bounds { live_tasks: 1, ..Bounds::default() });
    for n in 0..4 {
        assert!(schedule.reserve());
        let _ = schedule.accept(id(n), None);
        schedule.set_deadline(id(n), 1_000 * (4 - n as u64));
    }
    assert_eq!(schedule.next_deadline_ms(), Some(1_000), "the live one keeps its own time");
    assert!(schedule.overdue(999, 9).is_empty());
    assert_eq!(schedule.overdue(2_000, 1), [id(2)]);
    assert_eq!(schedule.overdue(2_000, 9), [id(3)]);
    assert!(schedule.overdue(2_000, 9).is_empty());
    assert_eq!(schedule.conclude(&id(0)), [id(1)], "what has run out of time does not start");
    assert_eq!(schedule.next_deadline_ms(), None);
    // The clock went back: one of them has time after all.
    schedule.set_deadline(id(3), 9_000);
    assert!(schedule.conclude(&id(2)).is_empty() && schedule.release(&id(3)).is_empty());
    assert_eq!(schedule.conclude(&id(1)), [id(3)]);
}

#[test]
fn nobody_overtakes_a_held_task_of_the_same_session() {
    let mut schedule = Schedule::new(Bounds { live_tasks: 1, ..Bounds::default() });
    for (n, of) in [(0, lane(1)), (1, lane(1)), (2, lane(1)), (3, None)] {
        assert!(schedule.reserve());
        let _ = schedule.accept(id(n), of);
    }
    assert!(schedule.hold(&id(1)));
    assert_eq!(schedule.conclude(&id(0)), [id(3)], "its successor waits with it");
    assert!(schedule.release(&id(1)).is_empty());
    assert_eq!(schedule.conclude(&id(3)), [id(1)]);
}

#[test]
fn a_held_task_waits_until_it_is_released() {
    let mut schedule = Schedule::new(Bounds { live_tasks: 1, ..Bounds::default() });
    for n in 0..3 {
        assert!(schedule.reserve());
        let _ = schedule.accept(id(n), lane(n));
    }
    assert!(schedule.hold(&id(1)) && !schedule.hold(&id(0)));
    assert_eq!(schedule.conclude(&id(0)), [id(2)]);
    assert!(schedule.conclude(&id(2)).is_empty());
    assert_eq!(schedule.release(&id(1)), [id(1)]);
}
