//! The template for C, compiled. Where there is no compiler, the tests say so and pass.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail loudly, and say what they skip")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use playhouse_tools_kit::{Language, Project, build, create, test_natively};

/// A test that uses the tool of the README, behind the host that the README plays.
const TEST: &str = r#"
int main(void) {
  const char *json = "{\"part\": \"bolt\"}", *none = "{\"part\": \"nut\"}";
  ph_arguments bolt = {{json, strlen(json)}}, nut = {{none, strlen(none)}};
  ph_output output = {0};
  ph_failure failure = {0};
  assert(tool_call(&bolt, &output, &failure) && output.length == 4 && !memcmp(output.at, "\"14\"", 4));
  assert(!tool_call(&nut, &output, &failure) && failure.kind == PH_NOT_FOUND && own() == 1);
  puts("the host was played");
}
"#;

fn is_here(program: &str) -> bool {
    let is_here = Command::new(program).arg("--version").output().is_ok_and(|asked| asked.status.success());
    if !is_here {
        println!("SKIPPED: there is no {program}");
    }
    is_here
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Replaces what a file says by what `edit` makes of it.
fn edit(file: &Path, edit: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(file).unwrap();
    let edited = edit(&text);
    assert_ne!(text, edited, "{}", file.display());
    fs::write(file, edited).unwrap();
}

/// The component, unless there is no compiler for it.
fn built(project: &Project) {
    match build(project, &mut |_| {}) {
        Err(error) if error.is_missing_builder() => println!("SKIPPED: {error}"),
        built => assert!(built.unwrap().is_file()),
    }
}

#[test]
fn the_kit_reads_what_json_can_say_and_writes_it() {
    if !is_here("cc") {
        return;
    }
    let (place, here) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let (program, kit) = (place.path().join("test"), here.join("../templates/c/kit"));
    let flags =
        ["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=undefined", "-fno-sanitize-recover"];
    for test in ["json.c", "number.c"] {
        let sources = [here.join("tests/c").join(test), kit.join("json.c"), kit.join("number.c")];
        let mut compile = Command::new("cc");
        compile.args(flags).arg("-I").arg(&kit).arg("-o").arg(&program).args(sources).arg("-lm");
        let compiled = compile.output().unwrap();
        assert!(compiled.status.success(), "{}", said(&compiled));
        let ran = Command::new(&program).output().unwrap();
        assert!(ran.status.success(), "{}", said(&ran));
    }
}

#[test]
fn a_tool_that_touches_the_world_is_tested_with_a_host_that_the_test_plays() {
    let place = tempfile::tempdir().unwrap();
    let folder = create(place.path(), "stock", Language::C, None).unwrap().folder;
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut examples = readme.split("```c\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let (tool, host) = (examples.next().unwrap(), examples.next().unwrap());
    fs::write(folder.join("tool.c"), tool).unwrap();
    edit(&folder.join("test.c"), |test| {
        let includes = test.split("static").next().unwrap();
        format!("{includes}{host}int own(void);\n{TEST}")
    });
    // A file of the author's own takes part in both, even where the kit has one of that name.
    fs::write(folder.join("json.c"), "int own(void);\nint own(void) { return 1; }\n").unwrap();
    edit(&folder.join("tool.toml"), |manifest| manifest.replace("uses = []", "uses = [\"kv\"]"));
    let project = Project::open(&folder).unwrap();
    if is_here("cc") && is_here("make") {
        let said = test_natively(&project, &mut |_| {}).unwrap();
        assert!(said.contains("the host was played") && !said.contains("warning"), "{said}");
    }
    built(&project);
}

#[test]
fn a_tool_has_the_name_of_anything_in_c() {
    for name in ["int", "malloc", "tool_call", "counts", "ph_text"] {
        let place = tempfile::tempdir().unwrap();
        let project = Project::open(&create(place.path(), name, Language::C, None).unwrap().folder).unwrap();
        if is_here("cc") && is_here("make") {
            let said = test_natively(&project, &mut |_| {}).unwrap();
            assert!(said.contains("4 tests passed"), "{name}: {said}");
        }
        built(&project);
    }
}
