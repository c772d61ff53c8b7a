//! A server that means harm, one harm at a time: calls end in time and with a reason, and memory stays bounded.

use playhouse_core::tool::ToolErrorKind::{self, BadOutput, Crashed, Denied, NotFound, Timeout, Upstream};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::{ServerConfig, ServerExit};
use serde_json::json;

use crate::kit::{CALL_MS, Stage, expect, hostile, stdio, until};

/// A call that ends the connection: what the caller hears, and what the operator hears.
async fn ends(how: &str, kind: ToolErrorKind, said: &str) -> String {
    let mut stage = Stage::run(hostile(how)).ready().await;
    expect(&stage.failure(CALL_MS).await, kind, said);
    let problem = stage.gone().await;
    assert!(problem.contains(said), "{problem}");
    problem
}

#[tokio::test]
async fn a_line_of_100_megabytes_costs_a_few_and_ends_the_connection() {
    let before = peak_kib();
    ends("long-line", Crashed, "more than 4194304 bytes").await;
    let grown = peak_kib() - before;
    assert!(grown < 64 * 1024, "memory grew by {grown} KiB");
}

/// The most memory this process has had.
pub(crate) fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn deep_json_ends_the_connection() {
    ends("deep", Crashed, "levels deep").await;
}

#[tokio::test]
async fn a_flood_of_notifications_ends_the_connection() {
    ends("flood", Crashed, "notifications in 5 s").await;
}

#[tokio::test]
async fn a_flood_of_requests_ends_the_connection() {
    ends("asks", Crashed, "requests of its own unanswered").await;
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_call_is_told_with_its_status() {
    let problem = ends("dies", Crashed, "").await;
    assert!(problem.contains("exit status: 7"), "{problem}");
}

#[tokio::test]
async fn a_server_that_writes_garbage_is_ended() {
    let problem = Stage::run(hostile("garbage")).gone().await;
    assert!(problem.contains("not messages, the last one `this is not JSON 64`"), "{problem}");
}

#[tokio::test]
async fn answers_to_questions_nobody_asked_answer_nothing() {
    let stage = Stage::run(hostile("wrong-ids")).ready().await;
    expect(&stage.failure(100).await, Timeout, "within 100 ms");
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_bad_output() {
    let stage = Stage::run(hostile("not-a-result")).ready().await;
    expect(&stage.failure(CALL_MS).await, BadOutput, "no answer");
}

#[tokio::test]
async fn a_server_that_only_fails_to_answer_one_call_is_kept() {
    let mut stage = Stage::run(hostile("silent")).ready().await;
    for _ in 0..3 {
        expect(&stage.failure(50).await, Timeout, "within 50 ms");
    }
    assert!(stage.status().up && stage.exits.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_answers_nothing_any_more_is_replaced() {
    let mut stage = Stage::run(hostile("deaf")).ready().await;
    expect(&stage.failure(50).await, Timeout, "within 50 ms");
    let problem = stage.gone().await;
    assert!(problem.contains("does not answer"), "{problem}");
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_leaves_its_callers_with_a_reason() {
    let stage = Stage::run(hostile("mute"));
    // No tool of it was ever seen, so a call is refused at once and not made to wait.
    expect(&stage.failure(CALL_MS).await, ToolErrorKind::UnknownTool, "has not listed its tools yet");
    assert!(stage.status().problem.unwrap().contains("being started"));
}

#[tokio::test]
async fn a_list_without_end_or_sense_is_refused() {
    for (how, said) in [
        ("endless-list", "32 pages"),
        ("many", "512 entries"),
        ("no-list", "cannot be listed"),
        ("heavy-list", "1048576 are allowed"),
    ] {
        let mut stage = Stage::run(hostile(how));
        let problem = stage.gone().await;
        assert!(problem.contains(said), "{how}: {problem}");
        assert!(!stage.status().up && stage.tools.specs().is_empty());
    }
}

#[tokio::test]
async fn a_tool_that_changes_behind_our_back_is_closed_until_it_is_approved() {
    let stage = Stage::run(hostile("changes")).ready().await;
    assert_eq!(stage.call("t", json!({})).await.unwrap(), "changed");
    until("the change is noticed", async || !stage.status().changed.is_empty()).await;
    expect(&stage.failure(CALL_MS).await, Denied, "playhouse tool approve s__t");
    assert_eq!(stage.tools.specs()[0].description, "Does it.", "models see what was approved");
    let changed = &stage.server().changed()[0];
    assert_eq!(changed.approved["description"], "Does it.");
    assert_eq!(changed.offered["description"], "Sends your files to Eve.");
    assert!(stage.tools.approve("s__nothing").is_err());
    stage.tools.approve("s__t").unwrap();
    until("it is open again", async || stage.call("t", json!({})).await.is_ok()).await;
    assert!(stage.tools.approve("s__t").unwrap_err().to_string().contains("approved as it is"));
}

#[tokio::test]
async fn names_that_are_there_twice_are_refused_and_the_rest_is_not() {
    let stage = Stage::run(hostile("twice")).ready().await;
    expect(&stage.failure(CALL_MS).await, Denied, "more than one tool is called `s__t`");
    let names: Vec<_> = stage.tools.specs().iter().map(|spec| spec.name.clone()).collect();
    assert_eq!(names, ["s__u"]);
    assert!(stage.status().refused["t"].contains("more than one"));
}

#[tokio::test]
async fn a_description_with_hidden_text_is_refused() {
    let stage = Stage::run(hostile("hides")).ready().await;
    expect(&stage.failure(CALL_MS).await, Denied, "people cannot see");
}

#[tokio::test]
async fn nothing_is_offered_that_is_not_allowed() {
    let stage = Stage::run(ServerConfig { tools: vec!["u".into()], ..hostile("twice") }).ready().await;
    expect(&stage.failure(CALL_MS).await, ToolErrorKind::UnknownTool, "does not allow it");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let config = ServerConfig { command: Some("no-such-program".into()), ..stdio("hostile", &[]) };
    let mut stage = Stage::run(config);
    let exit = stage.exit().await;
    assert!(
        matches!(&exit, ServerExit::Start { problem, .. } if problem.contains("there is no `no-such-program`"))
    );
    expect(&stage.failure(CALL_MS).await, ToolErrorKind::UnknownTool, "has not listed");
}

#[tokio::test]
async fn a_program_that_is_no_server_is_ended_with_its_last_words() {
    let config = ServerConfig {
        command: Some("sh".into()),
        args: vec!["-c".into(), "echo 'I am not a server' >&2; exit 3".into()],
        ..stdio("hostile", &[])
    };
    let ServerExit::Start { problem, .. } = Stage::run(config).exit().await else {
        panic!("it did not start")
    };
    assert!(problem.contains("exit status: 3") && problem.contains("I am not a server"), "{problem}");
}

#[tokio::test]
async fn a_tool_that_is_not_offered_any_more_is_not_found() {
    let stage = Stage::run(hostile("plain")).ready().await;
    let (folder, changed) = (stage.folder.clone(), hostile("twice"));
    assert_eq!(stage.call("t", json!({})).await.unwrap(), "ok");
    drop(stage);
    let stage = Stage::run_in(folder, ServerConfig { tools: vec!["t".into()], ..changed }).ready().await;
    expect(&stage.failure(CALL_MS).await, Denied, "more than one");
    let config = ServerConfig { tools: vec!["t".into(), "echo".into()], ..stdio("official", &[]) };
    let stage = Stage::run_in(stage.folder.clone(), config).ready().await;
    expect(&stage.failure(CALL_MS).await, NotFound, "not offer `s__t` any more");
    assert_eq!(stage.call("echo", json!({ "text": "x" })).await.unwrap(), "x");
}

#[tokio::test]
async fn a_server_that_takes_too_much_memory_dies_alone() {
    let mut config = hostile("hog");
    config.limits.memory_bytes = 64 << 20;
    let mut stage = Stage::run(config).ready().await;
    expect(&stage.failure(CALL_MS).await, Crashed, "");
    let problem = stage.gone().await;
    assert!(problem.contains("signal: 6") && problem.contains("memory allocation"), "{problem}");
    expect(&stage.failure(1).await, Upstream, "has been away");
}
