//! A daemon process on loopback, and how to talk to it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing here takes longer on the slowest machine; a hang should fail, not hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The program under test, without the caller's own settings.
pub(crate) fn playhouse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_playhouse"));
    for (name, _) in std::env::vars() {
        if name.starts_with("PLAYHOUSE_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    playhouse().args(args).output().expect("the program starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One client for all tests. Plain HTTP needs no TLS provider, but the client wants one to exist.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A folder with a data directory and a tools' log, which outlives many daemons.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    config: Option<String>,
    env: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), config: None, env: Vec::new() }
    }

    pub(crate) fn with_config(text: &str) -> Self {
        Self { config: Some(text.to_owned()), ..Self::new() }
    }

    /// Sets an environment variable of the daemons to come.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    fn command(&self) -> Command {
        let mut command = playhouse();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", &self.path("data")]);
        command.env("PLAYHOUSE__CALL_LOG", self.path("calls.log"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(config) = &self.config {
            std::fs::write(self.path("playhouse.toml"), config).unwrap();
            command.args(["--config", &self.path("playhouse.toml")]);
        }
        command
    }

    /// Starts a daemon and waits until it listens.
    pub(crate) fn start(&self) -> Daemon {
        let mut child = self.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = Vec::new();
        let url = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the daemon ended: {log:#?}")).unwrap();
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.split(['"', ' ']).next().unwrap().to_owned();
            }
            log.push(line);
        };
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
        Daemon { child, url, rest: Some(rest) }
    }

    /// Starts a daemon that is expected to refuse; gives what it said.
    pub(crate) fn refused(&self) -> String {
        let output = self.command().output().unwrap();
        assert!(!output.status.success(), "it started");
        text(&output.stderr)
    }

    /// How often each effect was started, by the tools' own log.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        let log = std::fs::read_to_string(Path::new(&self.path("calls.log"))).unwrap_or_default();
        let mut calls = BTreeMap::new();
        for line in log.lines() {
            *calls.entry(line.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        calls
    }
}

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) url: String,
    rest: Option<JoinHandle<Vec<String>>>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// `kill -9`, and its whole log.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended, and what it logged.
    pub(crate) fn terminate(self) -> (ExitStatus, Vec<String>) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the end of a daemon that was told to; gives what it said meanwhile.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        (status, self.rest.take().unwrap().join().unwrap())
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The daemon's worker processes.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let task = format!("/proc/{0}/task", self.child.id());
        let threads = std::fs::read_dir(task).unwrap();
        let children =
            threads.flat_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")));
        children
            .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
            .collect()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let response = http().get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = http().post(format!("{}{path}", self.url)).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub(crate) async fn submit(&self, input: &str) -> String {
        let (status, task) = self.post("/v1/tasks", json!({"agent": "assistant", "input": input})).await;
        assert_eq!(status, 202, "{task}");
        task["id"].as_str().unwrap().to_owned()
    }

    /// Follows the task to its end.
    pub(crate) async fn finish(&self, task: &str) -> Value {
        let events =
            async { http().get(format!("{}/v1/tasks/{task}/events", self.url)).send().await?.text().await };
        tokio::time::timeout(PATIENCE, events).await.expect("the task ends").unwrap();
        self.get(&format!("/v1/tasks/{task}")).await.1
    }

    /// Asks `path` again and again until `wanted` accepts the answer.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let (status, body) = self.get(path).await;
            if wanted(status, &body) {
                return body;
            }
            assert!(began.elapsed() < PATIENCE, "never: {status} {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends a signal by name, as an operator would.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
