//! `playhouse tool new|build`: from a template to a component that has been looked at.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use playhouse_assembly::tools::Import;
use playhouse_tools_kit::{KitError, Language, Project, build as build_project, check_name, create};

use super::{page, plain, terminal::answer};
use crate::cli::tool_make::{BuildArgs, NewArgs};

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn new(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let otherwise = "say the name: playhouse tool new NAME";
            let named = |said: String| check_name(&said).map(|()| said);
            asked("name of the tool, for example count_words:", otherwise, named)?
        }
    };
    let list = Language::list();
    let language = match &args.language {
        Some(language) => Language::named(language)?,
        None => {
            let otherwise = format!("say the language: --language with one of {list}");
            asked(&format!("language, one of {list}:"), &otherwise, |said| Language::named(&said))?
        }
    };
    let path = args.path.clone().unwrap_or_else(|| PathBuf::from(&name));
    let created = create(&path, &name, language, args.kit.as_deref())?;
    for file in &created.files {
        eprintln!("  {file}");
    }
    if let Some(kit) = created.kit {
        eprintln!("  {kit}/  the kit, which came with this program");
    }
    println!("{name} is made, in {language}: the tool is in {}", path.join(language.source()).display());
    println!("next: playhouse tool build {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// What they answer, once it makes sense; an empty answer ends it.
fn asked<T>(
    question: &str,
    otherwise: &str,
    read: impl Fn(String) -> Result<T, KitError>,
) -> anyhow::Result<T> {
    loop {
        let said = answer(question, otherwise)?;
        if said.is_empty() {
            bail!("nothing was said, so nothing was made; {otherwise}");
        }
        match read(said) {
            Ok(read) => return Ok(read),
            Err(error) => eprintln!("{}", plain(&error.to_string())),
        }
    }
}

/// 0: built, and this host could run it; 1: built, and no host could.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn build(args: &BuildArgs) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.path)?;
    eprintln!("building {}, in {}", project.name, project.language);
    build_project(&project, &mut |step| eprintln!("  {step}"))?;
    // As it was typed, and not as it was resolved: the next command begins with it.
    let component = args.path.join("dist").join(format!("{}.wasm", project.name));
    let found = super::inspected(&component)?;
    println!("{}", page(&component.display().to_string(), &found));
    let Some(about) = &found.about else {
        let refused: Vec<_> = found.imports.iter().filter(|import| import.lets.is_none()).collect();
        bail!("it was built, and no host runs it: it imports {}", names(&refused));
    };
    if about.name != project.name {
        eprintln!(
            "it calls itself `{}`, and tool.toml calls it `{}`: the first one counts",
            about.name, project.name
        );
    }
    println!("\nnext: playhouse tool test{}", named(&args.path));
    Ok(ExitCode::SUCCESS)
}

fn names(imports: &[&Import]) -> String {
    imports.iter().map(|import| plain(&import.name)).collect::<Vec<_>>().join(", ")
}

/// As it follows a command that takes the current folder unless another is named.
fn named(path: &Path) -> String {
    if path == Path::new(".") { String::new() } else { format!(" {}", path.display()) }
}
