//! Where the engine lives: a child process, or for tests a thread. And how such a life ends.

use std::{
    ffi::OsString,
    fmt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use tokio::process::{Child, Command};

use crate::{StartError, WORKER_ENV};

/// Where the model is computed.
#[derive(Debug, Clone)]
pub enum Worker {
    /// In a child process: what a daemon wants.
    Process(WorkerCommand),
    /// On a thread of this process: for tests and small tools. A C++ abort ends the whole program.
    InProcess,
}

/// How to start a worker process.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// A program that calls [`crate::worker_entry`] first thing.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables on top of the inherited ones.
    pub env: Vec<(OsString, OsString)>,
}

/// Why a worker is gone. Every case may be answered by starting another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerExit {
    /// The process or thread could not be started.
    #[error("the llama worker did not start: {0}")]
    Spawn(String),
    /// The worker ran but could not load the model.
    #[error("the llama worker could not load the model: {0}")]
    Load(String),
    /// The model file is not the one this handle was opened with.
    #[error("`{0}` changed since it was opened: restart to use the new file")]
    FileChanged(PathBuf),
    /// The worker died.
    #[error("the llama worker died ({status}){}", LastWords(.last_words))]
    Died {
        /// Exit status or signal.
        status: String,
        /// The last lines it wrote to stderr.
        last_words: Vec<String>,
    },
    /// The worker sent something that is not in the protocol.
    #[error("the llama worker broke the protocol: {0}")]
    Protocol(String),
    /// `run` was called while another `run` is under way.
    #[error("this model's worker is already being run")]
    AlreadyRunning,
}

impl Worker {
    /// A child process of the program that is running now, which must call [`crate::worker_entry`] first thing.
    pub fn this_binary() -> Result<Self, StartError> {
        let program = std::env::current_exe().map_err(StartError::ThisBinary)?;
        Ok(Self::Process(WorkerCommand::new(program)))
    }
}

impl WorkerCommand {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new() }
    }

    /// Starts the process with `socket` as its stdin. The socket carries both directions: what a library prints
    /// to stdout can never end up between two frames.
    pub(crate) fn spawn(&self, socket: std::os::unix::net::UnixStream) -> std::io::Result<Child> {
        Command::new(&self.program)
            .args(&self.args)
            .env(WORKER_ENV, "1")
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .stdin(std::os::fd::OwnedFd::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

/// In words: `exit status: 1`, `signal: 6 (SIGABRT)`.
pub(crate) fn describe(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|e| format!("its status is unknown: {e}"), |s| s.to_string())
}

struct LastWords<'a>(&'a [String]);

impl fmt::Display for LastWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.last() {
            Some(line) => write!(f, ": {line}"),
            None => Ok(()),
        }
    }
}
