//! What daemon, keeper and init tell each other: lines of JSON.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CommandLimits, bounds::MESSAGE_BYTES_MAX};

/// What is to be set up, and what is to run in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Whether in namespaces of its own.
    pub(crate) namespaces: bool,
    /// Whether it may use the network of this machine.
    pub(crate) network: bool,
    /// Files and folders it may read, besides the system's.
    pub(crate) read: Vec<PathBuf>,
    /// Files and folders it may write.
    pub(crate) write: Vec<PathBuf>,
    /// An empty folder of its own: its home, or the place where its root is put together.
    pub(crate) scratch: PathBuf,
    pub(crate) limits: CommandLimits,
    /// Nothing: only show that all of it can be set up.
    pub(crate) program: Option<Program>,
}

/// What is to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// Its working folder; its home, if there is none.
    pub(crate) folder: Option<PathBuf>,
    /// What it reads from stdin.
    pub(crate) stdin: String,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// All was set up, and nothing was to run. Says whether Landlock holds all of it, or only a part.
    Ready { landlock: bool, whole: bool },
    /// The program ended: with a status, or by a signal.
    Ended { status: Option<i32>, signal: Option<i32> },
    /// It was not started, or not kept: why.
    Failed(String),
}

/// Writes one message.
pub(crate) fn write(mut into: impl Write, message: &impl Serialize) -> io::Result<()> {
    into.write_all(line(message).as_bytes())
}

/// One message as it is written.
pub(crate) fn line(message: &impl Serialize) -> String {
    let mut line =
        serde_json::to_string(message).expect("plain data, with paths that came from JSON or TOML");
    line.push('\n');
    line
}

/// Reads one message, and nothing after it; `None`: the other side is gone.
pub(crate) fn read<T: DeserializeOwned>(from: impl Read) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    BufReader::new(from.take(MESSAGE_BYTES_MAX)).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
