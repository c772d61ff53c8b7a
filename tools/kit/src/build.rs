//! `tool build`: a project becomes `dist/NAME.wasm`, by the builder of its language.

mod c;
mod javascript;
mod python;
mod rust;

use std::{
    fs,
    path::{Path, PathBuf},
};

use wit_component::ComponentEncoder;

use crate::{
    KitError, Language, Project, bounds,
    project::write_if_new,
    step::{Progress, Step, on_path},
};

/// Builds the component, fetching the builder into the project first if it is not there. Each step is told to
/// `progress` before it begins.
///
/// # Errors
/// Something is missing on this machine, which the error says how to install, or a step failed, with what it said.
pub fn build(project: &Project, progress: Progress<'_>) -> Result<PathBuf, KitError> {
    let made = match project.language {
        Language::Rust => rust::build(project, progress)?,
        Language::Python => python::build(project, progress)?,
        Language::JavaScript | Language::TypeScript => javascript::build(project, progress)?,
        Language::C => c::build(project, progress)?,
    };
    let component = project.component();
    write_if_new(&component, &made)?;
    Ok(component)
}

/// Runs the project's own tests, in the usual way of its language: its output.
///
/// # Errors
/// As [`build`]; a test that fails is a step that failed.
pub fn test_natively(project: &Project, progress: Progress<'_>) -> Result<String, KitError> {
    let step = match project.language {
        Language::Rust => rust::test(project)?,
        Language::Python => python::test(project)?,
        Language::JavaScript | Language::TypeScript => javascript::test(project, progress)?,
        Language::C => c::test(project)?,
    };
    step.run(progress)
}

/// The program of that name, or the error that says how to get it.
fn program(name: &str, project: &Project, remedy: &str) -> Result<PathBuf, KitError> {
    on_path(name).ok_or_else(|| missing(format!("`{name}`"), project, remedy))
}

fn missing(what: impl Into<String>, project: &Project, remedy: impl Into<String>) -> KitError {
    KitError::Missing { what: what.into(), language: project.language, remedy: remedy.into() }
}

/// What a builder made.
fn read(path: &Path) -> Result<Vec<u8>, KitError> {
    let size = fs::metadata(path).map_err(KitError::io("read", path))?.len();
    if size > bounds::COMPONENT {
        return Err(KitError::wrong(path, format!("has {size} bytes, more than {}", bounds::COMPONENT)));
    }
    fs::read(path).map_err(KitError::io("read", path))
}

/// What the builder of an interpreter made, in one piece where that can be: an instance of it is made faster then.
fn fused(component: Vec<u8>, progress: Progress<'_>) -> Vec<u8> {
    match playhouse_tools_fuse::fuse(&component) {
        Ok(Some(fused)) => {
            progress(&format!("joined {} modules into one, for calls that begin faster", fused.joined));
            fused.component
        }
        Ok(None) => component,
        // It works as it is, and nobody who builds a tool can mend that.
        Err(why) => {
            progress(&format!("left its modules as they are, which makes calls slower: {why}"));
            component
        }
    }
}

/// A component of a core module in which the world is embedded.
fn component(core: &[u8]) -> Result<Vec<u8>, KitError> {
    const STEP: &str = "making a component of the compiled module";
    let encoded =
        ComponentEncoder::default().module(core).and_then(|encoder| encoder.validate(true).encode());
    encoded.map_err(|error| KitError::component(STEP, &error))
}
