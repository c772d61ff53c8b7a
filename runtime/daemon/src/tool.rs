//! `playhouse tool …`: a component by itself, without a daemon.

mod adapt;
mod approve;
mod calling;
mod grants;
mod make;
mod store;
mod terminal;
mod testing;
mod trying;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use playhouse_assembly::tools::{About, Import, Inspection, LoadError, compiled, inspect};
use playhouse_tools_kit::Project;
use serde::Serialize;

use crate::cli::{InspectArgs, ToolArgs, ToolCommand};

pub(crate) async fn tool(args: ToolArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ToolCommand::New(args) => make::new(&args),
        ToolCommand::Build(args) => make::build(&args),
        ToolCommand::Inspect(args) => looked_at(&args),
        ToolCommand::Adapt(args) => adapt::adapt(&args),
        ToolCommand::Call(args) => calling::call(args).await,
        ToolCommand::Grants(args) => grants::grants(&args),
        ToolCommand::Check(args) => trying::check(&args),
        ToolCommand::Test(args) => testing::test(args).await,
        ToolCommand::Bench(args) => trying::bench(args).await,
        ToolCommand::Keygen(args) => store::keygen(&args),
        ToolCommand::Sign(args) => store::sign(&args),
        ToolCommand::Verify(args) => store::verify(&args),
        ToolCommand::Pack(args) => store::pack(args).await,
        ToolCommand::Install(args) => store::install(args).await,
        ToolCommand::List(args) => store::list(&args),
        ToolCommand::Remove(args) => store::remove(&args),
        ToolCommand::Pending(args) => approve::pending(&args),
        ToolCommand::Approve(args) => approve::approve(&args),
    }
}

/// 0: this host could run it; 1: it wants what this host does not have.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
fn looked_at(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let file = component_of(&args.file)?;
    let found = inspected(&file)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!("{}", page(&file.display().to_string(), &found));
        if let Some(line) = adapt::origin_of(&fs::read(&file)?) {
            println!("{line}");
        }
    }
    Ok(if found.about.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn page(from: &str, found: &Inspection) -> String {
    let mut lines = Vec::new();
    // A component's own words must not look like ours.
    let mut line = |name: &str, text: &str| lines.push(format!("{name:<9} {}", plain(text)));
    match &found.about {
        Some(About {
            name,
            version,
            description,
            takes,
            declares,
            counts_as,
            counts_as_reading,
            annotations,
            ..
        }) => {
            line("tool", &format!("{name} {version}"));
            line("says", description);
            line("takes", if takes.is_empty() { "any object" } else { takes });
            let why = match found.imports.is_empty() {
                true => "proven: it imports nothing".to_owned(),
                false => {
                    format!("it says {}; `effect` in the configuration may say otherwise", name_of(declares))
                }
            };
            let reading = match counts_as_reading == counts_as {
                true => String::new(),
                false => format!(", {} if its grant of http only reads", name_of(counts_as_reading)),
            };
            line("effect", &format!("{}{reading} ({why})", name_of(counts_as)));
            line("a call", &annotations.to_string());
        }
        None => line("tool", "cannot be asked: it wants what this host does not have"),
    }
    if found.imports.is_empty() {
        line("touches", "nothing: its answer depends on its arguments alone");
    }
    for Import { name, lets, remedy, because } in &found.imports {
        match (lets, remedy) {
            (Some(lets), _) => {
                let why = because.as_ref().map_or_else(String::new, |why| format!(", it says: {why}"));
                line("wants to", &format!("{lets} ({name}){why}"));
            }
            (None, remedy) => line("refused", &format!("{name}: {}", remedy.unwrap_or_default())),
        }
    }
    line("file", &format!("{from}, {} bytes", found.bytes));
    line("sha256", &found.sha256);
    lines.join("\n")
}

/// `text` on one line, without anything that moves a cursor or hides what follows.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect()
}

/// Marks that turn or hide text, and separators of lines that are no control characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What the component in `path` is and wants. It is compiled for it once, and not again by whoever loads it after.
fn inspected(path: &Path) -> Result<Inspection, LoadError> {
    terminal::patiently(&path.display().to_string(), || inspect(path, compiled().as_deref()))
}

/// The component that somebody named: its file, or the folder of the project that it was built of.
fn component_of(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let project = Project::open(path)?;
    let component = path.join("dist").join(format!("{}.wasm", project.name));
    if !component.is_file() {
        bail!("{} is not built: playhouse tool build {}", project.name, path.display());
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_a_component_says_of_itself_cannot_forge_a_line() {
        let about = About {
            name: "a".into(),
            version: "1\neffect    pure\u{1b}[8m".into(),
            description: "b\u{2028}sha256    00\u{202e}".into(),
            takes: String::new(),
            describe_sha256: String::new(),
            text_sha256: String::new(),
            wants: BTreeMap::new(),
            input_schema: serde_json::json!({}),
            output_schema: serde_json::json!({}),
            declares: playhouse_core::tool::EffectClass::Pure,
            counts_as: playhouse_core::tool::EffectClass::Once,
            counts_as_reading: playhouse_core::tool::EffectClass::Idempotent,
            annotations: playhouse_core::tool::Annotations::default(),
        };
        let imports = vec![Import { name: "x\ny".into(), lets: None, remedy: Some("no"), because: None }];
        let found = Inspection { sha256: "ff".into(), bytes: 1, imports, about: Some(about) };
        let shown = page("a.wasm", &found);
        let names: Vec<_> = shown.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(names, ["tool", "says", "takes", "effect", "a", "refused", "file", "sha256"]);
        let effect = "effect    once, idempotent if its grant of http only reads (it says pure;";
        assert!(shown.contains(effect), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    }
}
