//! `playhouse run`: the whole runtime for one task.

use std::{io::Write, process::ExitCode};

use anyhow::{Context, anyhow, bail};
use futures_util::StreamExt;
use playhouse_api::{Caller, RuntimeApi, Submission, TaskEvent};
use playhouse_assembly::{Config, Extras, House, Runtime};
use playhouse_core::{id::SessionId, task::TaskView};
use playhouse_http::wire;

use crate::{cli::RunArgs, render::Renderer, telemetry};

pub(crate) async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    if args.session.is_some() && args.data.is_none() {
        bail!("--session needs --data DIR: a conversation that is thrown away cannot be continued");
    }
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    let _telemetry = telemetry::start(&config.telemetry, "warn")?;
    // Lives until the end of this function, and takes its folder with it.
    let throw_away = tempfile::Builder::new().prefix("playhouse-").tempdir();
    let throw_away = throw_away.context("failed to make a temporary data directory; name one with --data")?;
    config.data = Some(args.data.clone().unwrap_or_else(|| throw_away.path().to_owned()));
    let mut running = House::build(&config, Extras::default()).await?.start().await?;
    let task = tokio::select! {
        task = answer(running.runtime.clone(), &args) => task,
        ended = running.root.ended() => Err(match ended {
            Err(error) => anyhow!("the runtime gave up: {error}"),
            Ok(()) => anyhow!("the runtime stopped"),
        }),
    };
    running.stop().await;
    print(&args, task?)
}

async fn answer(runtime: Runtime, args: &RunArgs) -> anyhow::Result<TaskView> {
    let caller = Caller::local();
    let session = args.session.as_deref().map(SessionId::new).transpose().context("--session")?;
    let submission = Submission {
        agent: args.agent.clone(),
        input: args.question.clone(),
        session,
        ..Submission::default()
    };
    let id = runtime.submit(&caller, submission).await?.task.head.task;
    let mut events = runtime.events(&caller, &id, 0, false).await?;
    let mut renderer = Renderer::new();
    while let Some(event) = events.next().await {
        if let (TaskEvent::Record(record), false) = (event?, args.quiet) {
            eprint!("{}", renderer.record(&wire::Record::from(record)));
        }
    }
    Ok(runtime.task(&caller, &id).await?)
}

/// The answer alone on stdout; everything else is for people and goes to stderr.
#[expect(clippy::print_stdout, reason = "the answer is this command's output")]
fn print(args: &RunArgs, task: TaskView) -> anyhow::Result<ExitCode> {
    let task = wire::Task::from(task);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&task)?);
    } else if let Some(output) = &task.output {
        println!("{output}");
    }
    std::io::stdout().flush()?;
    match (&task.output, &task.error) {
        (Some(_), _) => Ok(ExitCode::SUCCESS),
        (None, Some(error)) => bail!("{}", error.message),
        (None, None) => bail!("the task ended without an answer"),
    }
}
