//! Why a tool box could not be loaded. For the operator: what is wrong and what to do about it.

use std::path::PathBuf;

/// Why a tool box could not be loaded. Each message names the tool and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no component.
    #[error("`{tool}` is not a WebAssembly component: {reason}")]
    NotAComponent {
        /// The file's name without extension.
        tool: String,
        /// What it is instead.
        reason: String,
    },
    /// The component does not export the interface of a tool.
    #[error("`{tool}` is a component but not a tool: {reason}; build it against `tools/wit/v1`")]
    NotATool {
        /// The file's name without extension.
        tool: String,
        /// What is missing.
        reason: String,
    },
    /// The component imports what this host does not offer to anybody.
    #[error("`{tool}` imports `{import}`, which this host does not offer: {remedy}")]
    UnknownImport {
        /// The file's name without extension.
        tool: String,
        /// The name of the import.
        import: String,
        /// What its author can do.
        remedy: &'static str,
    },
    /// The component imports what the operator did not grant it.
    #[error("`{tool}` imports `{import}`, which it is not granted: {remedy}")]
    NotGranted {
        /// The file's name without extension.
        tool: String,
        /// The name of the import.
        import: String,
        /// What the operator can do.
        remedy: &'static str,
    },
    /// What the operator allows a tool cannot be meant.
    #[error("what `{tool}` is granted cannot be used: {reason}")]
    BadGrant {
        /// The file's name without extension.
        tool: String,
        /// What to change.
        reason: String,
    },
    /// What a call may use cannot be kept.
    #[error("the limits of tools cannot be kept: {0}")]
    Limits(String),
    /// `describe()` failed, or returned something that describes no tool.
    #[error("`{tool}` does not describe itself properly: {reason}")]
    Description {
        /// The file's name without extension.
        tool: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two tools have the same name.
    #[error("two tools are called `{0}`: remove one of them from the configuration")]
    Duplicate(String),
    /// The component, or its description, is not the one in the lock file.
    #[error(
        "`{tool}` is not what the lock file says: {reason}; if the change is wanted, update the lock file"
    )]
    Locked {
        /// The tool's name.
        tool: String,
        /// What differs.
        reason: String,
    },
    /// The lock file cannot be understood.
    #[error("the lock file `{}` cannot be read: {reason}", path.display())]
    BadLock {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder for compiled code is open to others, who could then run code in this process.
    #[error("the cache folder `{}` is open to other users: `chmod 700` it, or name another", .0.display())]
    OpenCache(PathBuf),
    /// The engine refused its configuration, or the machine cannot provide what it asks for.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// No worker process runs tools.
    #[error("no worker process for tools can be had from `{}`: {reason}", program.display())]
    Worker {
        /// What was to be started.
        program: PathBuf,
        /// What is wrong, and what to do about it.
        reason: String,
    },
}
