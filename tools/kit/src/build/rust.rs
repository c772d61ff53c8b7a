//! Rust: cargo, and rustup's target.

use std::path::Path;

use super::{Progress, Project, Step, component, missing, program, read};
use crate::{KitError, bounds};

const TARGET: &str = "wasm32-unknown-unknown";
const RUSTUP: &str = "install Rust from https://rustup.rs";

pub(super) fn build(project: &Project, progress: Progress<'_>) -> Result<Vec<u8>, KitError> {
    let cargo = program("cargo", project, RUSTUP)?;
    let rustc = program("rustc", project, RUSTUP)?;
    let ask = Step::new("asking for the target", rustc, &project.folder).limit(bounds::ASK);
    let library = ask.args(["--print", "target-libdir", "--target", TARGET]).quietly()?;
    if !library.lines().last().is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Err(missing(format!("the target {TARGET}"), project, format!("rustup target add {TARGET}")));
    }
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
