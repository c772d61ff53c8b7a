//! What a [`Host`](super::Host) holds, and the few rules of folders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::Sent;
use crate::Error;
use crate::bindings::playhouse::tool::files::{Error as FileError, Info};
use crate::http::Response;

/// A tool under the name by which it is called.
pub(super) type ToolAnswer = Rc<dyn Fn(&str) -> Result<String, Error>>;
/// A model.
pub(super) type ModelAnswer = Rc<dyn Fn(&str, &str) -> Result<String, String>>;

pub(super) struct State {
    pub(super) effect_id: String,
    pub(super) now_ms: u64,
    pub(super) time_left_ms: u64,
    pub(super) table: Option<BTreeMap<String, String>>,
    pub(super) roots: BTreeSet<String>,
    /// By whole path. Folders are what paths have before a `/`.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) pages: HashMap<String, Response>,
    pub(super) secrets: HashMap<String, String>,
    pub(super) tools: HashMap<String, ToolAnswer>,
    pub(super) model: Option<ModelAnswer>,
    pub(super) sent: Vec<Sent>,
    pub(super) logged: Vec<String>,
    pub(super) progress: Vec<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            effect_id: "01TEST/1.0".to_owned(),
            // 2026-01-02T03:04:05Z
            now_ms: 1_767_323_045_000,
            time_left_ms: 10_000,
            table: None,
            roots: BTreeSet::new(),
            files: BTreeMap::new(),
            pages: HashMap::new(),
            secrets: HashMap::new(),
            tools: HashMap::new(),
            model: None,
            sent: Vec::new(),
            logged: Vec::new(),
            progress: Vec::new(),
        }
    }
}

impl State {
    /// Whether `path` is in a granted folder and stays there.
    pub(super) fn permits(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        parts.next().is_some_and(|root| self.roots.contains(root))
            && parts.all(|part| !part.is_empty() && part != "." && part != "..")
    }

    pub(super) fn info(&self, path: &str) -> Result<Info, FileError> {
        if !self.permits(path) {
            return Err(FileError::Denied);
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        if let Some(bytes) = self.files.get(path) {
            let (size, version) = (bytes.len() as u64, version(bytes));
            return Ok(Info { name, is_folder: false, size, modified_ms: self.now_ms, version });
        }
        let below = format!("{path}/");
        let is_folder = self.roots.contains(path) || self.files.keys().any(|key| key.starts_with(&below));
        let folder = Info { name, is_folder, size: 0, modified_ms: self.now_ms, version: String::new() };
        if is_folder { Ok(folder) } else { Err(FileError::NotFound) }
    }

    /// The names in a folder, in order.
    pub(super) fn names(&self, path: &str) -> Result<BTreeSet<String>, FileError> {
        if !self.info(path)?.is_folder {
            return Err(FileError::WrongKind);
        }
        let below = format!("{path}/");
        let rest = self.files.keys().filter_map(|key| key.strip_prefix(&below));
        Ok(rest.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect())
    }
}

/// Changes with the content: FNV-1a of it.
pub(super) fn version(bytes: &[u8]) -> String {
    format!("{:016x}", fnv(bytes))
}

pub(super) fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
