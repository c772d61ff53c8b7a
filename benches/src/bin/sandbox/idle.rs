//! What a tool costs that nobody calls: to load it, first and again, and in memory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use playhouse_benches::{
    cost,
    figures::{Figures, Spread},
};
use playhouse_core::tool::ToolRequest;
use playhouse_ports::ToolBox;
use playhouse_tools_host::{Config, ToolConfig, WasmToolBox};

/// From a file to a tool that can be called, compiled for the first time, and again.
const COLD_MS: f64 = 300.0;
const WARM_MS: f64 = 5.0;
/// So many tools are beside so many, more than the pool of instances has slots, which are no tool's own; and what each may
/// keep resident beyond its code.
const FEW: usize = 40;
const TOOLS: usize = 240;
const IDLE_KIB: f64 = 64.0;
/// A start is measured so often; the figure is the median.
const STARTS: usize = 21;
/// What the component calls itself; its copies have names of the same length.
const NAME: &[u8; 10] = b"calculator";
/// Compiled code, in the folder of the copies.
const CACHE: &str = "compiled";

/// Prints what it costs to have a tool.
pub(crate) fn measure(figures: &mut Figures, component: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tools = copies(component, folder.path())?;
    let first = || {
        let began = Instant::now();
        load(folder.path(), &tools[..1])?;
        anyhow::Ok(began.elapsed())
    };
    let cold = Spread::of(vec![first()?]).ms(50.0);
    let size = fs::metadata(component)?.len() >> 10;
    figures.at_most(&format!("cold: a component of {size} KiB, compiled"), cold, COLD_MS, "ms");
    let warm = Spread::of((0..STARTS).map(|_| first()).collect::<Result<_>>()?);
    figures.at_most("warm: the same from the cache, engine and all", warm.ms(50.0), WARM_MS, "ms");

    load(folder.path(), &tools)?; // Compiles them.
    let code = code_bytes(&folder.path().join(CACHE))? as f64 / TOOLS as f64 / 1024.0;
    let [few, all] = [FEW, TOOLS].map(|tools| resident_kib(folder.path(), tools));
    let each = (all? - few?) / (TOOLS - FEW) as f64;
    let what =
        format!("resident per idle tool of {TOOLS}, beyond {code:.0} KiB of code ({each:.0} KiB with it)");
    figures.at_most(&what, (each - code).max(0.0), IDLE_KIB, "KiB");
    Ok(())
}

/// What a process of its own has resident with so many tools, each called once.
fn resident_kib(folder: &Path, tools: usize) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("idle").arg(folder).arg(tools.to_string()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the process with {tools} tools failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// That process: loads the first so many of `folder` from its cache, calls each, and prints what it has resident, in KiB.
#[expect(clippy::print_stdout, reason = "read by the process that started this one")]
pub(crate) async fn hold(folder: &Path, tools: usize, request: ToolRequest) -> Result<()> {
    let paths: Vec<_> = (0..tools).map(|n| path(folder, n)).collect();
    let tools = load(folder, &paths)?;
    for spec in tools.specs() {
        let output = tools.call(ToolRequest { tool: spec.name.clone(), ..request.clone() }).await?;
        ensure!(output["result"].is_string(), "{output} is no result");
    }
    println!("{}", cost::memory()?.now_kb);
    Ok(())
}

fn load(folder: &Path, tools: &[PathBuf]) -> Result<WasmToolBox> {
    let tools = tools.iter().map(|path| ToolConfig { component: path.clone(), ..ToolConfig::default() });
    let config = Config { tools: tools.collect(), cache: Some(folder.join(CACHE)), ..Config::default() };
    Ok(WasmToolBox::load(config)?)
}

fn path(folder: &Path, n: usize) -> PathBuf {
    folder.join(format!("calcula{n:03}.wasm"))
}

/// The same component under other names.
fn copies(component: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let wasm = fs::read(component)?;
    let named = |at: &usize| wasm[*at..].starts_with(NAME);
    let places: Vec<_> = (0..wasm.len()).filter(named).collect();
    ensure!(!places.is_empty(), "it does not say its name");
    (0..TOOLS)
        .map(|n| {
            let (path, mut copy) = (path(folder, n), wasm.clone());
            let name = path.file_stem().context("it has a name")?.as_encoded_bytes();
            places.iter().for_each(|at| copy[*at..at + NAME.len()].copy_from_slice(name));
            fs::write(&path, copy)?;
            Ok(path)
        })
        .collect()
}

fn code_bytes(cache: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "cwasm") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
