//! `playhouse task …` and `playhouse ready`: the command line as a client.

mod questions;
mod say;
mod show;

use std::{pin::pin, process::ExitCode, time::Duration};

use anyhow::bail;
use futures_util::StreamExt;
use playhouse_http::wire::{Cancel, Event, Fork, Outcome, Pause, Record, Submit, Task, TaskList};
use serde_json::Value;

use crate::{
    cli::{ForkArgs, ListArgs, ReadyArgs, SubmitArgs, TaskArgs, TaskCommand, WatchArgs},
    client::Client,
    render::Renderer,
    replay,
};
use questions::{QUIET, Shown};
use show::{name, show};
use tokio::time::timeout;

/// How often a daemon that is not ready yet, or is away, is asked again.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often a broken stream is taken up again before the watcher gives up: some ten seconds.
const RECONNECTS_MAX: u32 = 50;

pub(crate) async fn task(args: TaskArgs) -> anyhow::Result<ExitCode> {
    let client = &Client::new(args.remote)?;
    let json = args.json;
    let task = match args.command {
        TaskCommand::Submit(submit) => return self::submit(client, submit, json).await,
        TaskCommand::Watch(watch) => return self::watch(client, watch, json).await,
        TaskCommand::List(list) => return self::list(client, list, json).await,
        TaskCommand::Fork(fork) => return self::fork(client, fork, json).await,
        TaskCommand::Questions { id } => return questions::list(client, &id, json).await,
        TaskCommand::Answer(args) => return questions::answer(client, args, json).await,
        TaskCommand::Export { id } => return export(client, &id).await,
        TaskCommand::Replay { id, on } => {
            let export = client.get(&format!("/v1/tasks/{id}/export"), &[]).await?;
            return replay::export(&export, &on, json);
        }
        TaskCommand::Forget { id } => {
            client.delete(&format!("/v1/tasks/{id}")).await?;
            return Ok(ExitCode::SUCCESS);
        }
        TaskCommand::Show { id } => return self::look(client, &id, json).await,
        TaskCommand::Cancel { id, reason } => say::to(client, &id, "cancel", &Cancel { reason }).await?,
        TaskCommand::Pause { id, reason } => say::to(client, &id, "pause", &Pause { reason }).await?,
        TaskCommand::Resume { id } => say::to(client, &id, "resume", &Value::Null).await?,
        TaskCommand::Approve { call, arguments } => say::approve(client, call, arguments).await?,
        TaskCommand::Deny { call, reason } => say::deny(client, call, reason).await?,
        TaskCommand::Decide(args) => say::decide(client, args).await?,
        TaskCommand::Signal { id, name, payload, key_once } => {
            let path = format!("/v1/tasks/{id}/signals/{name}");
            client.post(&path, &payload, key_once.as_deref()).await?
        }
    };
    show(&task, json)
}

/// A task, and for people also what its calls ask.
#[expect(clippy::print_stdout, reason = "the task is this command's output")]
async fn look(client: &Client, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    let code = show(&client.get(&format!("/v1/tasks/{id}"), &[]).await?, json)?;
    if !json {
        print!("{}", Shown::default().more(client, id).await);
    }
    Ok(code)
}

async fn submit(client: &Client, args: SubmitArgs, json: bool) -> anyhow::Result<ExitCode> {
    let body = Submit {
        agent: args.agent,
        input: args.input,
        session: args.session,
        topic: args.topic,
        ..Submit::default()
    };
    let task: Task = client.post("/v1/tasks", &body, args.key_once.as_deref()).await?;
    made(client, task, args.watch, json).await
}

async fn fork(client: &Client, args: ForkArgs, json: bool) -> anyhow::Result<ExitCode> {
    let ForkArgs { id, at, model, input, agent, watch } = args;
    let body = Fork { at: Some(at), model, input, agent };
    let task: Task = client.post(&format!("/v1/tasks/{id}/fork"), &body, None).await?;
    made(client, task, watch, json).await
}

/// A task that exists now: followed if wanted, else named.
#[expect(clippy::print_stdout, reason = "the id is this command's output")]
async fn made(client: &Client, task: Task, follow: bool, json: bool) -> anyhow::Result<ExitCode> {
    if follow {
        return watch(client, WatchArgs { id: task.id, from: 0, until: None }, json).await;
    }
    if json {
        return show(&task, true);
    }
    println!("{}", task.id);
    Ok(ExitCode::SUCCESS)
}

/// As the daemon wrote it: what is not understood here may be understood where it is replayed.
#[expect(clippy::print_stdout, reason = "the export is this command's output")]
async fn export(client: &Client, id: &str) -> anyhow::Result<ExitCode> {
    println!("{}", client.text(&format!("/v1/tasks/{id}/export")).await?);
    Ok(ExitCode::SUCCESS)
}

/// Follows a task; takes the stream up again where it broke.
async fn watch(client: &Client, args: WatchArgs, json: bool) -> anyhow::Result<ExitCode> {
    let (mut next, mut renderer, mut broken) = (args.from, Renderer::new(), 0);
    loop {
        match follow(client, &args, json, &mut next, &mut renderer).await {
            Ok(Some(code)) => return Ok(code),
            Ok(None) => bail!("task {} has no event after {}", args.id, next.saturating_sub(1)),
            // Before the first event, an error is an answer; later, the daemon may be restarting.
            Err(error) if next == args.from || broken == RECONNECTS_MAX => return Err(error),
            Err(_) => {
                broken += 1;
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the events are this command's output")]
async fn follow(
    client: &Client,
    args: &WatchArgs,
    json: bool,
    next: &mut u64,
    renderer: &mut Renderer,
) -> anyhow::Result<Option<ExitCode>> {
    let mut events = pin!(client.events(&args.id, *next).await?);
    let mut shown = Shown::default();
    loop {
        let event = match timeout(QUIET, events.next()).await {
            Ok(Some(event)) => event?,
            Ok(None) => break,
            Err(_quiet) => {
                if !json {
                    print!("{}", shown.more(client, &args.id).await);
                }
                continue;
            }
        };
        let Ok(record) = serde_json::from_str::<Record>(&event.data) else { continue };
        *next = record.seq + 1;
        match json {
            true => println!("{}", event.data),
            false => print!("{}", renderer.record(&record)),
        }
        if args.until.as_ref() == Some(&event.event) {
            return Ok(Some(ExitCode::SUCCESS));
        }
        if let Event::Finished(outcome) = &record.event {
            let done = matches!(outcome, Outcome::Done { .. });
            return Ok(Some(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }));
        }
    }
    if *next == args.from { Ok(None) } else { bail!("the stream of events ended early") }
}

#[expect(clippy::print_stdout, reason = "the list is this command's output")]
async fn list(client: &Client, args: ListArgs, json: bool) -> anyhow::Result<ExitCode> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.status.map(|status| ("status", status)));
    query.extend(args.waiting.map(|waiting| ("waiting", waiting)));
    query.extend(args.session.map(|session| ("session", session)));
    query.extend(args.parent.map(|parent| ("parent", parent)));
    query.extend(args.before.map(|before| ("before", before)));
    let page: TaskList = client.get("/v1/tasks", &query).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&page)?);
        return Ok(ExitCode::SUCCESS);
    }
    for task in &page.tasks {
        let status = match &task.waiting {
            Some(waiting) => format!("{}: {}", name(&task.status), name(waiting)),
            None => name(&task.status),
        };
        let session = task.session.as_deref().unwrap_or("-");
        println!("{}  {status:<17} {:<12} {session}", task.id, task.agent);
    }
    if let Some(next) = page.next {
        eprintln!("more: --before {next}");
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the state is this command's output")]
pub(crate) async fn ready(args: ReadyArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(args.remote)?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(args.wait);
    loop {
        match client.get::<Value>("/readyz", &[]).await {
            Ok(state) => {
                println!("ready: {} live, {} queued", state["live_tasks"], state["queued_tasks"]);
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) if tokio::time::Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
}
