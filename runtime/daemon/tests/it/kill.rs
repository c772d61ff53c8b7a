//! `kill -9` at random moments: nothing acknowledged is lost, no completed step is repeated. Both are counted
//! outside the daemon: at the client that got the 202, and in the tools' own log.
//!
//! `PLAYHOUSE_KILL_ROUNDS` sets the number of rounds (`make soak`: 100).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all};
use serde_json::Value;

use crate::harness::{Daemon, Place, http, signal};

/// The demo's questions, and what their answers hold.
const QUESTIONS: [(&str, &str); 4] = [
    ("What is 37 times 12?", "444"),
    ("Convert 5 miles to kilometers.", "8.04672"),
    ("Look up amber-falcon.", "14"),
    ("What is amber-falcon times 3?", "42"),
];
/// Tasks submitted per round.
const TASKS: usize = 12;
/// About as long as that many take, in microseconds.
const BUSY_US: u64 = 120_000;

fn rounds() -> u64 {
    std::env::var("PLAYHOUSE_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4)
}

/// Moments spread evenly over the busy part of a round, without a random source: the golden ratio.
fn moment(round: u64) -> Duration {
    Duration::from_micros((round * 618_034 % 1_000_000) * BUSY_US / 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_no_completed_step_is_repeated() {
    let place = Place::new();
    let (mut accepted, mut last): (BTreeMap<String, &str>, BTreeMap<String, usize>) = Default::default();
    let mut done: BTreeSet<String> = BTreeSet::new();
    for round in 0..rounds() {
        let daemon = place.start();
        // Tasks that only wait for the model would hide the interesting moments.
        daemon.until("/readyz", |status, _| status == 200).await;
        let mut submitted = submit_until(&daemon, moment(round)).await;
        done.extend(completed(&daemon, submitted.keys()).await);
        // While somebody looked, those may all have ended; of these, some are under way whatever else the machine does.
        submitted.extend(submit_until(&daemon, Duration::ZERO).await);
        daemon.kill();
        accepted.extend(submitted);
        let calls = place.calls();
        for effect in done.intersection(&last.keys().cloned().collect()) {
            assert_eq!(calls[effect], last[effect], "round {round}: {effect} was completed and ran again");
        }
        last = calls;
    }
    let daemon = place.start();
    let mut interrupted = 0;
    for (task, answer) in &accepted {
        let task = daemon.finish(task).await;
        assert_eq!(task["status"], "done", "{task}");
        assert!(task["output"].as_str().unwrap().contains(answer), "{task}");
        interrupted += u32::from(task["epoch"] != 0);
    }
    assert!(interrupted > 0, "no kill ever fell into a task: the moments are wrong");
    let calls = place.calls();
    assert!(done.iter().all(|effect| calls[effect] == last[effect]), "a completed step ran again");
    println!(
        "{} rounds of kill -9: {} tasks acknowledged, {interrupted} interrupted, 0 lost; {} steps seen completed, \
         0 repeated; {} calls in all",
        rounds(),
        accepted.len(),
        done.len(),
        calls.values().sum::<usize>(),
    );
}

/// Submits tasks, then waits until the moment has come. What was acknowledged by then counts.
async fn submit_until(daemon: &Daemon, moment: Duration) -> BTreeMap<String, &'static str> {
    let mut accepted = BTreeMap::new();
    for n in 0..TASKS {
        let (question, answer) = QUESTIONS[n % QUESTIONS.len()];
        accepted.insert(daemon.submit(question).await, answer);
    }
    tokio::time::sleep(moment).await;
    accepted
}

/// Effects whose completion a watcher has already been shown.
async fn completed(daemon: &Daemon, tasks: impl Iterator<Item = &String>) -> BTreeSet<String> {
    let events = join_all(tasks.map(|task| shown(daemon, task))).await.into_iter().flatten();
    let done = events.filter(|event| event["type"] == "tool_done");
    done.map(|event| event["effect_id"].as_str().unwrap().to_owned()).collect()
}

/// The events a watcher gets at once, without waiting for more.
async fn shown(daemon: &Daemon, task: &str) -> Vec<Value> {
    let response = http().get(format!("{}/v1/tasks/{task}/events", daemon.url)).send().await.unwrap();
    let mut bytes = response.bytes_stream();
    let mut text = String::new();
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(Duration::from_millis(5), bytes.next()).await {
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok()).collect()
}

#[tokio::test]
async fn events_go_on_across_a_restart_without_loss_or_repeat() {
    let place = Place::new();
    let daemon = place.start();
    let task = daemon.submit("What is amber-falcon times 3?").await;
    let before = shown(&daemon, &task).await;
    daemon.kill();
    let daemon = place.start();
    daemon.finish(&task).await;
    let all = shown(&daemon, &task).await;
    assert_eq!(all[..before.len()], before, "what was shown stays as it was");
    let seqs: Vec<_> = all.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..all.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_killed_worker_is_restarted_and_costs_its_tasks_nothing_but_time() {
    let place = Place::new();
    let daemon = place.start();
    daemon.until("/readyz", |status, _| status == 200).await;
    for how in ["KILL", "ABRT"] {
        let tasks = [
            daemon.submit("What is 37 times 12?").await,
            daemon.submit("What is amber-falcon times 3?").await,
        ];
        for worker in daemon.workers() {
            signal(worker, how);
        }
        for (task, answer) in tasks.iter().zip(["444", "42"]) {
            let task = daemon.finish(task).await;
            assert!(task["output"].as_str().unwrap_or_default().contains(answer), "{how}: {task}");
        }
    }
}
