//! What a call costs of a tool that has an interpreter in it. Building one needs the package registries, so whoever measures
//! brings it: the template of that language, as it is.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use playhouse_benches::figures::{Figures, Spread};
use playhouse_core::tool::ToolRequest;
use playhouse_ports::{ToolBox, nobody};
use playhouse_tools_host::{Config, ToolConfig, WasmToolBox};
use serde_json::json;
use tokio::task::JoinSet;

use crate::request;

/// For the median, at one caller.
const PYTHON_MS: f64 = 1.5;
const QUICKJS_MS: f64 = 0.2;
/// Enough for a 99th percentile; they are slow.
const CALLS: usize = 2_000;

/// Prints what a call costs of each that was brought.
pub(crate) async fn measure(
    figures: &mut Figures,
    python: Option<&Path>,
    javascript: Option<&Path>,
) -> Result<()> {
    let brought = [
        ("Python", "not brought: --python FILE", python, PYTHON_MS),
        ("QuickJS", "not brought: --javascript FILE", javascript, QUICKJS_MS),
    ];
    for (what, missing, component, ceiling) in brought {
        let Some(component) = component else {
            figures.note(what, missing);
            continue;
        };
        let config = ToolConfig { component: component.to_owned(), ..ToolConfig::default() };
        let tools = Arc::new(WasmToolBox::load(Config { tools: vec![config], ..Config::default() })?);
        timed(&tools, CALLS / 10).await?; // The first calls touch what later ones find.
        let times = timed(&tools, CALLS).await?;
        figures.at_most(&format!("{what}, median of fresh calls"), times.ms(50.0), ceiling, "ms");
        figures.note(&format!("{what}, all of them"), times);
    }
    Ok(())
}

/// Calls the tool of a template: it counts words.
async fn timed(tools: &Arc<WasmToolBox>, calls: usize) -> Result<Spread> {
    let tools = Arc::clone(tools);
    let name = tools.specs().first().context("it has a tool")?.name.clone();
    let arguments = json!({ "text": "Hello there my friend" });
    let mut caller = JoinSet::new();
    caller.spawn(async move {
        let mut times = Vec::with_capacity(calls);
        for n in 0..calls {
            let request = ToolRequest { arguments: arguments.clone(), ..request(&name, n) };
            let began = Instant::now();
            let called = tools.metered(request, nobody()).await;
            times.push(began.elapsed());
            let output = called.result?;
            ensure!(output["words"] == 4, "{output}: is this the template's tool?");
        }
        Ok(Spread::of(times))
    });
    caller.join_next().await.context("there is one")??
}
