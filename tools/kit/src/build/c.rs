//! C: clang and a linker, with bindings made by `wit-bindgen-c` and a C library of one page.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;
use wit_component::StringEncoding;

use super::{Progress, Project, Step, component, missing, program, read};
use crate::{
    KitError, bounds,
    project::{read_text, write_if_new},
    step::on_path,
    world,
};

/// Linkers by the names that Debian gives them, the newest first.
const LINKERS: [&str; 9] = [
    "wasm-ld",
    "wasm-ld-21",
    "wasm-ld-20",
    "wasm-ld-19",
    "wasm-ld-18",
    "wasm-ld-17",
    "wasm-ld-16",
    "wasm-ld-15",
    "wasm-ld-14",
];
const CLANG: &str = "install it, for example with: apt install clang lld";
/// Bytes of the stack. It lies before the data, so that running out of it is a trap.
const STACK: &str = "stack-size=262144";
/// What is compiled with every tool. The linker leaves out what it does not use.
const KIT: [&str; 4] = ["kit/json.c", "kit/number.c", "kit/export.c", "kit/libc/libc.c"];

pub(super) fn build(project: &Project, progress: Progress<'_>) -> Result<Vec<u8>, KitError> {
    let clang = program("clang", project, CLANG)?;
    let linker = linker(project)?;
    let made = made(project);
    bindings(project, &made)?;
    write_if_new(&made.join("describe.h"), description(project)?.as_bytes())?;

    let sources = sources(project)?;
    let generated = made.join("project.c");
    let mut objects = vec![made.join("project_component_type.o").into_os_string()];
    progress(&format!("compiling {} and the kit …", names(&sources)));
    let kit = KIT.map(|path| project.folder.join(path));
    for source in sources.iter().chain(&kit).chain([&generated]) {
        let shown = source.strip_prefix(&project.folder).unwrap_or(source);
        // By its whole path: an author may have a json.c, too.
        let object = made.join("objects").join(shown).with_extension("o");
        let folder = object.parent().unwrap_or(&made);
        fs::create_dir_all(folder).map_err(KitError::io("create", folder))?;
        Step::new(format!("compiling {}", shown.display()), &clang, &project.folder)
            .args([
                "--target=wasm32-unknown-unknown",
                "-std=c11",
                "-Os",
                "-Wall",
                "-Wextra",
                "-ffreestanding",
            ])
            .args([
                "-mbulk-memory",
                "-ffunction-sections",
                "-fdata-sections",
                "-isystem",
                "kit/libc",
                "-Ikit",
                "-I",
            ])
            .args([made.as_os_str(), "-c".as_ref(), source.as_os_str(), "-o".as_ref(), object.as_os_str()])
            .quietly()?;
        objects.push(object.into_os_string());
    }
    let core = made.join("core.wasm");
    Step::new("linking", linker, &project.folder)
        .args(["--no-entry", "--gc-sections", "--strip-all", "--stack-first", "-z", STACK, "-o"])
        .args([core.as_os_str()])
        .args(objects)
        .run(progress)?;
    component(&read(&core)?)
}

pub(super) fn test(project: &Project) -> Result<Step, KitError> {
    let make = program("make", project, "install it, for example with: apt install make gcc")?;
    // The tests include it to play the host, and `uses` may have changed since the last build.
    bindings(project, &made(project))?;
    Ok(Step::new("testing natively, by make test", make, &project.folder).args(["test"]))
}

/// Where everything that is generated and compiled lies; the Makefile looks for project.h there, too.
fn made(project: &Project) -> PathBuf {
    project.scratch().join("c")
}

/// The author's own files: all at the top but the tests.
fn sources(project: &Project) -> Result<Vec<PathBuf>, KitError> {
    let entries = fs::read_dir(&project.folder).map_err(KitError::io("read", &project.folder))?;
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".c") && !name.starts_with("test")
    };
    let mut sources: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_source).collect();
    sources.sort();
    if sources.is_empty() {
        return Err(KitError::wrong(&project.folder, "has no tool.c: the tool is written there"));
    }
    Ok(sources)
}

fn names(sources: &[PathBuf]) -> String {
    let names = sources.iter().filter_map(|path| path.file_name());
    names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ")
}

fn bindings(project: &Project, folder: &Path) -> Result<(), KitError> {
    let (mut resolve, world) = world::parsed(&project.uses, project.checkable)?;
    let mut files = Files::default();
    let options = Opts { string_encoding: StringEncoding::UTF8, ..Opts::default() };
    let made = options.build().generate(&mut resolve, world, &mut files);
    made.map_err(|error| KitError::component("making the bindings", &error))?;
    for (name, content) in files.iter() {
        write_if_new(&folder.join(name), content)?;
    }
    Ok(())
}

/// `describe.json` as bytes that C can include, without its blanks, and whether the tool can be asked.
fn description(project: &Project) -> Result<String, KitError> {
    let path = project.folder.join("describe.json");
    let value: serde_json::Value = serde_json::from_str(&read_text(&path)?)
        .map_err(|error| KitError::wrong(&path, format!("is no JSON: {error}")))?;
    let bytes = value.to_string().bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    let asked = if project.checkable { "/* tool.toml */\n#define PH_CHECKABLE\n" } else { "" };
    Ok(format!("{asked}/* describe.json */\nstatic const unsigned char DESCRIBE[] = {{{bytes}}};\n"))
}

/// A linker for WebAssembly: LLVM's own, or the one that is in every toolchain of rustup.
fn linker(project: &Project) -> Result<PathBuf, KitError> {
    if let Some(found) = LINKERS.iter().find_map(|name| on_path(name)) {
        return Ok(found);
    }
    let in_rust = || {
        let rustc = on_path("rustc")?;
        let ask = Step::new("asking for the linker", rustc, &project.folder).limit(bounds::ASK);
        let library = ask.args(["--print", "target-libdir"]).quietly().ok()?;
        let linker = Path::new(library.lines().last()?.trim()).parent()?.join("bin/gcc-ld/wasm-ld");
        linker.is_file().then_some(linker)
    };
    in_rust().ok_or_else(|| missing("`wasm-ld`", project, CLANG))
}
