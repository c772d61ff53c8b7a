//! `playhouse tool …`: a component by itself, without a daemon.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::Context;
use playhouse_assembly::tools::{About, Config, Import, Inspection, ToolConfig, WasmToolBox, inspect};
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    tool::{Grant, ToolRequest},
};
use playhouse_ports::ToolBox;
use serde::Serialize;

use crate::cli::{CallArgs, InspectArgs, ToolArgs, ToolCommand};

/// The table of `tool call --table`, as the tool's grant names it.
const TABLE: &str = "table";

pub(crate) async fn tool(args: ToolArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ToolCommand::Inspect(args) => looked_at(&args),
        ToolCommand::Call(args) => call(args).await,
    }
}

/// 0: this host could run it; 1: it wants what this host does not have.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
fn looked_at(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let found = inspect(&args.file)?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&found)?),
        false => println!("{}", page(&args.file, &found)),
    }
    Ok(if found.about.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn page(path: &Path, found: &Inspection) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: &str| lines.push(format!("{name:<9} {text}"));
    match &found.about {
        Some(About { name, version, description, takes, declares, counts_as, .. }) => {
            line("tool", &format!("{name} {version}"));
            line("says", description);
            line("takes", if takes.is_empty() { "any object" } else { takes });
            let (declares, counts_as) = (name_of(declares), name_of(counts_as));
            let why = match found.imports.is_empty() {
                true => "proven: it imports nothing".to_owned(),
                false => format!("it says {declares}; `effect` in the configuration may say otherwise"),
            };
            line("effect", &format!("{counts_as} ({why})"));
        }
        None => line("tool", "cannot be asked: it wants what this host does not have"),
    }
    if found.imports.is_empty() {
        line("touches", "nothing: its answer depends on its arguments alone");
    }
    for Import { name, lets, remedy } in &found.imports {
        match (lets, remedy) {
            (Some(lets), _) => line("wants to", &format!("{lets} ({name})")),
            (None, remedy) => line("refused", &format!("{name}: {}", remedy.unwrap_or_default())),
        }
    }
    line("file", &format!("{}, {} bytes", path.display(), found.bytes));
    line("sha256", &found.sha256);
    lines.join("\n")
}

fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// 0 with the result on stdout; 1 with the tool's error on stderr. What the call took is said on stderr.
#[expect(clippy::print_stdout, reason = "the result is this command's output")]
async fn call(args: CallArgs) -> anyhow::Result<ExitCode> {
    let arguments = serde_json::from_str(&args.arguments).context("the arguments are not JSON")?;
    let tables: BTreeMap<_, _> = args.table.as_deref().map(table).transpose()?.into_iter().collect();
    let grant = Grant { table: tables.keys().next().cloned() };
    let tool = ToolConfig { component: args.file, tables, effect: None };
    let tools = WasmToolBox::load(Config { tools: vec![tool], ..Config::default() })?;
    let task = TaskId::new("by-hand")?;
    let name = tools.specs().first().map(|spec| spec.name.clone()).unwrap_or_default();
    let (effect_id, timeout_ms) = (EffectId::new(&task, 1, 0), args.timeout_ms);
    let request =
        ToolRequest { effect_id, tenant: Tenant::local(), task, tool: name, arguments, grant, timeout_ms };
    let called = tools.metered(request).await;
    if let Some(receipt) = &called.receipt {
        eprintln!("{} units of fuel", receipt.fuel);
    }
    match called.result {
        Ok(output) => {
            println!("{output}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{}: {error}", name_of(&error.kind));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn table(path: &Path) -> anyhow::Result<(String, BTreeMap<String, String>)> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let table = toml::from_str(&text).with_context(|| format!("{} is no table of texts", path.display()))?;
    Ok((TABLE.to_owned(), table))
}
