//! `playhouse tool call`, and what else calls components by hand.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, anyhow};
use playhouse_assembly::{
    Config, Telemetry,
    tools::{Allow, ByHand, HostConfig, LoadError, Table, ToolConfig, WasmToolBox, by_hand, compiled},
};
use playhouse_core::{
    id::{EffectId, TaskId, Tenant},
    labels::Labels,
    tool::{Grant, Reach, ToolRequest},
};
use playhouse_ports::{Clock, SystemClock, ToolBox};
use serde_json::Value;

use super::{component_of, name_of, plain, terminal};
use crate::{
    cli::{CallArgs, CalledArgs},
    telemetry,
};

/// The table of `--table`, as the tool's grant names it.
pub(super) const TABLE: &str = "table";

/// A tool that can be called, and how.
pub(super) struct Called {
    pub(super) tools: WasmToolBox,
    pub(super) request: ToolRequest,
    /// Tables that it may write, for as long as it can be called.
    _stores: tempfile::TempDir,
}

impl Called {
    /// What `args` name: a component with nothing granted but a table, or a tool of a configuration with what that grants.
    pub(super) fn load(args: CalledArgs, cache: Option<PathBuf>, timeout_ms: u64) -> anyhow::Result<Self> {
        let arguments = serde_json::from_str(&args.arguments).context("the arguments are not JSON")?;
        let stores = tempfile::tempdir()?;
        let (tools, name, grant, others) = match &args.config {
            Some(file) => {
                let config = Config::load(Some(file), std::env::vars())?;
                let name = args.tool.to_string_lossy().into_owned();
                let agent = args.agent.as_deref();
                let ByHand { tools, grant, others } =
                    terminal::patiently("the tools", || by_hand(&config, agent, &name, stores.path()))?;
                (tools, name, grant, others)
            }
            None => {
                let tables: BTreeMap<_, _> =
                    args.table.as_deref().map(table).transpose()?.into_iter().collect();
                let grant = Grant { table: tables.keys().next().cloned(), ..Grant::default() };
                let tools = loaded(&component_of(&args.tool)?, tables, Allow::default(), cache)?;
                let name = tools.specs().first().map(|spec| spec.name.clone()).unwrap_or_default();
                (tools, name, grant, None)
            }
        };
        let mut request = request(&name, arguments, grant, timeout_ms)?;
        request.others = others;
        // One that no other call has: servers take it for a repetition otherwise, and do nothing.
        request.effect_id = EffectId::new(&request.task, 1, usize::try_from(SystemClock.now_ms())?);
        Ok(Self { tools, request, _stores: stores })
    }
}

/// 0 with the result on stdout; 1 with the tool's error on stderr. What the call took is said on stderr.
#[expect(clippy::print_stdout, reason = "the result is this command's output")]
pub(super) async fn call(args: CallArgs) -> anyhow::Result<ExitCode> {
    let _log = logged()?;
    let Called { tools, request, _stores } = Called::load(args.called, compiled(), args.timeout_ms)?;
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
            if let Some(ms) = error.retry_after_ms {
                eprintln!("it says to try again after {ms} ms");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What the tool says for the log, and where it crashed, on stderr from now on.
pub(super) fn logged() -> anyhow::Result<telemetry::Guard> {
    telemetry::start(&Telemetry::default(), "warn,tool=debug")
}

/// A host with the one component in `path`.
pub(super) fn loaded(
    path: &Path,
    tables: BTreeMap<String, Table>,
    allow: Allow,
    cache: Option<PathBuf>,
) -> anyhow::Result<WasmToolBox> {
    let tool = ToolConfig { component: path.to_owned(), tables, effect: None, allow };
    let config = HostConfig { tools: vec![tool], cache, ..HostConfig::default() };
    terminal::patiently(&path.display().to_string(), || WasmToolBox::load(config)).map_err(|error| {
        let said = plain(&error.to_string());
        match error {
            LoadError::NotGranted { tool, .. } => anyhow!(
                "{said}\nhelp: by itself it is granted nothing; write `[tools.{tool}]` with what it may do into a file, and \
                 call it by its name: playhouse tool call NAME … --config FILE"
            ),
            error => error.into(),
        }
    })
}

/// A call that no task has asked for.
pub(super) fn request(
    tool: &str,
    arguments: Value,
    grant: Grant,
    timeout_ms: u64,
) -> anyhow::Result<ToolRequest> {
    let task = TaskId::new("by-hand")?;
    Ok(ToolRequest {
        effect_id: EffectId::new(&task, 1, 0),
        tenant: Tenant::local(),
        task,
        tool: tool.to_owned(),
        arguments,
        grant,
        others: None,
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
