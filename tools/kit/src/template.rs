//! The templates of `tools/templates`, inside this crate: the files of a project, with the model tool's name in them.

use crate::Language;

/// A path within a project, and what is in the file.
type File = (&'static str, &'static str);

/// The files of a template, named by their paths in `tools/templates/FOLDER`.
macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../templates/", $folder, "/", $path)))),*]
    };
}

const RUST: &[File] =
    files!("rust": ".gitignore", "Cargo.toml", "README.md", "cases.json", "src/lib.rs", "tool.toml");
const PYTHON: &[File] = files!("python": ".gitignore", "README.md", "cases.json", "playhouse.py", "test_tool.py",
    "tool.py", "tool.toml");
const JAVASCRIPT: &[File] = files!("javascript": ".gitignore", "README.md", "cases.json",
    "package-lock.json", "package.json", "playhouse.d.ts", "playhouse.js", "tool.js", "tool.test.js", "tool.toml");
const TYPESCRIPT: &[File] = files!("typescript": ".gitignore", "README.md", "cases.json",
    "package-lock.json", "package.json", "tool.test.ts", "tool.toml", "tool.ts", "tsconfig.json");
/// What the two share is in the folder of one of them.
const SHARED_BY_SCRIPTS: &[File] = files!("javascript": "playhouse.d.ts", "playhouse.js");
const C: &[File] = files!("c": ".gitignore", "Makefile", "README.md", "cases.json", "describe.json", "kit/export.c",
    "kit/json.c", "kit/libc/libc.c", "kit/libc/stdlib.h", "kit/libc/string.h", "kit/number.c", "kit/playhouse.h",
    "test.c", "tool.c", "tool.h", "tool.toml");

/// The files of the template for `language`.
pub(crate) fn files(language: Language) -> impl Iterator<Item = File> {
    let (own, shared): (_, &[File]) = match language {
        Language::Rust => (RUST, &[]),
        Language::Python => (PYTHON, &[]),
        Language::JavaScript => (JAVASCRIPT, &[]),
        Language::TypeScript => (TYPESCRIPT, SHARED_BY_SCRIPTS),
        Language::C => (C, &[]),
    };
    own.iter().chain(shared).copied()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What is made by building and testing a template where it lies.
    const MADE: [&str; 6] = [".build", "dist", "node_modules", "target", "__pycache__", "Cargo.lock"];

    fn on_disk(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{below}{name}");
            if MADE.contains(&name.as_str()) {
                continue;
            }
            match entry.file_type().unwrap().is_dir() {
                true => on_disk(&entry.path(), &format!("{path}/"), found),
                false => _ = found.insert(path),
            }
        }
    }

    #[test]
    fn no_file_of_a_template_is_left_behind() {
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates");
        for (language, own) in [
            ("rust", RUST),
            ("python", PYTHON),
            ("javascript", JAVASCRIPT),
            ("typescript", TYPESCRIPT),
            ("c", C),
        ] {
            let mut found = BTreeSet::new();
            on_disk(&templates.join(language), "", &mut found);
            let listed: BTreeSet<_> = own.iter().map(|(path, _)| (*path).to_owned()).collect();
            assert_eq!(listed, found, "{language}");
        }
    }

    #[test]
    fn every_package_of_a_template_has_one_version_and_a_checksum() {
        for language in [Language::JavaScript, Language::TypeScript] {
            let file = |name: &str| -> serde_json::Value {
                serde_json::from_str(files(language).find(|(path, _)| *path == name).unwrap().1).unwrap()
            };
            let (package, lock) = (file("package.json"), file("package-lock.json"));
            let packages = lock["packages"].as_object().unwrap();
            assert_eq!(packages[""]["devDependencies"], package["devDependencies"], "{language}");
            for (name, wanted) in package["devDependencies"].as_object().unwrap() {
                let locked = &packages[&format!("node_modules/{name}")];
                assert_eq!(&locked["version"], wanted, "{language}: {name}");
            }
            for (name, locked) in packages.iter().filter(|(name, _)| !name.is_empty()) {
                let checksum = locked["integrity"].as_str().unwrap_or_default();
                assert!(checksum.starts_with("sha512-"), "{language}: {name}");
                // Whoever has a registry of their own fetches from that.
                assert!(locked.get("resolved").is_none(), "{language}: {name}");
            }
        }
    }

    #[test]
    fn every_template_is_the_same_tool_with_the_same_cases() {
        let cases = |language| files(language).find(|(path, _)| *path == "cases.json").unwrap().1;
        for language in Language::ALL {
            assert_eq!(cases(language), cases(Language::Rust), "{language}");
        }
    }
}
