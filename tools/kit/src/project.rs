//! A project: its folder, and what its `tool.toml` says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{KitError, Language, bounds, create::check_name, world};

/// Name of the file that makes a folder a project.
pub const MANIFEST: &str = "tool.toml";

/// A folder with a `tool.toml`.
#[derive(Debug, Clone)]
pub struct Project {
    /// Where it lies.
    pub folder: PathBuf,
    /// Name of the tool, and of the file that is built.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// The capabilities it uses, by the names of their interfaces. Compilers that drop what is not called need no list.
    pub uses: Vec<String>,
    /// Whether it can be asked if a call happened. In Rust, the source says so.
    pub checkable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    language: Language,
    #[serde(default)]
    uses: Vec<String>,
    #[serde(default)]
    checkable: bool,
}

impl Project {
    /// The project in `folder`.
    ///
    /// # Errors
    /// It has no `tool.toml`, or that says what cannot be: an unknown key, language or capability.
    pub fn open(folder: &Path) -> Result<Self, KitError> {
        let path = folder.join(MANIFEST);
        if !path.is_file() {
            return Err(KitError::NoProject(folder.to_owned()));
        }
        let text = read_text(&path)?;
        let manifest: Manifest =
            toml::from_str(&text).map_err(|error| KitError::wrong(&path, error.to_string().trim_end()))?;
        check_name(&manifest.name)?;
        let known = world::capabilities();
        if let Some(unknown) = manifest.uses.iter().find(|name| !known.contains(name)) {
            let known = known.join(", ");
            return Err(KitError::wrong(
                &path,
                format!("`uses` names `{unknown}`; capabilities are {known}"),
            ));
        }
        if manifest.language == Language::Rust && !manifest.uses.is_empty() {
            return Err(KitError::wrong(&path, "a tool in Rust imports what it calls: leave `uses` out"));
        }
        if manifest.language == Language::Rust && manifest.checkable {
            let why = "a tool in Rust says so itself: leave `checkable` out, and write `did_it_happen = …`";
            return Err(KitError::wrong(&path, why));
        }
        // Tools of the language are started in the folder, so a relative path would be read from there.
        let folder = fs::canonicalize(folder).map_err(KitError::io("find", folder))?;
        let Manifest { name, language, uses, checkable } = manifest;
        Ok(Self { folder, name, language, uses, checkable })
    }

    /// Where the component is put.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join("dist").join(format!("{}.wasm", self.name))
    }

    /// Where everything else lies that is made and can be made again.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join(".build")
    }
}

/// A text file that a person wrote.
pub(crate) fn read_text(path: &Path) -> Result<String, KitError> {
    let size = fs::metadata(path).map_err(KitError::io("read", path))?.len();
    if size > bounds::MANIFEST {
        return Err(KitError::wrong(path, format!("has {size} bytes, more than {}", bounds::MANIFEST)));
    }
    fs::read_to_string(path).map_err(KitError::io("read", path))
}

/// Writes `content` if it is not there already, so that tools that look at times have nothing to do.
pub(crate) fn write_if_new(path: &Path, content: &[u8]) -> Result<(), KitError> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(KitError::io("create", folder))?;
    fs::write(path, content).map_err(KitError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(manifest: &str) -> Result<Project, KitError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MANIFEST), manifest).unwrap();
        Project::open(folder.path())
    }

    #[test]
    fn a_manifest_says_name_language_and_capabilities() {
        let project = opened("name = \"stock\"\nlanguage = \"c\"\nuses = [\"kv\", \"kv-write\"]").unwrap();
        assert_eq!((project.language, project.uses.len()), (Language::C, 2));
        assert!(project.component().ends_with("dist/stock.wasm") && !project.checkable);
        assert!(opened("name = \"stock\"\nlanguage = \"c\"\ncheckable = true").unwrap().checkable);
    }

    #[test]
    fn what_a_manifest_cannot_say_is_told_with_what_it_can() {
        for (manifest, part) in [
            ("name = \"a\"\nlanguage = \"c\"\nuses = [\"sockets\"]", "capabilities are context, progress"),
            ("name = \"a\"\nlanguage = \"cobol\"", "cobol"),
            (
                "name = \"a\"\nlanguage = \"c\"\nuse = []",
                "expected one of `name`, `language`, `uses`, `checkable`",
            ),
            ("name = \"../a\"\nlanguage = \"c\"", "cannot be the name"),
            ("name = \"a\"\nlanguage = \"rust\"\nuses = [\"kv\"]", "leave `uses` out"),
            ("name = \"a\"\nlanguage = \"rust\"\ncheckable = true", "leave `checkable` out"),
        ] {
            let error = opened(manifest).unwrap_err().to_string();
            assert!(error.contains(part), "{manifest}: {error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(Project::open(empty.path()).unwrap_err().to_string().contains("playhouse tool new"));
    }
}
