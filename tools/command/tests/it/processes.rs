//! Time, memory, and processes that will not go.

use std::time::{Duration, Instant};

use playhouse_core::tool::ToolErrorKind;
use playhouse_tools_command::{CommandConfig, CommandLimits};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::kit::{House, config, hostile, living, shell, until_none_lives, ways, written};

/// After its time, a call may take so much longer, on a machine that does other things.
const LITTLE: Duration = Duration::from_secs(3);

/// Runs what never ends, and returns when it has ended.
async fn ended(house: &House, arguments: Value, mark: &str) {
    let begun = Instant::now();
    let wrong = house.ask(arguments, 700).await.unwrap_err();
    assert_eq!(wrong.kind, ToolErrorKind::Timeout, "{}", wrong.message);
    assert!(begun.elapsed() < Duration::from_millis(700) + LITTLE, "{:?}", begun.elapsed());
    until_none_lives(mark).await;
}

#[tokio::test]
async fn whoever_ignores_signals_is_killed_at_the_deadline() {
    for (namespaces, mark) in ways().zip(["mark-signals-1", "mark-signals-2"]) {
        let script = format!("trap '' TERM INT HUP QUIT USR1; while :; do :; done # {mark}");
        ended(&House::open(shell(), namespaces), json!({ "args": [script] }), mark).await;
    }
}

#[tokio::test]
async fn a_fork_bomb_ends_with_its_call() {
    for (namespaces, mark) in ways().zip(["mark-forks-1", "mark-forks-2"]) {
        let limits = CommandLimits { processes: 20, ..CommandLimits::default() };
        let house = House::open(CommandConfig { limits, ..config(hostile()) }, namespaces);
        // 2047 of them, if nothing held them.
        let mut calls = JoinSet::new();
        calls.spawn(async move { ended(&house, json!({ "args": ["forks", mark, "10"] }), mark).await });
        let mut most = 0;
        let done = loop {
            if let Some(done) = calls.try_join_next() {
                break done;
            }
            most = most.max(living(mark));
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        done.unwrap();
        let allowed = if rustix::process::getuid().is_root() { 330 } else { 25 };
        assert!((15..allowed).contains(&most), "{most} at once");
    }
}

#[tokio::test]
async fn a_daemon_that_left_its_parents_dies_with_the_call() {
    for (namespaces, mark) in ways().zip(["mark-daemon-1", "mark-daemon-2"]) {
        let house = House::open(shell(), namespaces);
        let stays = format!("trap \"\" HUP TERM; while :; do sleep 0.1; done # {mark}");
        let script = format!(
            "(setsid sh -c '{stays}' >/dev/null 2>&1 </dev/null &); (setsid sh -c '{stays}' &); echo started"
        );
        let answer = house.run(&[&script]).await;
        assert_eq!((&answer["status"], &answer["stdout"]), (&json!(0), &json!("started\n")));
        assert_eq!(living(mark), 0, "already, when the answer is there");
    }
}

#[tokio::test]
async fn giving_a_call_up_ends_it() {
    for (namespaces, mark) in ways().zip(["mark-given-up-1", "mark-given-up-2"]) {
        let house = House::open(shell(), namespaces);
        let script =
            format!("setsid sh -c 'while :; do sleep 0.1; done # {mark}' & while :; do sleep 0.1; done");
        let mut calls = JoinSet::new();
        calls.spawn(async move { house.ask(json!({ "args": [script] }), 60_000).await });
        while living(mark) < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        calls.shutdown().await;
        until_none_lives(mark).await;
    }
}

#[tokio::test]
async fn memory_and_cpu_are_bounded() {
    let limits = CommandLimits {
        memory_bytes: 64 << 20,
        address_bytes: 256 << 20,
        cpu_s: 1,
        ..CommandLimits::default()
    };
    for namespaces in ways() {
        let house = House::open(CommandConfig { limits, ..config(hostile()) }, namespaces);
        assert!(written(&house.run(&["hold", "8"]).await).contains("held 8"));
        let answer = house.run(&["hold", "1000"]).await;
        assert!(answer["status"] != 0 && !written(&answer).contains("held"), "{answer}");
        assert_eq!(house.run(&["share", "1000"]).await["stdout"], "share: refused\n");
        let house = House::open(CommandConfig { limits, ..shell() }, namespaces);
        let answer = house.run(&["while :; do :; done"]).await;
        assert!(answer["signal"] == 24 || answer["signal"] == 9, "by its CPU time: {answer}");
    }
}

#[tokio::test]
async fn what_all_processes_hold_together_is_bounded() {
    // Four times 48 MiB for 3 s: each is within its own bound, all are not.
    let limits = CommandLimits { total_memory_bytes: 96 << 20, ..CommandLimits::default() };
    for namespaces in ways() {
        let house = House::open(CommandConfig { limits, ..config(hostile()) }, namespaces);
        let wrong = house.ask(json!({ "args": ["hold-many", "4", "48"] }), 20_000).await.unwrap_err();
        assert!(
            wrong.kind == ToolErrorKind::Failed && wrong.message.contains("more memory together than"),
            "{}",
            wrong.message
        );
        until_none_lives("hold-on").await;
        let answer = house.run(&["hold-many", "1", "48"]).await;
        assert!(written(&answer).contains("all were left alone"), "{answer}");
    }
}

#[tokio::test]
async fn memory_that_processes_share_counts_once() {
    // Six processes see 48 MiB each, and all of them hold 48 MiB.
    let limits = CommandLimits { total_memory_bytes: 96 << 20, ..CommandLimits::default() };
    for namespaces in ways() {
        let house = House::open(CommandConfig { limits, ..config(hostile()) }, namespaces);
        let answer = house.run(&["hold-fork", "5", "48"]).await;
        assert!(written(&answer).contains("shared"), "{answer}");
    }
}

#[tokio::test]
async fn many_calls_at_once_do_not_meet() {
    let house = std::sync::Arc::new(House::open(CommandConfig { concurrency: 4, ..shell() }, true));
    let mut calls = JoinSet::new();
    for number in 0..12 {
        let house = house.clone();
        calls.spawn(async move {
            let script = format!("ls; echo {number} > mine; cat mine");
            let answer = house.ask(json!({ "args": [script] }), 30_000).await.unwrap();
            assert_eq!(written(&answer), format!("{number}\n"));
        });
    }
    calls.join_all().await;
}
