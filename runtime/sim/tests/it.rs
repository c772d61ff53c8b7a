//! The simulation holds, repeats itself to the byte, reaches every crash point, and its oracles bite.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use playhouse_ports::crash::{At, Point, Side};
use playhouse_sim::{Invariant, Lie, Options, Report, run};

/// Seeds that every change must pass; `make sim` runs 20,000.
const SEEDS: u64 = 500;

fn seeds() -> u64 {
    std::env::var("PLAYHOUSE_SIM_SEEDS").map_or(SEEDS, |n| n.parse().expect("a number of seeds"))
}

/// Runs `work` on every number below `count`, on all cores.
fn on_all_cores<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    std::thread::scope(|scope| {
        let work = &work;
        let start =
            |core| scope.spawn(move || (core..count).step_by(cores as usize).map(work).collect::<Vec<_>>());
        let started: Vec<_> = (0..cores).map(start).collect();
        started.into_iter().flat_map(|core| core.join().unwrap()).collect()
    })
}

fn run_all(count: u64) -> Vec<Report> {
    on_all_cores(count, |seed| run(seed, Options::default()))
}

#[test]
fn every_invariant_holds_in_every_world() {
    let reports = run_all(seeds());
    let broken: Vec<_> = reports.iter().filter(|r| r.broken.is_some()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{} of {} seeds fail:\n{}", broken.len(), reports.len(), broken.join("\n"));
    // Worlds in which nothing happens would hold, too.
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>() as u64;
    assert!(sum(|r| r.tasks) > 5 * seeds(), "hardly any task was accepted");
    assert!(sum(|r| r.effects) > 5 * seeds(), "hardly any effect happened");
    assert!(sum(|r| r.lives as usize) > seeds() * 3 / 2, "hardly any process died");
    assert!(sum(|r| r.seen.decisions) > seeds() / 2, "hardly anybody decided");
    assert!(sum(|r| r.seen.signals) > seeds() / 2, "hardly any signal was heard");
    assert!(sum(|r| r.seen.sleeps) > seeds() / 2, "hardly any task slept");
    assert!(sum(|r| r.seen.children) > seeds() / 2, "hardly any task made another");
    assert!(sum(|r| r.seen.forks) > seeds() / 4, "hardly any task was forked");
    assert!(sum(|r| r.seen.forgotten) > seeds() / 8, "hardly any task was forgotten");
}

#[test]
fn one_seed_is_one_run_to_the_byte() {
    // On other threads, at other times, beside other worlds.
    let digests = || on_all_cores(40, |seed| (seed, run(seed, Options::default())));
    let (mut first, mut second) = (digests(), digests());
    first.sort_by_key(|(seed, _)| *seed);
    second.sort_by_key(|(seed, _)| *seed);
    for ((seed, first), (_, second)) in first.iter().zip(&second) {
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first, second, "seed {seed}");
    }
    let different: BTreeSet<_> = first.iter().map(|(_, report)| &report.digest).collect();
    assert_eq!(different.len(), first.len(), "different seeds are different runs");
}

#[test]
fn one_seed_is_one_run_in_every_process() {
    let print = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_playhouse-sim"));
        let output = command.args(["--seed", "12", "--trace"]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let trace = run(12, Options::default()).trace;
    assert!(trace.lines().count() > 100);
    let (first, second) = (print(), print());
    assert!(first.starts_with(&trace), "this process and another");
    assert_eq!(first, second, "two other processes");
}

/// Worlds in which a lie may be found out, and how often so many are tried: some lies need a rare crash.
const WORLDS: u64 = 40;
const TRIES: u64 = 20;

/// Runs worlds in which `lie` is the only fault until `invariant` breaks.
#[track_caller]
fn bites(lie: Lie, calm: bool, invariant: Invariant) {
    let options = Options { lie: Some(lie), calm, ..Options::default() };
    let mut broken = BTreeSet::new();
    for nth in 0..TRIES {
        let reports = on_all_cores(WORLDS, |seed| run(nth * WORLDS + seed, options));
        broken.extend(reports.into_iter().filter_map(|report| Some(report.broken?.invariant)));
        if broken.contains(&invariant) {
            return;
        }
    }
    panic!("{lie:?} breaks only {broken:?}");
}

#[test]
fn a_disk_that_lies_about_sync_breaks_j4() {
    bites(Lie::SyncDoesNothing, false, Invariant::J4);
}

#[test]
fn a_journal_that_acts_before_it_has_written_breaks_j1() {
    bites(Lie::DispatchesEarly, true, Invariant::J1);
}

#[test]
fn a_journal_that_acknowledges_early_breaks_j4() {
    bites(Lie::AcknowledgesEarly, false, Invariant::J4);
}

#[test]
fn a_host_that_calls_twice_breaks_j3() {
    bites(Lie::CallsTwice, true, Invariant::J3);
}

#[test]
fn a_journal_that_changes_history_breaks_j4() {
    bites(Lie::ChangesHistory, false, Invariant::J4);
}

#[test]
fn a_journal_that_forgets_keys_breaks_j5() {
    bites(Lie::ForgetsKeys, false, Invariant::J5);
}

#[test]
fn a_journal_that_forgets_sessions_breaks_j6() {
    bites(Lie::ForgetsSessions, false, Invariant::J6);
}

#[test]
fn a_backend_that_ignores_its_permits_breaks_j7() {
    bites(Lie::IgnoresPermits, true, Invariant::J7);
}

#[test]
fn a_journal_that_forgets_open_tasks_breaks_liveness() {
    bites(Lie::ForgetsOpenTasks, false, Invariant::Liveness);
}

#[test]
fn agents_that_forget_whom_to_ask_break_approval() {
    bites(Lie::ForgetsApprovals, true, Invariant::Approval);
}

#[test]
fn signals_that_lose_their_ids_on_the_way_break_signal() {
    bites(Lie::ForgetsSignalIds, true, Invariant::Signal);
}

#[test]
fn a_clock_that_runs_ahead_breaks_timer() {
    bites(Lie::ClockRunsAhead, true, Invariant::Timer);
}

#[test]
fn a_journal_that_finds_nothing_due_breaks_timer() {
    bites(Lie::NeverRings, true, Invariant::Timer);
}

#[test]
fn a_journal_that_keeps_no_note_of_ends_breaks_child() {
    bites(Lie::ForgetsWakes, false, Invariant::Child);
}

#[test]
fn a_fork_at_another_step_breaks_fork() {
    bites(Lie::ForksElsewhere, true, Invariant::Fork);
}

#[test]
fn a_journal_that_does_not_forget_breaks_forget() {
    bites(Lie::ForgetsNothing, true, Invariant::Forget);
}

#[test]
fn every_crash_point_is_met_on_both_sides_and_survived() {
    let sides: Vec<_> = Point::ALL.iter().flat_map(|p| Side::BOTH.map(|s| (*p, s))).collect();
    let died_at = |(point, side): (Point, Side)| {
        // Early and late passings, in worlds that are calm but for this and in those that are not.
        (0..80).any(|seed| {
            let crash = Some(At { point, side, nth: 1 + seed / 2 % 3 });
            // A tool is asked whether it did something only by a life that follows the one that asked it to.
            let called = At { point: Point::CallTool, side: Side::After, nth: 1 + seed % 3 };
            let first = (point == Point::CheckTool).then_some(called);
            let report = run(seed, Options { crash, first, calm: seed.is_multiple_of(2), lie: None });
            assert_eq!(report.broken, None, "seed {seed} with {crash:?}");
            report.died_at.contains(&(point, side))
        })
    };
    let missed = on_all_cores(sides.len() as u64, |at| {
        let side = sides[at as usize];
        (!died_at(side)).then_some(side)
    });
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "no process died at {missed:?}");
}
