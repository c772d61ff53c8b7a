//! `playhouse replay` and `playhouse task replay`: a recorded task as a regression test.
//!
//! The task machine of this program gets what once arrived, and must decide what it once decided. With another
//! agent it shows where that one would have acted differently.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, ensure};
use playhouse_api::Export;
use playhouse_assembly::{Config, Extras, check};
use playhouse_core::{
    agent::{LimitsOverride, Pinned},
    task::{Divergence, Event, Record, Replayed, replay},
};
use playhouse_http::wire;
use serde_json::{Value, json};

use crate::{
    cli::{ReplayArgs, ReplayOn},
    render::Renderer,
    serve::default_data,
};

/// For `--agent`: the agent that the task ran on, as it is now.
const CURRENT: &str = "current";

/// Replays what `task export` wrote.
pub(crate) fn file(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let place = args.file.display();
    let text = fs::read_to_string(&args.file).with_context(|| format!("failed to read {place}"))?;
    let found: Export = serde_json::from_str(&text)
        .with_context(|| format!("{place} is not what `playhouse task export` writes"))?;
    export(&found, &args.on, args.json)
}

/// Replays one task; says how it went.
#[expect(clippy::print_stdout, reason = "the report is this command's output")]
pub(crate) fn export(export: &Export, on: &ReplayOn, json: bool) -> anyhow::Result<ExitCode> {
    ensure!(
        export.format == Export::FORMAT,
        "the export has the format `{}` and this program reads `{}`; replay it with the version that wrote it",
        export.format,
        Export::FORMAT
    );
    let pinned = on.agent.as_deref().map(|agent| current(agent, on.config.as_deref(), export)).transpose()?;
    let replayed = replay(&export.records, pinned)
        .with_context(|| format!("the records of task {} are no journal of a task", export.task))?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&as_json(export, &replayed))?),
        false => print!("{}", as_text(export, &replayed)),
    }
    Ok(if replayed.divergence.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a task of `agent` would run on in the configuration as it is now.
fn current(agent: &str, config: Option<&Path>, export: &Export) -> anyhow::Result<Pinned> {
    let Some(Event::Submitted(spec)) = export.records.first().map(|record| &record.event) else {
        anyhow::bail!("the records of task {} do not begin with its submission", export.task);
    };
    let name = if agent == CURRENT { &spec.pinned.agent.name } else { agent };
    let mut config = Config::load(config, std::env::vars())?;
    config.data = config.data.or_else(default_data);
    let house = check(&config, Extras::default())?;
    let agent = house.catalog.agent(name).with_context(|| {
        format!(
            "the configuration has no agent `{name}`; name a configuration with --config, or another agent"
        )
    })?;
    Ok(house.catalog.pin(agent, &LimitsOverride::default()))
}

/// The step in which the record at `at` was written; 0 before the first.
fn step(records: &[Record], at: u64) -> u32 {
    let asked = |record: &Record| match record.event {
        Event::ModelAsked { step, .. } => Some(step),
        _ => None,
    };
    records.iter().take(at as usize).rev().find_map(asked).unwrap_or(0)
}

fn as_json(export: &Export, replayed: &Replayed) -> Value {
    let event = |event: &Option<Event>| event.clone().map(wire::Event::from);
    let divergence = replayed.divergence.as_ref().map(|Divergence { at, recorded, now }| {
        let step = step(&export.records, *at);
        json!({ "at": at, "step": step, "recorded": event(recorded), "now": event(now) })
    });
    json!({ "task": export.task, "records": replayed.records, "divergence": divergence })
}

fn as_text(export: &Export, replayed: &Replayed) -> String {
    let Some(Divergence { at, recorded, now }) = &replayed.divergence else {
        return format!(
            "task {}: all {} records are decided the same again\n",
            export.task, replayed.records
        );
    };
    let mut text = format!(
        "task {} goes another way at event {at}, in step {}\nrecorded: {}\nnow:      {}\n",
        export.task,
        step(&export.records, *at),
        line(recorded, &export.records),
        line(now, &export.records),
    );
    if let Some((path, recorded, now)) = difference(&as_value(recorded), &as_value(now), "") {
        text.push_str(&format!("differs:  {path}: {recorded} was recorded, now {now}\n"));
    }
    text
}

fn as_value(event: &Option<Event>) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}

/// An event as `task watch` shows it, under its name.
fn line(event: &Option<Event>, records: &[Record]) -> String {
    let (Some(event), Some(first)) = (event, records.first()) else { return "nothing more".into() };
    let event = wire::Event::from(event.clone());
    let name = event.name();
    let told = Renderer::new().text(&event, first.at_ms);
    if told.is_empty() { name.to_owned() } else { format!("{name}: {told}") }
}

/// The first place where two values of the same event differ, as a JSON pointer, with what is there.
fn difference(recorded: &Value, now: &Value, path: &str) -> Option<(String, Value, Value)> {
    match (recorded, now) {
        (Value::Object(a), Value::Object(b)) if a.get("type") == b.get("type") => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let nothing = &Value::Null;
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(nothing), b.get(key).unwrap_or(nothing));
                difference(a, b, &format!("{path}/{key}"))
            })
        }
        // Another kind of event altogether: the lines above say it.
        (Value::Object(_), Value::Object(_) | Value::Null) | (Value::Null, Value::Object(_))
            if path.is_empty() =>
        {
            None
        }
        _ => (recorded != now).then(|| (path.to_owned(), recorded.clone(), now.clone())),
    }
}

#[cfg(test)]
mod tests {
    use playhouse_core::{
        id::{TaskId, Tenant},
        labels::Labels,
    };

    use super::*;

    fn export_of(events: Vec<Event>) -> Export {
        let record = |(seq, event)| Record {
            seq: seq as u64,
            epoch: 1,
            at_ms: 0,
            tenant: Tenant::local(),
            labels: Labels::default(),
            event,
        };
        Export {
            format: Export::FORMAT.into(),
            task: TaskId::new("T").expect("a name"),
            exported_ms: 0,
            records: events.into_iter().enumerate().map(record).collect(),
        }
    }

    #[test]
    fn a_divergence_names_step_event_and_place() {
        let asked = |attempt| Event::ModelAsked { step: 2, attempt };
        let export = export_of(vec![Event::ModelAsked { step: 1, attempt: 1 }, asked(1), Event::Unpaused]);
        let divergence =
            |recorded, now| Replayed { records: 2, divergence: Some(Divergence { at: 2, recorded, now }) };
        let told = as_text(&export, &divergence(Some(asked(1)), Some(asked(3))));
        assert!(told.contains("at event 2, in step 2"), "{told}");
        assert!(told.contains("differs:  /attempt: 1 was recorded, now 3"), "{told}");
        let told = as_text(&export, &divergence(Some(Event::Unpaused), None));
        assert!(told.contains("recorded: unpaused") && told.contains("now:      nothing more"), "{told}");
        assert!(!told.contains("differs"), "{told}");
        assert_eq!(as_json(&export, &divergence(Some(asked(1)), None))["divergence"]["step"], 2);
    }

    #[test]
    fn an_export_of_another_format_is_refused_by_name() {
        let export = Export { format: "playhouse-task/9".into(), ..export_of(Vec::new()) };
        let on = ReplayOn { agent: None, config: None };
        let refused = super::export(&export, &on, false).expect_err("it is refused").to_string();
        assert!(refused.contains("playhouse-task/9") && refused.contains("playhouse-task/1"), "{refused}");
    }
}
