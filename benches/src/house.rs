//! A house whose model and tool are functions of this program: what is left is the runtime.
//!
//! Task `n` is told `task n`. The model asks for `rounds` calls of one tool, one after the other, and then
//! answers. Both report when work reaches them and when they hand a result back; everything between a result
//! and the next work is the runtime's doing.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use playhouse_api::Submission;
use playhouse_assembly::{Config, Extras};
use playhouse_core::{
    admission::Bounds,
    agent::AgentDef,
    message::Message,
    model::{ChatRequest, ModelError, ModelErrorKind, ModelInfo, Reply},
    policy::ApprovalRule,
    tool::EffectClass,
};
use playhouse_ports::{ChatModel, Deltas};
use playhouse_testkit::{FnTools, agent, answer, call_tool};
use serde_json::json;

/// A model that comes with a program is asked 256 times at once; so many hold the calls of a thousand tasks.
const MODELS: usize = 4;
const TOOL: &str = "count";
/// Longer than any run: a model that holds its reply must not be given up.
const HOUR_MS: u64 = 3_600_000;
/// Nothing here grows to this.
const CONTEXT_TOKENS: u32 = 1 << 20;

/// What the world does, as seen from a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The model is asked, with this many results so far.
    Asked(u32),
    /// The tool is called.
    Called,
    /// The model or the tool hands its result back.
    Answered,
}

/// Is told of every [`Moment`] of every task.
pub type Seen = Arc<dyn Fn(usize, Moment) + Send + Sync>;

/// How the model behaves.
#[derive(Clone)]
pub struct Script {
    /// Tool calls before the answer.
    pub rounds: u32,
    /// How long it thinks.
    pub think: Duration,
    /// With this many results it thinks for ever.
    pub hold_after: Option<u32>,
    /// Every tool call waits for a person's approval.
    pub approve: bool,
    /// Who is told.
    pub seen: Seen,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

impl Script {
    /// A model that answers at once after `rounds` tool calls; `seen` is told.
    pub fn new(rounds: u32, seen: Seen) -> Self {
        Self { rounds, think: Duration::ZERO, hold_after: None, approve: false, seen }
    }

    /// Model, tool and agent.
    pub fn extras(&self) -> Extras {
        let seen = self.seen.clone();
        let count = FnTools::new().with(TOOL, EffectClass::Pure, move |arguments| {
            let task = arguments["task"].as_u64().unwrap_or_default() as usize;
            seen(task, Moment::Called);
            seen(task, Moment::Answered);
            Ok(json!({ "counted": arguments["round"] }))
        });
        let model = |n| (model_of(n), Arc::new(self.clone()) as Arc<dyn ChatModel>);
        Extras {
            tools: vec![Arc::new(count)],
            models: (0..MODELS).map(model).collect(),
            agents: (0..MODELS).map(|n| self.agent(n)).collect(),
            worker: None,
        }
    }

    fn agent(&self, n: usize) -> AgentDef {
        let mut agent = agent(&agent_of(n), [TOOL]);
        agent.model = model_of(n);
        agent.limits.steps = self.rounds + 1;
        agent.limits.time_ms = HOUR_MS;
        agent.limits.model_time_ms = HOUR_MS;
        if self.approve {
            agent.policy.approvals.push(ApprovalRule::default());
        }
        agent
    }
}

#[async_trait]
impl ChatModel for Script {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "scripted".into(),
            version: "scripted-1".into(),
            provider: "playhouse".into(),
            context_tokens: CONTEXT_TOKENS,
            bytes_per_token: 3,
        }
    }

    async fn count_tokens(&self, _: &ChatRequest) -> Result<u32, ModelError> {
        Ok(1)
    }

    async fn chat(&self, request: ChatRequest, _: Deltas) -> Result<Reply, ModelError> {
        let task = request.messages.iter().find_map(|message| match message {
            Message::User { content } => content.strip_prefix("task ")?.parse::<usize>().ok(),
            _ => None,
        });
        let Some(task) = task else {
            return Err(ModelError::new(ModelErrorKind::BadRequest, "no task in the input"));
        };
        let results = request.messages.iter().filter(|message| matches!(message, Message::Tool { .. }));
        let results = results.count() as u32;
        (self.seen)(task, Moment::Asked(results));
        if self.hold_after.is_some_and(|most| results >= most) {
            std::future::pending::<()>().await;
        }
        if !self.think.is_zero() {
            tokio::time::sleep(self.think).await;
        }
        (self.seen)(task, Moment::Answered);
        if results < self.rounds {
            call_tool(TOOL, json!({ "task": task, "round": results }))
        } else {
            answer(&format!("task {task} is counted"))
        }
    }
}

fn model_of(n: usize) -> String {
    format!("scripted-{}", n % MODELS)
}

/// The agent of task `n`.
fn agent_of(n: usize) -> String {
    format!("counts-{}", n % MODELS)
}

/// What task `n` is submitted as over HTTP.
pub fn body(n: usize) -> String {
    format!(r#"{{"agent":"{}","input":"task {n}"}}"#, agent_of(n))
}

/// What task `n` is submitted as.
pub fn submission(n: usize) -> Submission {
    Submission { agent: agent_of(n), input: format!("task {n}"), ..Submission::default() }
}

/// What is shipped, but for the model.
pub fn config(data: PathBuf, cache: PathBuf, bounds: Bounds) -> Config {
    let mut config = Config::shipped();
    config.models.remove("nano");
    config.default_model = model_of(0);
    config.data = Some(data);
    config.cache = Some(cache);
    config.bounds = bounds;
    config
}

/// A folder for journals, and one in it for compiled tools, filled so that no measurement pays for it.
pub fn scratch(dir: Option<&Path>) -> Result<tempfile::TempDir> {
    let scratch = match dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    }
    .context("failed to make a folder for the journals")?;
    let config = config(scratch.path().join("none"), scratch.path().join("cache"), Bounds::default());
    let script = Script::new(0, Arc::new(|_, _| {}));
    playhouse_assembly::check(&config, script.extras())?;
    Ok(scratch)
}
