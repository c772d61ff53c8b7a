//! The lives of a connection: it comes back, it ends in order, and it leaves nothing behind.

use std::{path::Path, time::Duration};

use playhouse_core::tool::ToolErrorKind::{Crashed, Upstream};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::{ServerConfig, ServerExit};
use serde_json::json;
use tokio::{net::TcpListener, time::Instant};

use crate::kit::{CALL_MS, Stage, example, expect, hostile, request, stdio, until};

#[tokio::test]
async fn a_server_that_died_comes_back_and_callers_know_meanwhile() {
    let mut stage = Stage::run(hostile("dies-once")).ready().await;
    expect(&stage.failure(CALL_MS).await, Crashed, "in the middle of `s__t`");
    let problem = stage.gone().await;
    assert!(problem.contains("exit status: 7") && problem.contains("I do not feel well"), "{problem}");
    // The rest before the next attempt has begun.
    expect(&stage.failure(CALL_MS).await, Upstream, "has been away for 0 s");
    assert_eq!(stage.tools.specs().len(), 1, "its tools are known all the while");
    until("it is back", async || stage.call("t", json!({})).await.is_ok()).await;
}

#[tokio::test]
async fn a_server_of_the_newest_protocol_is_spoken_to_in_its_own_way() {
    let mut stage = Stage::run(hostile("modern"));
    let first = stage.exit().await.to_string();
    assert!(first.contains("no handshake"), "{first}");
    let stage = stage.ready().await;
    assert_eq!(stage.call("t", json!({})).await.unwrap(), "changed");
    until("its subscription is heard", async || !stage.status().changed.is_empty()).await;
}

#[tokio::test]
async fn short_lives_are_followed_by_longer_rests() {
    let config = ServerConfig {
        command: Some("sh".into()),
        args: vec!["-c".into(), "exit 3".into()],
        ..stdio("hostile", &[])
    };
    let mut stage = Stage::run(config);
    stage.exit().await;
    let mut rests = Vec::new();
    for _ in 0..3 {
        let before = Instant::now();
        stage.exit().await;
        rests.push(before.elapsed());
    }
    let least = [200, 400, 800].map(Duration::from_millis);
    assert!(rests.iter().zip(least).all(|(rest, least)| *rest >= least), "{rests:?}");
}

#[tokio::test]
async fn why_a_server_ended_is_not_pushed_out_by_its_trace() {
    let script = "echo 'Error: there is no package `a`' >&2; for i in 1 2 3 4 5 6 7 8 9; do echo \"    at f ($i.js)\" >&2; done";
    let config = ServerConfig {
        command: Some("sh".into()),
        args: vec!["-c".into(), format!("{script}; exit 1")],
        ..stdio("hostile", &[])
    };
    let problem = Stage::run(config).exit().await.to_string();
    assert!(problem.contains("it last said: Error: there is no package `a`"), "{problem}");
}

fn is_alive(pid: &str) -> bool {
    // A zombie that nobody has reaped yet is dead.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Starts a server with a grandchild, ends it somehow, and waits until both are gone.
async fn leaves_nothing(end: impl AsyncFnOnce(Stage)) {
    let stage = Stage::run(hostile("grandchild")).ready().await;
    let pid = stage.call("t", json!({})).await.unwrap().as_str().unwrap().to_owned();
    assert!(is_alive(&pid));
    end(stage).await;
    until("the grandchild is gone", async || !is_alive(&pid)).await;
}

#[tokio::test]
async fn a_grandchild_goes_with_a_server_that_is_stopped() {
    leaves_nothing(async |mut stage| {
        stage.server().stop();
        assert!(matches!(stage.exit().await, ServerExit::Stopped(_)));
    })
    .await;
}

#[tokio::test]
async fn a_grandchild_goes_with_a_run_that_is_dropped() {
    leaves_nothing(async |stage| drop(stage)).await;
}

#[tokio::test]
async fn a_grandchild_goes_with_a_server_that_dies_and_does_not_keep_it_alive() {
    leaves_nothing(async |mut stage| {
        // The grandchild holds the server's stdout, so that its end is not seen there.
        let leader = leader(&stage.work());
        rustix::process::kill_process(leader, rustix::process::Signal::KILL).unwrap();
        let problem = stage.gone().await;
        assert!(problem.contains("its process ended (signal: 9"), "{problem}");
    })
    .await;
}

/// The process whose working folder is `folder` and that leads its group.
fn leader(folder: &Path) -> rustix::process::Pid {
    let folder = folder.canonicalize().unwrap();
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let at_home = |pid: &i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
    let pid = pids.filter(at_home).min().expect("the server runs");
    rustix::process::Pid::from_raw(pid).unwrap()
}

#[tokio::test]
async fn a_server_that_will_not_end_is_killed() {
    // An ignored signal stays ignored in the program that follows.
    let script = format!("trap '' TERM; exec '{}' stubborn", example("hostile"));
    let config = ServerConfig {
        command: Some("sh".into()),
        args: vec!["-c".into(), script],
        read: vec![Path::new(&example("hostile")).parent().unwrap().into()],
        ..stdio("hostile", &[])
    };
    let mut stage = Stage::run(config).ready().await;
    let before = Instant::now();
    stage.server().stop();
    assert!(matches!(stage.exit().await, ServerExit::Stopped(_)));
    let took = before.elapsed();
    assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn a_server_that_ends_when_asked_is_not_waited_for() {
    let mut stage = Stage::run(stdio("official", &[])).ready().await;
    let before = Instant::now();
    stage.server().stop();
    assert!(matches!(stage.exit().await, ServerExit::Stopped(_)));
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_second_run_is_told_that_there_is_one() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    assert!(matches!(stage.server().run().await, ServerExit::AlreadyRunning(_)));
    assert!(stage.status().up);
}

#[tokio::test]
async fn calls_under_way_fail_when_the_run_is_dropped() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    let tools = stage.tools.clone();
    let call = tools.call(request("slow", json!({ "ms": 60_000 }), CALL_MS));
    let drop_it = async {
        until("it runs", async || stage.call("marks", json!({})).await.unwrap()["most_running"] == json!(1))
            .await;
        drop(stage);
    };
    let (call, ()) = tokio::join!(call, drop_it);
    expect(&call.unwrap_err(), Crashed, "it was stopped");
}

#[tokio::test]
async fn an_address_where_nobody_is_is_said_to_be_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let config = ServerConfig { url: Some(url), tools: vec!["*".into()], ..ServerConfig::default() };
    let mut stage = Stage::run(config);
    let exit = stage.exit().await;
    assert!(matches!(exit, ServerExit::Start { .. }), "{exit}");
    until("it is said", async || stage.status().problem.unwrap().contains("could not be started")).await;
}
