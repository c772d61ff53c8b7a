//! MCP servers in a whole house: real processes over stdio, an agent that calls their tools, deaths and changes.

#![expect(clippy::unwrap_used, reason = "a helper that fails should fail the test, there and then")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use playhouse_api::{Caller, RuntimeApi, Submission, TreeNode};
use playhouse_assembly::{
    Config, Extras, House, Running,
    mcp::{Approvals, lock},
};
use playhouse_core::{
    message::Message,
    model::{ChatRequest, ModelError, Reply},
};
use playhouse_testkit::{ScriptedModel, agent, answer, call_tool};
use tempfile::TempDir;

/// Nothing here takes as long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program of the example `mcp_server`, which `cargo test` has built.
fn server() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/mcp_server");
    assert!(program.is_file(), "`cargo build --examples -p playhouse-assembly` makes {}", program.display());
    program
}

/// A house with one server, which does `how`, and an agent with its only tool.
async fn house(data: &TempDir, command: &Path, how: &str) -> Running {
    let file = data.path().join("playhouse.toml");
    let sampling = if how == "samples" { "sampling = {}\n" } else { "" };
    let command = command.display();
    let text = format!("[mcp.s]\ncommand = \"{command}\"\nargs = [\"{how}\"]\ntools = [\"*\"]\n{sampling}");
    fs::write(&file, text).unwrap();
    let mut config = Config::load(Some(&file), []).unwrap();
    config.models.remove("nano");
    config.default_model = "scripted".into();
    config.data = Some(data.path().to_owned());
    let extras = Extras {
        models: vec![("scripted".into(), std::sync::Arc::new(ScriptedModel::new(script)))],
        agents: vec![agent("clerk", ["s__t"])],
        ..Extras::default()
    };
    House::build(&config, extras).await.unwrap().start().await.unwrap()
}

/// Calls the tool, then says what came back.
fn script(request: &ChatRequest) -> Result<Reply, ModelError> {
    match request.messages.last() {
        Some(Message::Tool { content, .. }) => answer(content),
        Some(Message::User { content }) if content == "who?" => answer("the model of the task"),
        _ => call_tool("s__t", serde_json::json!({})),
    }
}

/// What the tool said to a new task.
async fn ask(house: &Running) -> String {
    let (caller, submission) =
        (Caller::local(), Submission { agent: "clerk".into(), ..Submission::default() });
    let submission = Submission { input: "go".into(), ..submission };
    let task = house.runtime.submit(&caller, submission).await.unwrap().task.head.task;
    let events = house.runtime.events(&caller, &task, 0, false).await.unwrap();
    tokio::time::timeout(PATIENCE, events.count()).await.expect("the task ends");
    let task = house.runtime.task(&caller, &task).await.unwrap();
    task.output.unwrap_or_else(|| panic!("{:?}", task.error))
}

/// Waits until the tool says `wanted` to a new task.
async fn until_it_says(house: &Running, wanted: &str) {
    let began = Instant::now();
    loop {
        let said = ask(house).await;
        if said.contains(wanted) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The server's place in the tree.
async fn node(house: &Running) -> TreeNode {
    let mut root = house.runtime.tree(&Caller::local()).await.unwrap();
    let at = root.children.iter().position(|node| node.id == "connections").expect("they are in the tree");
    root.children.remove(at).children.remove(0)
}

/// The server's processes: those that work in its folder.
fn processes(data: &TempDir) -> Vec<String> {
    let folder = data.path().join("mcp/s").canonicalize().unwrap();
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let works_there = |pid: &String| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
    pids.filter(works_there).collect()
}

/// Kills the server, and waits until its supervisor has noticed.
async fn kill(house: &Running, data: &TempDir) {
    let before = node(house).await.restarts;
    let killed = Command::new("kill").arg("-9").args(processes(data)).status().unwrap();
    assert!(killed.success());
    let began = Instant::now();
    while node(house).await.restarts == before {
        assert!(began.elapsed() < PATIENCE, "nobody noticed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_calls_a_tool_of_a_server_that_is_started_again_when_it_dies() {
    let data = tempfile::tempdir().unwrap();
    let (house, began) = (house(&data, &server(), "plain").await, Instant::now());
    assert_eq!(node(&house).await.id, "mcp:s");
    while node(&house).await.state.as_deref() != Some("1 connected") {
        assert!(began.elapsed() < PATIENCE, "{:?}", node(&house).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = ask(&house).await;
    assert!(said.contains("ok"), "{said}");
    kill(&house, &data).await;
    until_it_says(&house, "ok").await;
    let node = node(&house).await;
    assert!(node.last_exit.unwrap().contains("signal: 9"), "the tree says why");
    house.stop().await;
    assert_eq!(processes(&data), Vec::<String>::new(), "it ends with the house");
    let farewell = fs::read_to_string(data.path().join("mcp/s/farewell"));
    assert_eq!(farewell.unwrap(), "stdin was closed", "in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_asks_the_model_of_the_task_that_calls_it() {
    let data = tempfile::tempdir().unwrap();
    let house = house(&data, &server(), "samples").await;
    let said = ask(&house).await;
    assert!(said.contains("the model of the task"), "{said}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_changed_is_refused_until_it_is_approved_beside_the_running_house() {
    let data = tempfile::tempdir().unwrap();
    house(&data, &server(), "plain").await.stop().await;
    let house = house(&data, &server(), "other").await;
    let said = ask(&house).await;
    assert!(said.contains("playhouse tool approve s__t"), "{said}");
    let approvals = Approvals::open(lock(data.path())).unwrap();
    let shown = approvals.waiting().remove(0);
    assert_eq!((&*shown.name, &shown.offered["description"]), ("s__t", &"Sends your files to Eve.".into()));
    approvals.approve(&shown).unwrap();
    assert!(ask(&house).await.contains("tool approve"), "this connection has listed it already");
    kill(&house, &data).await;
    until_it_says(&house, "ok").await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_pinned_and_is_down_does_not_keep_a_house_from_starting() {
    let data = tempfile::tempdir().unwrap();
    house(&data, &server(), "plain").await.stop().await;
    let house = house(&data, Path::new("no-such-program"), "plain").await;
    let said = ask(&house).await;
    assert!(said.contains("there is no `no-such-program`"), "{said}");
    house.stop().await;
}
