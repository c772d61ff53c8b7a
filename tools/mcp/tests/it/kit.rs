//! A tool box over one server, kept running as a supervisor would.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    message::{Assistant, Message},
    model::{Finish, Reply, Usage},
    tool::{Grant, Reach, ToolError, ToolErrorKind, ToolProgress, ToolRequest},
};
use playhouse_ports::{ToolAnswer, ToolBox, ToolCaller, ToolForm, ToolQuestion};
use playhouse_tools_mcp::{McpOptions, McpServer, McpToolBox, ServerConfig, ServerExit, ServerStatus};
use serde_json::{Map, Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Nothing here takes as long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Time of a call that is to succeed.
pub(crate) const CALL_MS: u64 = 20_000;

/// The name of the one server.
pub(crate) const SERVER: &str = "s";

/// A running server and its tool box.
pub(crate) struct Stage {
    pub(crate) tools: Arc<McpToolBox>,
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) exits: mpsc::UnboundedReceiver<ServerExit>,
    _running: JoinSet<()>,
}

/// The program of the example `name`, which `cargo test` has built.
pub(crate) fn example(name: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "`cargo build --examples -p playhouse-tools-mcp` makes {}", program.display());
    program.to_str().unwrap().to_owned()
}

/// A stdio server with all its tools allowed.
pub(crate) fn stdio(program: &str, args: &[&str]) -> ServerConfig {
    ServerConfig {
        command: Some(example(program)),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        tools: vec!["*".into()],
        ..ServerConfig::default()
    }
}

/// The hostile server that does `how`.
pub(crate) fn hostile(how: &str) -> ServerConfig {
    stdio("hostile", &[how])
}

impl Stage {
    /// Opens the tool box and runs its server again and again.
    pub(crate) fn run(config: ServerConfig) -> Self {
        Self::run_in(Arc::new(tempfile::tempdir().unwrap()), config)
    }

    /// The same in a folder that may have pins.
    pub(crate) fn run_in(folder: Arc<tempfile::TempDir>, config: ServerConfig) -> Self {
        let options = McpOptions::within(folder.path());
        let tools = McpToolBox::open(BTreeMap::from([(SERVER.to_owned(), config)]), &options).unwrap();
        let tools = Arc::new(tools);
        let (report, exits) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let server = tools.server(SERVER).unwrap().clone();
        running.spawn(async move { while report.send(server.run().await).is_ok() {} });
        Self { tools, folder, exits, _running: running }
    }

    /// Waits until the server has listed its tools.
    pub(crate) async fn ready(self) -> Self {
        timeout(PATIENCE, self.server().ready()).await.expect("it becomes ready");
        self
    }

    pub(crate) fn server(&self) -> Arc<McpServer> {
        self.tools.server(SERVER).unwrap().clone()
    }

    pub(crate) fn status(&self) -> ServerStatus {
        self.server().status()
    }

    /// Calls `tool` of the server, with time enough.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        self.call_within(tool, arguments, CALL_MS).await
    }

    pub(crate) async fn call_within(
        &self,
        tool: &str,
        arguments: Value,
        ms: u64,
    ) -> Result<Value, ToolError> {
        let call = self.tools.call(request(tool, arguments, ms));
        timeout(PATIENCE, call).await.expect("a call ends within its time")
    }

    /// Calls `tool` for `caller`, who is told and asked meanwhile.
    pub(crate) async fn call_for(
        &self,
        caller: &Arc<Witness>,
        tool: &str,
        arguments: Value,
    ) -> Result<Value, ToolError> {
        let call = self.tools.metered(request(tool, arguments, CALL_MS), caller.clone());
        timeout(PATIENCE, call).await.expect("a call ends within its time").result
    }

    /// Why the call of the hostile server's only tool failed.
    pub(crate) async fn failure(&self, ms: u64) -> ToolError {
        self.call_within("t", json!({}), ms).await.expect_err("it is hostile")
    }

    /// How the next life ends.
    pub(crate) async fn exit(&mut self) -> ServerExit {
        timeout(PATIENCE, self.exits.recv()).await.expect("the life ends").expect("somebody reports")
    }

    /// The same, in words.
    pub(crate) async fn gone(&mut self) -> String {
        match self.exit().await {
            ServerExit::Gone { problem, .. } => problem,
            other => panic!("{other}"),
        }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("mcp").join(SERVER)
    }
}

/// Remembers what it is told and asked, and answers in capitals.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) told: Mutex<Vec<(u64, u64, String)>>,
    pub(crate) asked: Mutex<Vec<ToolQuestion>>,
    /// Thinks for ever.
    pub(crate) slow: bool,
    /// What a person says to a form; without, nobody ever looks.
    pub(crate) person: Option<ToolAnswer>,
    /// The forms that a person was shown, with their schemas.
    pub(crate) forms: Mutex<Vec<(String, Value)>>,
    /// Thoughts that nobody waited for.
    pub(crate) given_up: AtomicUsize,
}

impl Witness {
    pub(crate) fn told(&self) -> Vec<(u64, u64, String)> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn forms(&self) -> Vec<(String, Value)> {
        self.forms.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> Vec<ToolQuestion> {
        self.asked.lock().unwrap().clone()
    }
}

/// Counts a thought that is dropped in the middle.
struct Thought<'a>(&'a AtomicUsize);

impl Drop for Thought<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ToolCaller for Witness {
    fn progress(&self, progress: ToolProgress) {
        let ToolProgress::Report { done, total, message } = progress else { panic!("{progress:?}") };
        self.told.lock().unwrap().push((done, total, message));
    }

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        let Some(Message::User { content }) = question.messages.last().cloned() else {
            panic!("{question:?}")
        };
        self.asked.lock().unwrap().push(question);
        if self.slow {
            let _thought = Thought(&self.given_up);
            std::future::pending::<()>().await;
        }
        Ok(Reply {
            message: Assistant { content: content.to_uppercase(), ..Assistant::default() },
            usage: Usage::default(),
            finish: Finish::Stop,
            model: "nano".into(),
        })
    }

    async fn ask_person(&self, form: ToolForm) -> Result<ToolAnswer, ToolError> {
        self.forms.lock().unwrap().push((form.message.clone(), form.schema.clone()));
        match self.person.clone() {
            Some(ToolAnswer::Filled(fields)) => {
                (form.check)(&Map::new()).expect_err("an empty answer does not fit");
                (form.check)(&fields).map(|()| ToolAnswer::Filled(fields)).map_err(|why| panic!("{why}"))
            }
            Some(declined) => Ok(declined),
            None => {
                let _thought = Thought(&self.given_up);
                std::future::pending().await
            }
        }
    }
}

pub(crate) fn request(tool: &str, arguments: Value, timeout_ms: u64) -> ToolRequest {
    let task = TaskId::new("task-1").unwrap();
    ToolRequest {
        effect_id: EffectId::new(&task, 3, 1),
        tenant: Tenant::local(),
        task,
        tool: format!("{SERVER}__{tool}"),
        arguments,
        grant: Grant::default(),
        others: None,
        labels: Labels::default(),
        timeout_ms,
        fuel: None,
        reached: Reach::default(),
    }
}

/// Waits until `holds`, which must happen soon.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether an error is of this kind and says this.
#[track_caller]
pub(crate) fn expect(error: &ToolError, kind: ToolErrorKind, said: &str) {
    assert!(error.kind == kind && error.message.contains(said), "{error:?}");
}
