//! `playhouse tool test`: a component against written cases, in the real sandbox.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use playhouse_assembly::{
    Config,
    tools::{Allow, ByHand, StoreConfig, WasmToolBox, by_hand, compiled},
};
use playhouse_core::tool::{Grant, ToolError, ToolErrorKind, ToolRequest};
use playhouse_ports::ToolBox;
use playhouse_tools_kit::{Project, test_natively};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    calling::{TABLE, loaded, logged, request},
    component_of, inspected, name_of, plain,
};
use crate::cli::tool_try::TestArgs;

/// Where the cases of a project are if nothing is said.
const CASES: &str = "cases.json";
/// How long one case may take, as `tool call` waits.
const TIMEOUT_MS: u64 = 10_000;

/// One case of `tool test`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    arguments: Value,
    /// What comes back, exactly.
    output: Option<Value>,
    /// Or what kind of error.
    error: Option<ToolErrorKind>,
    /// Whether the tool, asked afterwards by the call's effect id, says that it happened, and gave the same. Only a
    /// `checkable` one can be asked.
    happened: Option<bool>,
    /// What its table holds.
    #[serde(default)]
    table: BTreeMap<String, String>,
}

impl Case {
    /// Whether the call came out as written.
    fn fits(&self, outcome: &Result<Value, ToolError>) -> bool {
        match (outcome, &self.output, &self.error) {
            (Ok(output), Some(expected), None) => output == expected,
            (Ok(_), None, None) => true,
            (Err(error), None, Some(kind)) => error.kind == *kind,
            _ => false,
        }
    }

    /// What was to come back.
    fn wanted(&self) -> String {
        match (&self.output, &self.error) {
            (Some(output), _) => output.to_string(),
            (None, Some(kind)) => name_of(kind),
            (None, None) => "an output".to_owned(),
        }
    }

    /// What is wrong with what the tool says of the call afterwards.
    async fn asked(
        &self,
        tools: &WasmToolBox,
        call: ToolRequest,
        outcome: &Result<Value, ToolError>,
    ) -> Option<String> {
        let wanted = self.happened?;
        match (wanted, tools.check(call).await) {
            (true, Ok(Some(output))) if outcome.as_ref().is_ok_and(|given| *given == output) => None,
            (false, Ok(None)) => None,
            (_, Ok(Some(output))) => Some(format!("asked afterwards, it says that it gave {output}")),
            (_, Ok(None)) => Some("asked afterwards, it says that it did not happen".into()),
            (_, Err(error)) => Some(format!("it cannot be asked afterwards: {}", plain(&error.message))),
        }
    }
}

/// The component that is tested, and its cases. Of a project, its own tests have run then.
fn tested(args: &TestArgs) -> anyhow::Result<(PathBuf, PathBuf)> {
    let component = component_of(&args.file)?;
    if !args.file.is_dir() {
        let Some(cases) = args.cases.clone() else {
            bail!(
                "say what is to come out: --cases FILE, or name the folder of the project, which has a {CASES}"
            );
        };
        return Ok((component, cases));
    }
    let project = Project::open(&args.file)?;
    let said = test_natively(&project, &mut |step| eprintln!("  {step}"))?;
    eprintln!("{}", said.lines().map(|line| format!("  | {}", plain(line))).collect::<Vec<_>>().join("\n"));
    Ok((component, args.cases.clone().unwrap_or_else(|| project.folder.join(CASES))))
}

/// A tool that is to be called for one case.
struct Ready {
    tools: WasmToolBox,
    call: ToolRequest,
    /// Tables that it may write, for as long as it is called.
    _home: TempDir,
}

impl Ready {
    /// With what `--config` grants it; else with the table of the case, or with an empty one if it writes.
    fn new(args: &TestArgs, component: &Path, case: &Case) -> anyhow::Result<Self> {
        match &args.config {
            Some(file) => Self::as_configured(file, args.agent.as_deref(), component, case),
            None => Self::alone(component, case),
        }
    }

    fn alone(component: &Path, case: &Case) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let tables = [(TABLE.to_owned(), case.table.clone())].into();
        let notes = StoreConfig { folder: home.path().to_owned(), quota_bytes: 1 << 20 };
        let allow = Allow { stores: [("notes".to_owned(), notes)].into(), ..Allow::default() };
        let tools = loaded(component, tables, allow, compiled())?;
        let name = tools.specs().first().map(|spec| spec.name.clone()).unwrap_or_default();
        let grant = Grant { table: Some(TABLE.into()), ..Grant::default() };
        let mut call = request(&name, case.arguments.clone(), grant, TIMEOUT_MS)?;
        if tools.permits(&name, &call.grant).is_err() {
            call.grant.table = Some("notes".into());
        }
        Ok(Self { tools, call, _home: home })
    }

    fn as_configured(
        file: &Path,
        agent: Option<&str>,
        component: &Path,
        case: &Case,
    ) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let name = inspected(component)?.about.map(|about| about.name).unwrap_or_default();
        let mut config = Config::load(Some(file), std::env::vars())?;
        let Some(entry) = config.tools.get_mut(&name) else {
            bail!("{} has no `[tools.{name}]`: write there what it may do", file.display());
        };
        // What is tested is this one, and not what is installed.
        entry.component = std::path::absolute(component)?;
        let ByHand { tools, grant, others } = by_hand(&config, agent, &name, home.path())?;
        let call = ToolRequest { others, ..request(&name, case.arguments.clone(), grant, TIMEOUT_MS)? };
        Ok(Self { tools, call, _home: home })
    }
}

/// 0: every case came out as written; 1: one did not, or a test of the project failed.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) async fn test(args: TestArgs) -> anyhow::Result<ExitCode> {
    let (component, path) = tested(&args)?;
    let _log = logged()?;
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_str(&text).with_context(|| format!("{} is no list of cases", path.display()))?;
    if cases.is_empty() {
        bail!("{} holds no case", path.display());
    }
    let mut failed = 0;
    for case in &cases {
        let Ready { tools, call, _home } = Ready::new(&args, &component, case)?;
        let outcome = tools.call(call.clone()).await;
        let fits = case.fits(&outcome);
        let denied = case.asked(&tools, call, &outcome).await;
        failed += usize::from(!fits || denied.is_some());
        match denied {
            None if fits => println!("ok    {}", case.name),
            Some(denied) if fits => println!("WRONG {}\n      {denied}", case.name),
            _ => println!(
                "WRONG {}\n      wanted {}\n      got    {}",
                case.name,
                case.wanted(),
                got(&outcome)
            ),
        }
    }
    println!("{} of {} cases came out as written", cases.len() - failed, cases.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn got(outcome: &Result<Value, ToolError>) -> String {
    match outcome {
        Ok(output) => output.to_string(),
        Err(error) => format!("{}: {}", name_of(&error.kind), plain(&error.message)),
    }
}
