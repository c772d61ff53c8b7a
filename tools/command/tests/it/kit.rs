//! One command in a box, and how to call it.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use playhouse_core::tool::{ToolError, ToolRequest};
use playhouse_ports::ToolBox;
use playhouse_tools_command::{BadCommand, CommandConfig, CommandOptions, CommandToolBox};
use serde_json::{Value, json};

/// Both ways in which commands run; without namespaces, root's never do.
pub(crate) fn ways() -> impl Iterator<Item = bool> {
    let root = rustix::process::getuid().is_root();
    [true, false].into_iter().filter(move |namespaces| *namespaces || !root)
}

/// The example that keeps commands and attacks.
pub(crate) fn hostile() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples").join("hostile_command");
    assert!(
        program.is_file(),
        "`cargo build --examples -p playhouse-tools-command` makes {}",
        program.display()
    );
    program
}

/// A command, whose name is `it`.
pub(crate) fn config(program: impl Into<PathBuf>) -> CommandConfig {
    CommandConfig {
        program: Some(program.into()),
        description: "For tests.".into(),
        ..CommandConfig::default()
    }
}

/// A shell, of which the script is an argument.
pub(crate) fn shell() -> CommandConfig {
    CommandConfig { args: vec!["-c".into()], ..config("/bin/sh") }
}

pub(crate) struct House {
    pub(crate) tools: CommandToolBox,
    scratch: tempfile::TempDir,
}

impl House {
    pub(crate) fn try_open(config: CommandConfig, namespaces: bool) -> Result<Self, BadCommand> {
        let scratch = tempfile::tempdir().unwrap();
        let options = CommandOptions {
            keeper: Some(hostile()),
            namespaces,
            ..CommandOptions::within(scratch.path().join("calls"))
        };
        let tools = CommandToolBox::open(BTreeMap::from([("it".to_owned(), config)]), &options)?;
        let told = &tools.specs()[0].description;
        assert_eq!(
            told.contains("in namespaces of its own"),
            namespaces,
            "this machine has them, for these tests: {told}"
        );
        Ok(Self { tools, scratch })
    }

    pub(crate) fn open(config: CommandConfig, namespaces: bool) -> Self {
        Self::try_open(config, namespaces).unwrap()
    }

    pub(crate) async fn ask(&self, arguments: Value, timeout_ms: u64) -> Result<Value, ToolError> {
        self.tools.call(request("it", arguments, timeout_ms)).await
    }

    /// Runs it to its end. Nothing of the call stays behind.
    pub(crate) async fn run(&self, args: &[&str]) -> Value {
        let answer = self.ask(json!({ "args": args }), 20_000).await.unwrap();
        assert_eq!(fs::read_dir(self.scratch.path().join("calls")).unwrap().count(), 0, "its folder is gone");
        answer
    }
}

pub(crate) fn request(tool: &str, arguments: Value, timeout_ms: u64) -> ToolRequest {
    let task = playhouse_core::id::TaskId::new("01J00000000000000000000000").unwrap();
    ToolRequest {
        effect_id: playhouse_core::id::EffectId::new(&task, 1, 0),
        tenant: playhouse_core::id::Tenant::new("test").unwrap(),
        task,
        tool: tool.to_owned(),
        arguments,
        grant: Default::default(),
        others: None,
        labels: Default::default(),
        timeout_ms,
        fuel: None,
        reached: Default::default(),
    }
}

/// What it wrote, of either kind.
pub(crate) fn written(answer: &Value) -> String {
    format!("{}{}", answer["stdout"].as_str().unwrap(), answer["stderr"].as_str().unwrap())
}

/// Processes of this machine whose arguments hold `mark`.
pub(crate) fn living(mark: &str) -> usize {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let marked = all.filter(|entry| {
        fs::read(entry.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
    });
    marked.count()
}

/// Waits until no process holds `mark`, for as long as a slow machine may take.
pub(crate) async fn until_none_lives(mark: &str) {
    let gone = async {
        while living(mark) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap_or_else(|_| panic!("{mark} lives on"));
}
