//! Python: `componentize-py` in a virtual environment of the project. `CPython`, started and with the tool imported, is
//! in the component, so that a call begins where the import ended.

use std::path::{Path, PathBuf};

use super::{Progress, Project, Step, fused, missing, program, read};
use crate::{KitError, bounds, project::write_if_new, world};

/// The builder, pinned: another version has another interpreter in it.
const BUILDER: &str = "componentize-py==0.25.1";
const PYTHON: &str = "install Python 3.10 or newer, for example with: apt install python3 python3-venv";
/// Joins the author's module to the class that the contract asks for.
const ENTRY: &str = "\"\"\"Made by `playhouse tool build`.\"\"\"\n\nimport tool  # noqa: F401\nfrom playhouse import Checkable, Tool  # noqa: F401\n";

pub(super) fn build(project: &Project, progress: Progress<'_>) -> Result<Vec<u8>, KitError> {
    let builder = builder(project, progress)?;
    let scratch = project.scratch();
    let wit = scratch.join("wit");
    world::write(&wit, &project.uses, project.checkable)?;
    write_if_new(&scratch.join("python/playhouse_entry.py"), ENTRY.as_bytes())?;
    let bindings = scratch.join("bindings");
    let step = |title: String| {
        let step = Step::new(title, &builder, &project.folder);
        step.args(["--quiet", "--wit-path"]).args([&wit]).args(["--world", world::WORLD])
    };
    // For editors and type checkers: the build makes its own.
    let _ = std::fs::remove_dir_all(&bindings);
    step("making the bindings".into()).args(["bindings".as_ref(), bindings.as_os_str()]).quietly()?;
    let made = scratch.join("python.wasm");
    // Without WASI: what CPython would ask it for traps, and nothing of it is needed after the import.
    step(format!("starting CPython with {} and keeping it", project.language.source()))
        .args(["componentize", "--stub-wasi", "--python-path", ".", "--python-path", ".build/python"])
        .args(["playhouse_entry".as_ref(), "--output".as_ref(), made.as_os_str()])
        .run(progress)?;
    Ok(fused(read(&made)?, progress))
}

pub(super) fn test(project: &Project) -> Result<Step, KitError> {
    let step = Step::new("testing natively, by python -m unittest", python(project)?, &project.folder);
    Ok(step.args(["-m", "unittest", "--quiet"]))
}

fn python(project: &Project) -> Result<PathBuf, KitError> {
    program("python3", project, PYTHON)
}

/// `componentize-py` of the pinned version, fetched from the registry that pip is set up for if it is not there yet.
fn builder(project: &Project, progress: Progress<'_>) -> Result<PathBuf, KitError> {
    let environment = project.scratch().join("venv");
    let (pip, builder) = (environment.join("bin/pip"), environment.join("bin/componentize-py"));
    if is_pinned(project, &builder) {
        return Ok(builder);
    }
    let python = python(project)?;
    if !pip.is_file() {
        Step::new("making .build/venv", python, &project.folder)
            .args(["-m".as_ref(), "venv".as_ref(), environment.as_os_str()])
            .limit(bounds::FETCH)
            .remedy(format!("Python needs its module venv: {PYTHON}"))
            .run(progress)?;
    }
    Step::new(format!("fetching {BUILDER} into .build/venv (once, 17 MB)"), pip, &project.folder)
        .args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", BUILDER])
        .limit(bounds::FETCH)
        .remedy(format!(
            "is the package registry within reach? By hand it is: .build/venv/bin/pip install {BUILDER}"
        ))
        .run(progress)?;
    match is_pinned(project, &builder) {
        true => Ok(builder),
        false => Err(missing(format!("a working {BUILDER}"), project, "remove .build/venv, and build again")),
    }
}

fn is_pinned(project: &Project, builder: &Path) -> bool {
    let version = BUILDER.rsplit('=').next().unwrap_or_default();
    let ask =
        Step::new("asking for the version", builder, &project.folder).args(["--version"]).limit(bounds::ASK);
    builder.is_file() && ask.quietly().is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}
