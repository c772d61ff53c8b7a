//! The files of the repository, without what is built, fetched or generated.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 8] =
    ["target", ".build", "data", "dist", "node_modules", "__pycache__", ".git", ".venv"];

/// Folders whose Rust files follow the rules of [`crate::sources`].
const RUST: [&str; 9] = [
    "runtime",
    "tools/host",
    "tools/http",
    "tools/kit",
    "tools/policy",
    "tools/store",
    "sdk",
    "examples",
    "benches",
];

/// A text file.
pub(crate) struct Source {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders deep")
}

/// Every file of the repository that is text.
pub(crate) fn texts() -> Vec<Source> {
    read(&[""], |_| true)
}

/// Every Rust file of the workspace.
pub(crate) fn rust() -> Vec<Source> {
    read(&RUST, |path| path.ends_with(".rs"))
}

fn read(folders: &[&str], wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| collect(&root().join(folder), &mut files));
    files.sort();
    let relative = |path: &PathBuf| path.strip_prefix(root()).expect("below the root").display().to_string();
    let named = files.iter().map(|path| (relative(path), path)).filter(|(name, _)| wanted(name));
    // What is not UTF-8 is no text.
    named.filter_map(|(path, file)| Some(Source { path, text: fs::read_to_string(file).ok()? })).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            collect(&path, files);
        }
    }
}

impl Source {
    /// Whether all of the file is tests, as this whole crate is.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.starts_with("runtime/tidy/")
    }

    /// The lines that are not tests, numbered from 1. A test module comes last in its file.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        if self.is_test() {
            return Vec::new();
        }
        let lines: Vec<_> = self.text.lines().collect();
        let is_tests = |two: &[&str]| {
            two[0].trim() == "#[cfg(test)]" && two[1].contains("mod ") && two[1].ends_with('{')
        };
        let end = lines.windows(2).position(is_tests).unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(at, line)| (at + 1, line)).collect()
    }

    /// `path:line: …` of each line of code for which `found` gives a reason; comments are passed over.
    pub(crate) fn offences(&self, found: impl Fn(&str) -> bool) -> Vec<String> {
        let code = self.code().into_iter().filter(|(_, line)| !line.trim_start().starts_with("//"));
        let offending = code.filter(|(_, line)| found(line));
        offending.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }
}
