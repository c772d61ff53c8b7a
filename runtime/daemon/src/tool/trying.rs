//! `playhouse tool check|test|bench`: what an author wants to know before anybody installs the tool.

use std::{collections::BTreeMap, fs, path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context, bail};
use playhouse_assembly::tools::{Allow, Import, Inspection, StoreConfig, WasmToolBox, compiled};
use playhouse_core::{
    grant::Capability,
    id::EffectId,
    tool::{Grant, ToolError, ToolErrorKind, ToolRequest},
};
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_kit::{Project, test_natively};
use serde::Deserialize;
use serde_json::Value;

use super::{
    calling::{Called, TABLE, loaded, logged, request},
    inspected, name_of, plain,
};
use crate::cli::tool_try::{BenchArgs, CheckToolArgs, TestArgs};

/// Bytes of a component above which loading and shipping it are felt: an interpreter is inside.
pub(super) const LARGE: usize = 4 << 20;
/// Where the cases are if nothing is said.
const CASES: &str = "cases.json";
/// Characters of a description above which it costs more of every prompt than it is worth.
const WORDY: usize = 1_000;

/// 0: nothing to complain about; 1: an error, which would be refused.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn check(args: &CheckToolArgs) -> anyhow::Result<ExitCode> {
    let mut refused = false;
    for file in &args.files {
        let shown = file.display();
        match inspected(file) {
            Err(error) => {
                refused = true;
                println!("{shown}: error: {}", plain(&format!("{:#}", anyhow::Error::from(error))));
            }
            Ok(found) => {
                let complaints = complaints(&found);
                refused |= complaints.iter().any(|(severity, _)| *severity == "error");
                for (severity, complaint) in &complaints {
                    println!("{shown}: {severity}: {}", plain(complaint));
                }
                if complaints.is_empty() {
                    println!("{shown}: good");
                }
            }
        }
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What an author should look at, the worst first.
fn complaints(found: &Inspection) -> Vec<(&'static str, String)> {
    let mut complaints = Vec::new();
    for import in found.imports.iter().filter(|import| import.lets.is_none()) {
        let remedy = import.remedy.unwrap_or_default();
        complaints.push(("error", format!("imports `{}`, which no host has: {remedy}", import.name)));
    }
    let Some(about) = &found.about else { return complaints };
    let mut warn = |text: String| complaints.push(("warning", text));
    if about.description.trim().is_empty() {
        warn("has no description: a model would not know when to use it".into());
    }
    if about.description.chars().count() > WORDY {
        warn(format!("its description is longer than {WORDY} characters, and part of every prompt"));
    }
    if about.input_schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        warn("its input schema takes unknown properties: set `additionalProperties` to false, so that a misspelt one is told".into());
    }
    let properties = about.input_schema.get("properties").and_then(Value::as_object);
    for (name, _) in
        properties.into_iter().flatten().filter(|(_, schema)| schema.get("description").is_none())
    {
        warn(format!("its property `{name}` has no description"));
    }
    let reaches_out = |import: &&Import| import.because.is_none() && !is_harmless(&import.name);
    for import in found.imports.iter().filter(reaches_out) {
        warn(format!("imports `{}` and does not say in `wants` what for", import.name));
    }
    if about.declares < about.counts_as {
        let (declares, counts_as) = (name_of(&about.declares), name_of(&about.counts_as));
        warn(format!(
            "declares `{declares}` and counts as `{counts_as}`: what it imports does not prove more"
        ));
    }
    if found.bytes > LARGE {
        warn(format!("has {} MiB: it takes long to load for the first time", found.bytes >> 20));
    }
    complaints
}

/// Whether every tool may have it, so that nobody has to be told what for.
fn is_harmless(import: &str) -> bool {
    let interface = import.rsplit('/').next().and_then(|name| name.split('@').next());
    interface.and_then(Capability::named).is_some_and(Capability::is_harmless)
}

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
fn tested(args: TestArgs) -> anyhow::Result<(PathBuf, PathBuf)> {
    if !args.file.is_dir() {
        return Ok((args.file, args.cases.unwrap_or_else(|| CASES.into())));
    }
    let project = Project::open(&args.file)?;
    let component = project.component();
    if !component.is_file() {
        bail!("{} is not built: playhouse tool build {}", project.name, args.file.display());
    }
    let said = test_natively(&project, &mut |step| eprintln!("  {step}"))?;
    eprintln!("{}", said.lines().map(|line| format!("  | {}", plain(line))).collect::<Vec<_>>().join("\n"));
    Ok((component, args.cases.unwrap_or_else(|| project.folder.join(CASES))))
}

/// 0: every case came out as written; 1: one did not, or a test of the project failed.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) async fn test(args: TestArgs) -> anyhow::Result<ExitCode> {
    let (component, path) = tested(args)?;
    let _log = logged()?;
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_str(&text).with_context(|| format!("{} is no list of cases", path.display()))?;
    let mut failed = 0;
    for case in &cases {
        let home = tempfile::tempdir()?;
        let tables = [(TABLE.to_owned(), case.table.clone())].into();
        let notes = StoreConfig { folder: home.path().to_owned(), quota_bytes: 1 << 20 };
        let allow = Allow { stores: [("notes".to_owned(), notes)].into(), ..Allow::default() };
        let tools = loaded(&component, tables, allow, compiled())?;
        let name = tools.specs().first().map(|spec| spec.name.clone()).unwrap_or_default();
        // A tool that writes is given a table to write, any other the one of the case.
        let grant = Grant { table: Some(TABLE.into()), ..Grant::default() };
        let mut call = request(&name, case.arguments.clone(), grant, 10_000)?;
        if tools.permits(&name, &call.grant).is_err() {
            call.grant.table = Some("notes".into());
        }
        let outcome = tools.call(call.clone()).await;
        let denied = case.asked(&tools, call, &outcome).await;
        if case.fits(&outcome) && denied.is_none() {
            println!("ok    {}", case.name);
            continue;
        }
        failed += 1;
        if let Some(denied) = denied.filter(|_| case.fits(&outcome)) {
            println!("WRONG {}\n      {denied}", case.name);
            continue;
        }
        let got = match outcome {
            Ok(output) => output.to_string(),
            Err(error) => format!("{}: {}", name_of(&error.kind), plain(&error.message)),
        };
        let wanted = match (&case.output, &case.error) {
            (Some(output), _) => output.to_string(),
            (None, Some(kind)) => name_of(kind),
            (None, None) => "an output".to_owned(),
        };
        println!("WRONG {}\n      wanted {wanted}\n      got    {got}", case.name);
    }
    println!("{} of {} cases came out as written", cases.len() - failed, cases.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) async fn bench(args: BenchArgs) -> anyhow::Result<ExitCode> {
    // A configuration has a cache of its own; without it, compiling is timed.
    let (start, is_kept) = (Instant::now(), args.called.config.is_some());
    let Called { tools, request: call, .. } = &Called::load(args.called, None, 10_000)?;
    let loading = start.elapsed();
    let fuel = once(tools, call).await?;
    let mut times = Vec::new();
    for n in 0..args.calls {
        let call = ToolRequest { effect_id: EffectId(format!("{}.{n}", call.effect_id)), ..call.clone() };
        let start = Instant::now();
        tools.call(call).await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    // What a call would cost that does nothing: the port, the schemas, and no guest.
    let mut floor = Vec::new();
    for _ in 0..args.calls {
        let start = Instant::now();
        let _ = tools.call(ToolRequest { tool: "-".into(), ..call.clone() }).await;
        floor.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    println!("{} calls, each in an instance of its own, {fuel} units of fuel", args.calls);
    println!("p50 {p50:.1} us   p99 {p99:.1} us   (a call of no tool: {:.1} us)", percentile(&mut floor, 50));
    println!(
        "{} in {:.0} ms; kept, that is a thing of the first start",
        if is_kept { "loaded" } else { "compiled and loaded" },
        loading.as_secs_f64() * 1e3
    );
    Ok(ExitCode::SUCCESS)
}

async fn once(tools: &WasmToolBox, call: &ToolRequest) -> anyhow::Result<u64> {
    let called = tools.metered(call.clone(), nobody()).await;
    called.result?;
    Ok(called.receipt.map_or(0, |receipt| receipt.fuel))
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) * percent / 100]
}
