//! JavaScript and TypeScript: `componentize-qjs` from npm, in the project's `node_modules`. QuickJS, with the tool
//! evaluated, is in the component, so that a call begins where that ended.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Progress, Project, Step, fused, program, read};
use crate::{KitError, Language, bounds, project::write_if_new, typescript, world};

const NODE: &str = "install Node.js 20 or newer, for example with: apt install nodejs npm";
/// Finds where a place of a bundle came from.
const SOURCE: &str = include_str!("javascript/source.js");
const PACKAGES: &str = "node_modules/.package-lock.json";

pub(super) fn build(project: &Project, progress: Progress<'_>) -> Result<Vec<u8>, KitError> {
    packages(project, progress)?;
    let scratch = project.scratch();
    world::write(&scratch.join("wit"), &project.uses, project.checkable)?;
    declare(project)?;
    let source = match project.language {
        Language::TypeScript => transpiled(project, progress)?,
        _ => project.language.source(),
    };
    // Without WASI: what QuickJS would ask it for traps, and nothing of it is needed after the evaluation.
    Step::new(
        format!("starting QuickJS with {} and keeping it", project.language.source()),
        binary(project, "componentize-qjs"),
        &project.folder,
    )
    .args(["--wit", ".build/wit", "--world", world::WORLD, "--js", source, "--module-root", "."])
    .args(["--stub-wasi", "--sync", "--opt-size", "--output", ".build/javascript.wasm"])
    .run(progress)?;
    Ok(fused(read(&scratch.join("javascript.wasm"))?, progress))
}

pub(super) fn test(project: &Project, progress: Progress<'_>) -> Result<Step, KitError> {
    packages(project, progress)?;
    declare(project)?;
    let npm = program("npm", project, NODE)?;
    Ok(Step::new("testing natively, by npm test", npm, &project.folder).args(["test", "--silent"]))
}

/// What is in `package.json`, fetched if it is not there yet.
fn packages(project: &Project, progress: Progress<'_>) -> Result<(), KitError> {
    program("node", project, NODE)?;
    let npm = program("npm", project, NODE)?;
    if project.folder.join(PACKAGES).is_file() && binary(project, "componentize-qjs").is_file() {
        return Ok(());
    }
    let size = if project.language == Language::TypeScript { 80 } else { 40 };
    let fetch =
        Step::new(format!("fetching packages into node_modules (once, {size} MB)"), npm, &project.folder);
    fetch
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .limit(bounds::FETCH)
        .remedy("is the package registry within reach? By hand it is: npm install")
        .run(progress)?;
    Ok(())
}

/// What TypeScript is to know of the capabilities.
fn declare(project: &Project) -> Result<(), KitError> {
    let declarations = typescript::declarations(&project.uses)?;
    write_if_new(&project.scratch().join("capabilities.d.ts"), declarations.as_bytes())
}

fn transpiled(project: &Project, progress: Progress<'_>) -> Result<&'static str, KitError> {
    const MADE: &str = ".build/tool.js";
    Step::new("checking types", binary(project, "tsc"), &project.folder)
        .args(["--noEmit", "--project", "."])
        .run(progress)?;
    Step::new("bundling tool.ts", binary(project, "esbuild"), &project.folder)
        .args(["tool.ts", "--bundle", "--format=esm", "--target=es2022", "--external:playhouse:*"])
        .args([format!("--outfile={MADE}"), "--log-level=warning".into()])
        .args(["--sourcemap=external", "--sources-content=false"])
        .run(progress)?;
    located(&project.folder.join(MADE))?;
    Ok(MADE)
}

/// Gives a bundle its map, after its last line: an uncaught error is to name the line that the author wrote.
fn located(bundle: &Path) -> Result<(), KitError> {
    let map = bundle.with_extension("js.map");
    let wrong = |error: serde_json::Error| KitError::wrong(&map, error.to_string());
    let map: Map = serde_json::from_slice(&read(&map)?).map_err(wrong)?;
    // The bundle lies one folder down.
    let sources: Vec<_> = map.sources.iter().map(|path| path.trim_start_matches("../")).collect();
    let call = format!("({}, {});\n", json!(sources), json!(map.mappings));
    write_if_new(bundle, &[&read(bundle)?, SOURCE.trim_end().as_bytes(), call.as_bytes()].concat())
}

#[derive(serde::Deserialize)]
struct Map {
    sources: Vec<String>,
    mappings: String,
}

fn binary(project: &Project, name: &str) -> PathBuf {
    project.folder.join("node_modules/.bin").join(name)
}
