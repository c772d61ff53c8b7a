//! `playhouse tool check|bench`: what an author wants to know before anybody installs the tool.

use std::{process::ExitCode, time::Instant};

use playhouse_assembly::tools::{Import, Inspection, WasmToolBox};
use playhouse_core::{
    grant::Capability,
    id::EffectId,
    tool::{EffectClass, ToolRequest},
};
use playhouse_ports::{ToolBox, nobody};
use serde_json::Value;

use super::{calling::Called, component_of, inspected, name_of, plain};
use crate::cli::tool_try::{BenchArgs, CheckToolArgs};

/// Bytes of a component above which loading and shipping it are felt: an interpreter is inside.
pub(super) const LARGE: usize = 4 << 20;
/// Characters of a description above which it costs more of every prompt than it is worth.
const WORDY: usize = 1_000;

/// 0: nothing to complain about; 1: an error, which would be refused.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn check(args: &CheckToolArgs) -> anyhow::Result<ExitCode> {
    let mut refused = false;
    for file in &args.files {
        let shown = file.display();
        match component_of(file).and_then(|file| Ok(inspected(&file)?)) {
            Err(error) => {
                refused = true;
                println!("{shown}: error: {}", plain(&format!("{error:#}")));
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
        let why = match about.declares {
            // It would count, whatever is imported.
            EffectClass::Checkable => "it exports nothing to ask it by (`did-it-happen`)",
            _ => "what it imports does not prove more",
        };
        warn(format!("declares `{declares}` and counts as `{counts_as}`: {why}"));
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
