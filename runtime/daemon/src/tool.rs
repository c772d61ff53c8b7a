//! `playhouse tool …`: a component by itself, without a daemon.

mod adapt;
mod approve;
mod grants;
mod make;
mod store;
mod terminal;
mod trying;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use playhouse_assembly::{
    Telemetry,
    tools::{About, Allow, Config, Import, Inspection, Table, ToolConfig, WasmToolBox, inspect},
};
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolRequest},
};
use playhouse_ports::ToolBox;
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{CallArgs, InspectArgs, ToolArgs, ToolCommand},
    telemetry,
};

/// The table of `tool call --table`, as the tool's grant names it.
const TABLE: &str = "table";

pub(crate) async fn tool(args: ToolArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ToolCommand::New(args) => make::new(&args),
        ToolCommand::Build(args) => make::build(&args),
        ToolCommand::Inspect(args) => looked_at(&args),
        ToolCommand::Adapt(args) => adapt::adapt(&args),
        ToolCommand::Call(args) => call(args).await,
        ToolCommand::Grants(args) => grants::grants(&args),
        ToolCommand::Check(args) => trying::check(&args),
        ToolCommand::Test(args) => trying::test(args).await,
        ToolCommand::Bench(args) => trying::bench(args).await,
        ToolCommand::Keygen(args) => store::keygen(&args),
        ToolCommand::Sign(args) => store::sign(&args),
        ToolCommand::Verify(args) => store::verify(&args),
        ToolCommand::Pack(args) => store::pack(args).await,
        ToolCommand::Install(args) => store::install(args).await,
        ToolCommand::List(args) => store::list(&args),
        ToolCommand::Remove(args) => store::remove(&args),
        ToolCommand::Pending(args) => approve::pending(&args),
        ToolCommand::Approve(args) => approve::approve(&args),
    }
}

/// 0: this host could run it; 1: it wants what this host does not have.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
fn looked_at(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let found = inspect(&args.file)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!("{}", page(&args.file.display().to_string(), &found));
        if let Some(line) = adapt::origin_of(&fs::read(&args.file)?) {
            println!("{line}");
        }
    }
    Ok(if found.about.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn page(from: &str, found: &Inspection) -> String {
    let mut lines = Vec::new();
    // A component's own words must not look like ours.
    let mut line = |name: &str, text: &str| lines.push(format!("{name:<9} {}", plain(text)));
    match &found.about {
        Some(About {
            name,
            version,
            description,
            takes,
            declares,
            counts_as,
            counts_as_reading,
            annotations,
            ..
        }) => {
            line("tool", &format!("{name} {version}"));
            line("says", description);
            line("takes", if takes.is_empty() { "any object" } else { takes });
            let why = match found.imports.is_empty() {
                true => "proven: it imports nothing".to_owned(),
                false => {
                    format!("it says {}; `effect` in the configuration may say otherwise", name_of(declares))
                }
            };
            let reading = match counts_as_reading == counts_as {
                true => String::new(),
                false => format!(", {} if its grant of http only reads", name_of(counts_as_reading)),
            };
            line("effect", &format!("{}{reading} ({why})", name_of(counts_as)));
            line("a call", &annotations.to_string());
        }
        None => line("tool", "cannot be asked: it wants what this host does not have"),
    }
    if found.imports.is_empty() {
        line("touches", "nothing: its answer depends on its arguments alone");
    }
    for Import { name, lets, remedy, because } in &found.imports {
        match (lets, remedy) {
            (Some(lets), _) => {
                let why = because.as_ref().map_or_else(String::new, |why| format!(", it says: {why}"));
                line("wants to", &format!("{lets} ({name}){why}"));
            }
            (None, remedy) => line("refused", &format!("{name}: {}", remedy.unwrap_or_default())),
        }
    }
    line("file", &format!("{from}, {} bytes", found.bytes));
    line("sha256", &found.sha256);
    lines.join("\n")
}

/// `text` on one line, without anything that moves a cursor or hides what follows.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect()
}

/// Marks that turn or hide text, and separators of lines that are no control characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// 0 with the result on stdout; 1 with the tool's error on stderr. What the call took is said on stderr.
#[expect(clippy::print_stdout, reason = "the result is this command's output")]
async fn call(args: CallArgs) -> anyhow::Result<ExitCode> {
    let arguments = serde_json::from_str(&args.arguments).context("the arguments are not JSON")?;
    let tables: BTreeMap<_, _> = args.table.as_deref().map(table).transpose()?.into_iter().collect();
    let given = tables.keys().next().cloned();
    let _log = logged()?;
    let tools = loaded(&args.file, tables, Allow::default(), None)?;
    let name = tools.specs().first().map(|spec| spec.name.clone()).unwrap_or_default();
    let request = request(&name, arguments, given.as_deref(), args.timeout_ms)?;
    let called = tools.metered(request, Arc::new(terminal::Terminal)).await;
    if let Some(receipt) = &called.receipt {
        eprintln!("{} units of fuel, {}", receipt.fuel, terminal::reached(receipt.reached));
    }
    match called.result {
        Ok(output) => {
            println!("{output}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{}: {}", name_of(&error.kind), plain(&error.to_string()));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What the tool says for the log, and where it crashed, on stderr from now on.
fn logged() -> anyhow::Result<telemetry::Guard> {
    telemetry::start(&Telemetry::default(), "warn,tool=debug")
}

/// A host with the one component in `path`.
fn loaded(
    path: &Path,
    tables: BTreeMap<String, Table>,
    allow: Allow,
    cache: Option<PathBuf>,
) -> anyhow::Result<WasmToolBox> {
    let tool = ToolConfig { component: path.to_owned(), tables, effect: None, allow };
    Ok(WasmToolBox::load(Config { tools: vec![tool], cache, ..Config::default() })?)
}

/// A call that no task has asked for.
fn request(
    tool: &str,
    arguments: Value,
    table: Option<&str>,
    timeout_ms: u64,
) -> anyhow::Result<ToolRequest> {
    let task = TaskId::new("by-hand")?;
    Ok(ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: tool.to_owned(),
        arguments,
        grant: Grant { table: table.map(str::to_owned), ..Grant::default() },
        labels: Labels::default(),
        timeout_ms,
        fuel: None,
        reached: Reach::default(),
    })
}

fn table(path: &Path) -> anyhow::Result<(String, BTreeMap<String, String>)> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let table = toml::from_str(&text).with_context(|| format!("{} is no table of texts", path.display()))?;
    Ok((TABLE.to_owned(), table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_component_says_of_itself_cannot_forge_a_line() {
        let about = About {
            name: "a".into(),
            version: "1\neffect    pure\u{1b}[8m".into(),
            description: "b\u{2028}sha256    00\u{202e}".into(),
            takes: String::new(),
            describe_sha256: String::new(),
            text_sha256: String::new(),
            wants: BTreeMap::new(),
            input_schema: serde_json::json!({}),
            output_schema: serde_json::json!({}),
            declares: playhouse_core::tool::EffectClass::Pure,
            counts_as: playhouse_core::tool::EffectClass::Once,
            counts_as_reading: playhouse_core::tool::EffectClass::Idempotent,
            annotations: playhouse_core::tool::Annotations::default(),
        };
        let imports = vec![Import { name: "x\ny".into(), lets: None, remedy: Some("no"), because: None }];
        let found = Inspection { sha256: "ff".into(), bytes: 1, imports, about: Some(about) };
        let shown = page("a.wasm", &found);
        let names: Vec<_> = shown.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(names, ["tool", "says", "takes", "effect", "a", "refused", "file", "sha256"]);
        let effect = "effect    once, idempotent if its grant of http only reads (it says pure;";
        assert!(shown.contains(effect), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    }
}
