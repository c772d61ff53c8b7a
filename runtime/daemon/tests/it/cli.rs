//! The command line as its `--help` says.

use serde_json::Value;

use crate::harness::{Place, playhouse, run, text};

#[test]
fn run_prints_the_answer_alone_on_stdout() {
    let output = run(&["run", "What is 37 times 12?"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (answer, told) = (text(&output.stdout), text(&output.stderr));
    assert!(answer.contains("444") && answer.lines().count() == 1, "{answer}");
    assert!(told.contains("calculator") && told.contains("37 * 12"), "{told}");
}

#[test]
fn run_prints_the_task_as_json_when_asked_to() {
    let output = run(&["run", "--json", "--quiet", "What is 37 times 12?"]);
    let task: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(task["status"], "done");
    assert!(task["fuel"].as_u64() > Some(100), "its calculator was metered: {task}");
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn run_continues_a_conversation_in_a_kept_data_directory() {
    let place = Place::new();
    let data = place.path("data");
    let ask = |question| run(&["run", "--data", &data, "--session", "s", question]);
    assert!(text(&ask("What is 15 plus 27?").stdout).contains("42"));
    assert!(text(&ask("Now double that.").stdout).contains("84"));
    let refused = run(&["run", "--session", "s", "hello"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("--data"));
}

#[tokio::test]
async fn tasks_are_submitted_watched_listed_shown_and_cancelled() {
    let place = Place::new();
    let daemon = place.start();
    let task = |args: &[&str]| {
        let output = playhouse().env("PLAYHOUSE_URL", &daemon.url).arg("task").args(args).output().unwrap();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (ok, id, told) = task(&["submit", "What is 37 times 12?"]);
    assert!(ok, "{told}");
    let (ok, watched, _) = task(&["watch", id.trim()]);
    assert!(ok && watched.contains("444") && watched.contains("tool"), "{watched}");
    let (_, shown, _) = task(&["show", id.trim(), "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["status"], "done");
    let (_, listed, _) = task(&["list"]);
    assert!(listed.contains(id.trim()) && listed.contains("done"), "{listed}");
    let (ok, cancelled, _) = task(&["cancel", id.trim()]);
    assert!(ok && cancelled.contains("done"), "a finished task stays what it is: {cancelled}");
    let (ok, _, told) = task(&["show", "nobody"]);
    assert!(!ok && told.contains("there is no task `nobody`"), "{told}");
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log:#?}");
}

#[tokio::test]
async fn a_finished_task_is_forked_exported_replayed_and_forgotten() {
    let place = Place::new();
    let daemon = place.start();
    let id = daemon.submit("What is 37 times 12?").await;
    daemon.finish(&id).await;
    let task = |args: &[&str]| {
        let output = playhouse().env("PLAYHOUSE_URL", &daemon.url).arg("task").args(args).output().unwrap();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (ok, fork, told) = task(&["fork", &id, "--at", "1", "--input", "What is 15 plus 27?", "--watch"]);
    assert!(ok && fork.contains("42"), "{fork} {told}");
    let (ok, replayed, told) = task(&["replay", &id]);
    assert!(ok && replayed.contains("decided the same again"), "{replayed} {told}");
    let (_, export, _) = task(&["export", &id]);
    std::fs::write(place.path("task.json"), &export).unwrap();
    let (ok, _, told) = task(&["forget", &id]);
    assert!(ok && !task(&["show", &id]).0, "{told}");
    drop(daemon);

    let replay = |file: &str, more: &[&str]| run(&[&["replay", &place.path(file)], more].concat());
    let again = replay("task.json", &[]);
    assert!(again.status.success(), "{} {}", text(&again.stdout), text(&again.stderr));
    // The agent without tools cannot call the calculator that the record says was called.
    let other = replay("task.json", &["--agent", "direct"]);
    let told = text(&other.stdout);
    assert!(other.status.code() == Some(1) && told.contains("goes another way at event"), "{told}");
    std::fs::write(place.path("torn.json"), &export[..export.len() / 2]).unwrap();
    let torn = text(&replay("torn.json", &[]).stderr);
    assert!(torn.contains("torn.json") && torn.contains("task export"), "{torn}");
}

#[test]
fn without_a_daemon_the_client_says_what_to_do() {
    let output = run(&["task", "--url", "http://127.0.0.1:9", "list"]);
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("playhouse serve"), "{told}");
}

#[test]
fn check_lists_what_would_run() {
    let output = run(&["check"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    for part in ["agent assistant", "agent direct", "calculator", "pure", "nano", "all is well"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
