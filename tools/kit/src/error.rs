//! What goes wrong when a project is made or built.

use std::path::{Path, PathBuf};

/// Why a project was not made or not built. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// A name no tool can have in every language.
    #[error("`{name}` cannot be the name of a tool: {why}; for example `count_words`")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no template for it.
    #[error("there is no template for `{0}`: choose one of {list}", list = crate::Language::list())]
    Language(String),
    /// A new project would overwrite something.
    #[error("{0} exists already: choose another name, or another folder with --path")]
    Exists(PathBuf),
    /// No `tool.toml` where one is wanted.
    #[error("{0} is no project of a tool: it has no tool.toml; `playhouse tool new` makes one")]
    NoProject(PathBuf),
    /// A file of the project is not what it should be.
    #[error("{path}: {why}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A program that builds this language is not here.
    #[error("{what} is missing, which builds tools in {language}: {remedy}")]
    Missing {
        /// What is missing.
        what: String,
        /// For which language.
        language: crate::Language,
        /// How to get it.
        remedy: String,
    },
    /// A step of the build failed.
    #[error("{step} failed: `{command}` {why}{said}\n{remedy}")]
    Step {
        /// What was being done.
        step: String,
        /// The command, as it can be typed.
        command: String,
        /// How it ended.
        why: String,
        /// Its first and its last lines.
        said: String,
        /// What to do.
        remedy: String,
    },
    /// The component could not be made of what the compiler made.
    #[error("{step} failed: {why}")]
    Component {
        /// What was being done.
        step: &'static str,
        /// Why not.
        why: String,
    },
    /// The disk refused.
    #[error("failed to {doing} {path}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl KitError {
    /// Whether what is missing is a program of this machine, rather than something in the project.
    #[must_use]
    pub fn is_missing_builder(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(crate) fn wrong(path: &Path, why: impl Into<String>) -> Self {
        Self::Wrong { path: path.to_owned(), why: why.into() }
    }

    pub(crate) fn component(step: &'static str, why: &impl std::fmt::Display) -> Self {
        // `{:#}` gives an `anyhow::Error` with its causes.
        Self::Component { step, why: format!("{why:#}") }
    }
}
