//! F1: a real process over a real journal dies at every crash point there is, before and after, and at
//! moments of no meaning. Nothing acknowledged is lost, nothing completed is done again, and no `once` effect
//! reaches its receiver twice. Everything is counted outside the process that dies.
//!
//! ```text
//! this test ── the receiver: counts starts, ends and acknowledgements, over TCP
//!     └─ spawns itself ── a house with one tool of every effect class, that dies where it was told to
//! ```
//!
//! `PLAYHOUSE_DEATHS` adds rounds (`make soak`: 1,000 in all); without it, each point dies once.

#![expect(clippy::unwrap_used, reason = "a helper that fails should fail the test, there and then")]
#![expect(clippy::print_stdout, reason = "the figures are what a long run is for")]
#![expect(
    clippy::disallowed_methods,
    reason = "processes are killed after a while, and looked at now and then"
)]

mod house;
mod receiver;

use std::{
    collections::BTreeSet,
    env,
    process::{Command, Stdio},
    time::Duration,
};

use playhouse_ports::crash::{At, Point, Side};
use receiver::Receiver;

/// Where the child finds the receiver; without it, this is not the child.
const RECEIVER: &str = "PLAYHOUSE_TEST_RECEIVER";
const DATA: &str = "PLAYHOUSE_TEST_DATA";
const CRASH_AT: &str = "PLAYHOUSE_TEST_CRASH_AT";
/// A child that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Moments of kills without a point, in microseconds: about as long as a child takes.
const BUSY_US: u64 = 150_000;

/// Points that a house of this size does not pass, and why.
const NOT_PASSED: [(Point, &str); 2] = [
    (Point::LogRoll, "a segment is larger than all that is written here"),
    (Point::LogClean, "only a log of more than one segment is cleaned"),
];

#[test]
fn the_child_process_of_the_test_below() {
    let Ok(receiver) = env::var(RECEIVER) else { return };
    if let Ok(at) = env::var(CRASH_AT) {
        playhouse_ports::crash::abort_at(at.parse().unwrap());
    }
    house::live(&receiver, &env::var(DATA).unwrap());
}

/// What the child is to die of.
#[derive(Debug, Clone, Copy)]
enum Death {
    At(At),
    Killed(Duration),
}

#[test]
fn whatever_it_dies_of_nothing_is_lost_and_nothing_is_done_twice() {
    let extra: u64 = env::var("PLAYHOUSE_DEATHS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(0);
    let at = |nth| {
        let sides = |point: &Point| Side::BOTH.map(|side| Death::At(At { point: *point, side, nth }));
        Point::ALL.iter().flat_map(sides).collect::<Vec<_>>()
    };
    let mut deaths = at(1);
    for round in 0..extra {
        let moment = Duration::from_micros((round * 618_034 % 1_000_000) * BUSY_US / 1_000_000);
        let all = at(2 + round / 64);
        deaths.push(if round % 2 == 0 { Death::Killed(moment) } else { all[round as usize % all.len()] });
    }
    let mut passed = BTreeSet::new();
    let (mut acknowledged, mut unknown) = (0, 0);
    for death in &deaths {
        let round = one_round(*death);
        acknowledged += round.acknowledged;
        unknown += round.unknown;
        if let (Death::At(at), true) = (death, round.died) {
            passed.insert(at.point);
        }
    }
    let missed: Vec<_> = Point::ALL.iter().filter(|point| !passed.contains(point)).collect();
    let expected: Vec<_> = NOT_PASSED.iter().map(|(point, _)| point).collect();
    assert_eq!(missed, expected, "points at which no child died");
    println!(
        "{} deaths, {} points: {acknowledged} tasks acknowledged, 0 lost; 0 completed steps repeated; 0 `once` effects \
         started twice ({unknown} of them of unknown outcome)",
        deaths.len(),
        passed.len(),
    );
}

#[derive(Debug, Default)]
struct Round {
    died: bool,
    acknowledged: usize,
    unknown: usize,
}

/// What each life of a round dies of. A tool is only asked whether a call happened after a crash that left it
/// open, so that point takes a death before.
fn lives(death: Death) -> Vec<Death> {
    let open_call = Death::At(At { point: Point::CallTool, side: Side::After, nth: 4 });
    match death {
        Death::At(At { point: Point::CheckTool, .. }) => vec![open_call, death],
        other => vec![other],
    }
}

/// One data directory: children that die, then one that comes to its end.
fn one_round(death: Death) -> Round {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let mut round = Round::default();
    let lives = lives(death);
    for life in 0.. {
        assert!(life < 4, "{death:?}: the child never comes to its end");
        let own = lives.get(life).copied();
        let mut child = spawn(&receiver, dir.path(), own);
        if let Some(Death::Killed(moment)) = own {
            std::thread::sleep(moment);
            let _ = child.kill();
        }
        let died = !wait(&mut child, death).success();
        round.died = died && life + 1 == lives.len() || round.died;
        if !died && lives.len() <= life + 1 {
            break;
        }
    }
    let seen = receiver.seen();
    assert_eq!(seen.ended.len(), house::TASKS, "{death:?}: every task ends, and says so");
    for task in &seen.acknowledged {
        assert_eq!(seen.ended.get(task).map(String::as_str), Some("done"), "{death:?}: {task}");
    }
    for (effect, times) in &seen.started {
        let once = effect.starts_with("pay ");
        assert!(!once || *times == 1, "{death:?}: `{effect}` reached its receiver {times} times");
    }
    assert_eq!(seen.repeated, Vec::<String>::new(), "{death:?}: completed, and done again");
    round.acknowledged = seen.acknowledged.len();
    round.unknown = seen.unknown;
    round
}

fn spawn(receiver: &Receiver, data: &std::path::Path, death: Option<Death>) -> std::process::Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "the_child_process_of_the_test_below", "--nocapture"]);
    command.env(RECEIVER, receiver.address()).env(DATA, data).env_remove(CRASH_AT);
    if let Some(Death::At(at)) = death {
        command.env(CRASH_AT, at.to_string());
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait(child: &mut std::process::Child, death: Death) -> std::process::ExitStatus {
    let start = std::time::Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{death:?}: the child hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
