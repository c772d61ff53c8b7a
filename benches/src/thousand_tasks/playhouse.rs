//! The runtime under load: a house as an embedding program builds it, with its journal on disk.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use playhouse_api::Submission;
use playhouse_assembly::{Config, Extras, House, Runtime};
use playhouse_core::{
    agent::AgentDef,
    message::Message,
    model::{ChatRequest, ModelError, ModelErrorKind, Reply},
    task::{Event, Outcome, Record},
    tool::{EffectClass, ToolError, ToolErrorKind},
};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::json;

use super::{
    args::{Args, Place, Tool},
    phase::{Phase, Stopwatch},
    script::{self, Move},
};
use crate::{crowd, follow};

/// The agent's instructions; the bare loop sends them too.
pub(crate) const INSTRUCTIONS: &str = "Be brief.";
/// Bound of a reply; the bare loop sends it too.
pub(crate) const MAX_TOKENS: u32 = 256;
const AGENT: &str = "adds-up";

/// Builds a house once, so that the tools are compiled and kept before anything is measured.
pub(crate) fn prepare(args: &Args, place: &Place) -> Result<()> {
    let config = config(args, place)?;
    playhouse_assembly::check(&config, extras(args))?;
    Ok(())
}

/// Runs the tasks and measures them.
pub(crate) fn run(args: &Args, place: &Place) -> Result<Phase> {
    let config = config(args, place)?;
    let (tasks, at_once, rounds) = (args.tasks, place.at_once, args.rounds);
    args.tokio()?.block_on(async {
        let house = House::build(&config, extras(args)).await?.start().await?;
        let watch = Stopwatch::start()?;
        let runtime = house.runtime.clone();
        let results = crowd::run(tasks, at_once, move |n| {
            let runtime = runtime.clone();
            async move { task(&runtime, n, rounds).await.map_err(|error| format!("task {n}: {error:#}")) }
        });
        let results = results.await;
        let phase = watch.stop(&results)?;
        house.stop().await;
        Ok(phase)
    })
}

/// One task, submitted, followed and checked: how many records it wrote.
async fn task(runtime: &Runtime, n: usize, rounds: u32) -> Result<u64> {
    let submission = Submission { agent: AGENT.into(), input: script::input(n), ..Submission::default() };
    let (mut records, mut outcome) = (0, None);
    let seen = |record: Record| {
        records += 1;
        if let Event::Finished { outcome: how } = record.event {
            outcome = Some(how);
        }
    };
    follow::each(runtime, submission, seen).await?;
    let wanted = Outcome::Done { output: script::answer(n, rounds) };
    let outcome = outcome.context("it did not end")?;
    ensure!(outcome == wanted, "ended with {outcome:?}, not {wanted:?}");
    Ok(records)
}

/// What is shipped, but for the model: that is the mock, or a function of this program.
fn config(args: &Args, place: &Place) -> Result<Config> {
    let data = place.scratch.join(format!("data-{}", std::process::id()));
    let mut config = match args.in_process {
        true => Config::shipped(),
        false => Config::load(Some(&remote(args, &place.scratch, &place.model)?), [])?,
    };
    config.models.remove("nano");
    config.default_model = if args.in_process { "scripted" } else { "mock" }.into();
    config.data = Some(data);
    config.cache = Some(place.scratch.join("cache"));
    config.bounds.live_tasks = config.bounds.live_tasks.max(args.tasks);
    config.bounds.watchers = config.bounds.watchers.max(args.tasks);
    Ok(config)
}

/// A configuration file that names the mock.
fn remote(args: &Args, scratch: &Path, url: &str) -> Result<std::path::PathBuf> {
    let path = scratch.join("playhouse.toml");
    // Before the mock is up there is only `prepare`, which asks nobody.
    let url = if url.is_empty() { "http://127.0.0.1:9/v1" } else { url };
    let text = format!(
        "[models.mock]\nkind = \"openai\"\nbase_url = \"{url}\"\nmodel = \"mock\"\ncontext_tokens = 32768\n\
         stream = false\nmax_in_flight = {}\n",
        args.in_flight
    );
    fs::write(&path, text)?;
    Ok(path)
}

fn extras(args: &Args) -> Extras {
    let rounds = args.rounds;
    let model = ScriptedModel::new(move |request| scripted(request, rounds)).context_tokens(32 * 1024);
    let adder = FnTools::new().with(Tool::Native.name(), EffectClass::Pure, |arguments| {
        let not_a_sum = || ToolError::new(ToolErrorKind::InvalidInput, format!("not a sum: {arguments}"));
        script::add(&arguments).ok_or_else(not_a_sum)
    });
    Extras {
        tools: vec![Arc::new(adder)],
        models: if args.in_process { vec![("scripted".into(), Arc::new(model))] } else { Vec::new() },
        agents: vec![adds_up(args)],
        worker: None,
    }
}

fn adds_up(args: &Args) -> AgentDef {
    let mut agent = agent(AGENT, [args.tool.name()]);
    agent.model = "default".into();
    agent.instructions = INSTRUCTIONS.into();
    agent.limits.steps = args.rounds + 1;
    agent.sampling.max_tokens = MAX_TOKENS;
    agent
}

/// The mock's script, without HTTP.
fn scripted(request: &ChatRequest, rounds: u32) -> Result<Reply, ModelError> {
    let bad = |message: String| ModelError::new(ModelErrorKind::BadRequest, message);
    let input = request.messages.iter().find_map(|message| match message {
        Message::User { content } => script::task(content),
        _ => None,
    });
    let results: Vec<_> = request
        .messages
        .iter()
        .filter_map(|message| match message {
            Message::Tool { content, .. } => Some(content.as_str()),
            _ => None,
        })
        .collect();
    let (Some(task), Some(tool)) = (input, request.tools.first()) else {
        return Err(bad("no task in the input, or no tool".into()));
    };
    match script::next(task, &results, rounds).map_err(bad)? {
        Move::Answer(text) => answer(&text),
        Move::Call(expression) => call_tool(&tool.name, json!({ "expression": expression })),
    }
}
