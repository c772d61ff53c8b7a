//! Rust: cargo, and rustup's target.

use std::{fs::File, path::Path};

use super::{Progress, Project, Step, component, missing, on_path, program, read};
use crate::{KitError, bounds};

const TARGET: &str = "wasm32-unknown-unknown";
const RUSTUP: &str = "install Rust from https://rustup.rs";

pub(super) fn build(project: &Project, progress: Progress<'_>) -> Result<Vec<u8>, KitError> {
    let cargo = program("cargo", project, RUSTUP)?;
    fetch_target(project, progress)?;
    // Only as a cdylib alone it is optimised across crates, which takes a third off. Quiet, so that what an error shows
    // begins with the error, and not with the crates that compiled.
    let compile = ["rustc", "--quiet", "--release", "--lib", "--crate-type", "cdylib", "--target", TARGET];
    Step::new(format!("compiling {}", project.name), cargo, &project.folder)
        .args(compile)
        .args(["--target-dir", "target"])
        .run(progress)?;
    let made = format!("target/{TARGET}/release/{}.wasm", project.name);
    component(&read(&project.folder.join(made))?)
}

pub(super) fn test(project: &Project) -> Result<Step, KitError> {
    let cargo = program("cargo", project, RUSTUP)?;
    let step = Step::new("testing natively, by cargo test", cargo, &project.folder);
    Ok(step.args(["test", "--target-dir", "target"]))
}

/// Has rustup fetch the standard library for WebAssembly, if the toolchain of the project does not have it yet.
fn fetch_target(project: &Project, progress: Progress<'_>) -> Result<(), KitError> {
    let rustc = program("rustc", project, RUSTUP)?;
    let ask = Step::new("asking for the target", rustc, &project.folder).limit(bounds::ASK);
    let said = ask.args(["--print", "target-libdir", "--target", TARGET]).quietly()?;
    let library = Path::new(said.lines().last().unwrap_or_default().trim());
    if library.is_dir() {
        return Ok(());
    }
    let by_hand = format!("rustup target add {TARGET}");
    let is_missing = || missing(format!("the target {TARGET}"), project, &by_hand);
    let rustup = on_path("rustup").ok_or_else(is_missing)?;
    // One build at a time, or rustup finds what the other one is about to install. It ends within the limit below.
    let toolchain = library.ancestors().nth(2).unwrap_or(library);
    let turn = File::open(toolchain).map_err(KitError::io("open", toolchain))?;
    turn.lock().map_err(KitError::io("lock", toolchain))?;
    if library.is_dir() {
        return Ok(());
    }
    Step::new(format!("fetching the standard library for {TARGET} (once, 90 MB)"), rustup, &project.folder)
        .args(["target", "add", TARGET])
        .limit(bounds::FETCH)
        .remedy(format!("is rustup's server within reach? By hand it is: {by_hand}"))
        .run(progress)?;
    if library.is_dir() { Ok(()) } else { Err(is_missing()) }
}
