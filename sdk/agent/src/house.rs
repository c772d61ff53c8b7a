//! A house in your program: agents that stay up, and where they keep what they know.
//!
//! ```text
//!  PlayhouseBuilder ── start ──▶ Playhouse ── agent(name) ──▶ AgentRef ── run ──▶ Answer
//!   agents, config                 │ stop                        └─ session ──▶ Session
//! ```

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use playhouse_api::{RuntimeApi, Submission};
use playhouse_assembly::{Config, Extras, House, ModelConfig, ModelEntry, Running, Runtime};
use playhouse_core::id::{SessionId, TaskId};
use tempfile::TempDir;

use crate::{Agent, Answer, Error, Run, Session, TaskRef, toolbox::NativeTools};

/// Whether this program can become the worker of local models.
static IS_WORKER: AtomicBool = AtomicBool::new(false);
/// The shipped agent behind [`ask`].
const ASSISTANT: &str = "assistant";

/// Make this the first line of `main` in a program that uses local models: they run in a child process, which
/// is this same program, and there this call never returns. In every other process it does nothing.
pub fn worker_entry() {
    IS_WORKER.store(true, Ordering::Relaxed);
    playhouse_assembly::worker_entry();
}

/// Asks the shipped assistant one question: it calculates, converts units and looks things up. The house that
/// answers is gone afterwards.
pub async fn ask(question: impl Into<String>) -> Result<Answer, Error> {
    let house = Playhouse::builder().start().await?;
    let answer = house.agent(ASSISTANT).run(question).await;
    house.stop().await;
    answer
}

/// What a house is made of; made by [`Playhouse::builder`].
#[derive(Debug)]
pub struct PlayhouseBuilder {
    config: Config,
    agents: Vec<Agent>,
    worker: Option<PathBuf>,
}

impl PlayhouseBuilder {
    /// Adds an agent. Without any, the shipped `assistant` and `direct` are there.
    pub fn agent(mut self, agent: Agent) -> Self {
        self.agents.push(agent);
        self
    }

    /// Builds on this configuration in place of the shipped one: models, sandboxed tools, tables, bounds.
    pub fn config(mut self, config: Config) -> Self {
        let data = self.config.data.take();
        self.config = Config { data: data.or(config.data), ..config };
        self
    }

    /// Keeps journal and sessions here. Without it they live in a temporary directory, and go with the house.
    /// One process at a time may use a directory.
    pub fn data(mut self, dir: impl Into<PathBuf>) -> Self {
        self.config.data = Some(dir.into());
        self
    }

    /// The program that becomes the worker of local models, for one that cannot call [`worker_entry`].
    pub fn worker(mut self, program: impl Into<PathBuf>) -> Self {
        self.worker = Some(program.into());
        self
    }

    /// Opens the journal, loads tools and models, starts the actors. Tasks that an earlier process left
    /// unfinished in the same data directory go on.
    pub async fn start(self) -> Result<Playhouse, Error> {
        let Self { mut config, agents, worker } = self;
        leave_out_unused_models(&mut config, &agents);
        if let (Some(model), None) = (local_model(&config), &worker)
            && !IS_WORKER.load(Ordering::Relaxed)
        {
            return Err(Error::NoWorker { model });
        }
        let temporary = temporary(&mut config)?;
        let schemas = agents.iter().map(|agent| (agent.name().to_owned(), agent.def.output_schema.is_some()));
        let declared = Arc::new(schemas.collect());
        let house = House::build(&config, extras(agents, worker)?).await?;
        let running = house.start().await?;
        Ok(Playhouse {
            runtime: running.runtime.clone(),
            running: Some(running),
            declared,
            _temporary: temporary,
        })
    }
}

/// Agents that all bring their own models need none of the configuration, and no worker process.
fn leave_out_unused_models(config: &mut Config, agents: &[Agent]) {
    let others = agents.is_empty() || config.agents.is_some();
    let is_needed = others || agents.iter().any(|agent| agent.own_model.is_none());
    if !is_needed && let Some(agent) = agents.first() {
        config.models.clear();
        config.default_model.clone_from(&agent.def.model);
    }
}

fn local_model(config: &Config) -> Option<String> {
    let is_local = |model: &ModelEntry| matches!(model.kind, ModelConfig::Llama(_));
    config.models.iter().find(|(_, model)| is_local(model)).map(|(alias, _)| alias.clone())
}

fn temporary(config: &mut Config) -> Result<Option<TempDir>, Error> {
    if config.data.is_some() {
        return Ok(None);
    }
    let dir = tempfile::Builder::new().prefix("playhouse-").tempdir().map_err(Error::Data)?;
    config.data = Some(dir.path().to_owned());
    Ok(Some(dir))
}

fn extras(agents: Vec<Agent>, worker: Option<PathBuf>) -> Result<Extras, Error> {
    let (mut tools, mut models, mut defs) = (NativeTools::default(), Vec::new(), Vec::new());
    for agent in agents {
        for tool in &agent.tools {
            tools
                .add(tool)
                .map_err(|problem| Error::Definition { agent: agent.def.name.clone(), problem })?;
        }
        models.extend(agent.own_model.map(|model| (agent.def.model.clone(), model)));
        defs.push(agent.def);
    }
    Ok(Extras { tools: vec![Arc::new(tools)], models, agents: defs, worker })
}

/// A running house.
///
/// [Stop](Playhouse::stop) it when you are done. Dropped without that, its actors are asked to stop but not
/// waited for; what was accepted is in the journal either way.
#[derive(Debug)]
pub struct Playhouse {
    runtime: Runtime,
    /// `None` once it is being stopped.
    running: Option<Running>,
    /// Agents of the program, and whether they were told the shape of their answers.
    declared: Arc<BTreeMap<String, bool>>,
    /// Removed last: fields are dropped in order.
    _temporary: Option<TempDir>,
}

impl Playhouse {
    /// Begins a house on the shipped configuration.
    pub fn builder() -> PlayhouseBuilder {
        PlayhouseBuilder { config: Config::shipped(), agents: Vec::new(), worker: None }
    }

    /// The agent called `name`: one of the program, of the configuration, or shipped. Whether there is one
    /// shows when it is asked.
    pub fn agent(&self, name: impl Into<String>) -> AgentRef {
        let name = name.into();
        let declared = self.declared.get(&name).copied().unwrap_or_default();
        AgentRef { runtime: self.runtime.clone(), name, declared }
    }

    /// The task called `id`. Whether there is one shows when it is asked.
    pub fn task(&self, id: TaskId) -> TaskRef {
        // Which agent it has is not known here, so nor is whether it was told the shape of its answers.
        TaskRef::new(self.runtime.clone(), id, true)
    }

    /// Everything the runtime offers: tasks, sessions, health.
    pub fn runtime(&self) -> &impl RuntimeApi {
        &self.runtime
    }

    /// Stops everything in order, the journal last. Tasks under way go on when the same data directory is
    /// opened again.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

impl Drop for Playhouse {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.root.supervisor.stop(None);
        }
    }
}

/// An agent of a running house. Cheap to clone; refuses work once the house has stopped.
#[derive(Debug, Clone)]
pub struct AgentRef {
    pub(crate) runtime: Runtime,
    name: String,
    declared: bool,
}

impl AgentRef {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks and waits for the answer.
    pub async fn run(&self, input: impl Into<String>) -> Result<Answer, Error> {
        self.stream(input).await?.answer().await
    }

    /// Asks and follows: events, the model's text as it is written, then the answer.
    pub async fn stream(&self, input: impl Into<String>) -> Result<Run, Error> {
        self.submit(self.submission(input.into())).await
    }

    /// The conversation called `name`, new or old: letters, digits and `.` `_` `:` `-`.
    pub fn session(&self, name: &str) -> Result<Session, Error> {
        let id = SessionId::new(name).map_err(|why| Error::Name { name: name.to_owned(), why })?;
        Ok(Session::new(self.clone(), id))
    }

    pub(crate) fn submission(&self, input: String) -> Submission {
        Submission { agent: self.name.clone(), input, ..Submission::default() }
    }

    pub(crate) async fn submit(&self, submission: Submission) -> Result<Run, Error> {
        Run::start(self.runtime.clone(), submission, self.declared).await
    }
}
