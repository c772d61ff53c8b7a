//! `playhouse task …` and `playhouse ready`: the command line as a client.

use std::{pin::pin, process::ExitCode, time::Duration};

use anyhow::bail;
use futures_util::StreamExt;
use playhouse_http::wire::{Cancel, Event, Outcome, Record, Submit, Task, TaskList};
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{ListArgs, ReadyArgs, SubmitArgs, TaskArgs, TaskCommand, WatchArgs},
    client::Client,
    render::Renderer,
};

/// How often a daemon that is not ready yet, or is away, is asked again.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often a broken stream is taken up again before the watcher gives up: some ten seconds.
const RECONNECTS_MAX: u32 = 50;

pub(crate) async fn task(args: TaskArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(args.remote)?;
    match args.command {
        TaskCommand::Submit(submit) => self::submit(&client, submit, args.json).await,
        TaskCommand::Watch(watch) => self::watch(&client, watch, args.json).await,
        TaskCommand::List(list) => self::list(&client, list, args.json).await,
        TaskCommand::Show { id } => {
            let task: Task = client.get(&format!("/v1/tasks/{id}"), &[]).await?;
            show(&task, args.json)
        }
        TaskCommand::Cancel { id, reason } => {
            let task: Task = client.post(&format!("/v1/tasks/{id}/cancel"), &Cancel { reason }, None).await?;
            show(&task, args.json)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the id is this command's output")]
async fn submit(client: &Client, args: SubmitArgs, json: bool) -> anyhow::Result<ExitCode> {
    let body = Submit {
        agent: args.agent,
        input: args.input,
        session: args.session,
        topic: args.topic,
        ..Submit::default()
    };
    let task: Task = client.post("/v1/tasks", &body, args.key_once.as_deref()).await?;
    if args.watch {
        return watch(client, WatchArgs { id: task.id, from: 0, until: None }, json).await;
    }
    if json {
        show(&task, true)
    } else {
        Ok({
            println!("{}", task.id);
            ExitCode::SUCCESS
        })
    }
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
    while let Some(event) = events.next().await {
        let event = event?;
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
    query.extend(args.session.map(|session| ("session", session)));
    query.extend(args.before.map(|before| ("before", before)));
    let page: TaskList = client.get("/v1/tasks", &query).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&page)?);
        return Ok(ExitCode::SUCCESS);
    }
    for task in &page.tasks {
        println!(
            "{}  {:<11} {:<12} {}",
            task.id,
            name(&task.status),
            task.agent,
            task.session.as_deref().unwrap_or("-")
        );
    }
    if let Some(next) = page.next {
        eprintln!("more: --before {next}");
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the task is this command's output")]
fn show(task: &Task, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(task)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("task     {}", task.id);
    println!("status   {}", name(&task.status));
    println!("agent    {}", task.agent);
    println!("input    {}", task.input);
    let rest = [
        ("session", task.session.clone()),
        ("output", task.output.clone()),
        ("error", task.error.as_ref().map(|error| error.message.clone())),
        ("reason", task.reason.clone()),
    ];
    for (label, value) in rest.into_iter().filter_map(|(label, value)| Some((label, value?))) {
        println!("{label:<8} {value}");
    }
    println!(
        "tokens   {} in ({} reused), {} out",
        task.usage.input_tokens, task.usage.cached_tokens, task.usage.output_tokens
    );
    println!("steps    {}", task.steps);
    Ok(ExitCode::SUCCESS)
}

/// An enum's name as it is on the wire.
fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
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
