//! A disk in memory that keeps what was synced, and of the rest what a power cut leaves.
//!
//! ```text
//!   file   durable bytes ── write, write, cut ──▶ bytes as the process sees them
//!                           └─ not yet synced: each may be kept, lost, torn or overtaken
//!   names  durable names ── make, rename, remove ──▶ names as the process sees them
//!                           └─ not yet synced, by directory: a prefix of them is kept
//! ```
//!
//! A kill keeps everything as the process saw it, still unsynced. A failed sync is the last chance its bytes
//! had: a later sync that succeeds does not cover them (as on Linux).

mod file;
mod process;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fastrand::Rng;

use crate::world::Lie;
use file::File;
pub(crate) use process::ProcessDisk;

/// The disk; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

/// A change of one directory that is not synced: all of its edits are kept, or none.
#[derive(Debug, Clone)]
struct Change {
    dir: PathBuf,
    edits: Vec<(PathBuf, Option<Node>)>,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    sync_lies: bool,
    files: Vec<File>,
    names: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    changes: Vec<Change>,
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no {}", path.display()))
}

impl SimDisk {
    /// An empty disk whose losses `seed` decides.
    pub(crate) fn new(seed: u64, lie: Option<Lie>) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: Rng::with_seed(seed ^ 0xd15c),
            sync_lies: lie == Some(Lie::SyncDoesNothing),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            changes: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power goes: keeps what was synced, and of the rest what the seed says.
    pub(crate) fn lose_power(&self) {
        let state = &mut *self.lock();
        state.settle_names();
        for file in &mut state.files {
            file.settle(&mut state.rng);
        }
    }
}

impl State {
    fn file(&mut self, path: &Path) -> io::Result<&mut File> {
        match self.names.get(path) {
            Some(Node::File(at)) => Ok(&mut self.files[*at]),
            Some(Node::Dir) => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
            None => Err(missing(path)),
        }
    }

    /// The file called `path`, made if need be.
    fn file_or_new(&mut self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(at)) => Ok(*at),
            Some(Node::Dir) => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
            None => {
                self.dir_of(path)?;
                self.files.push(File::default());
                let at = self.files.len() - 1;
                self.change(path, vec![(path.to_owned(), Some(Node::File(at)))]);
                Ok(at)
            }
        }
    }

    /// The directory that holds `path`, which must exist.
    fn dir_of(&self, path: &Path) -> io::Result<PathBuf> {
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        let exists = dir.as_os_str().is_empty() || self.names.get(&dir) == Some(&Node::Dir);
        if exists { Ok(dir) } else { Err(missing(&dir)) }
    }

    fn change(&mut self, name: &Path, edits: Vec<(PathBuf, Option<Node>)>) {
        let change = Change { dir: name.parent().unwrap_or(Path::new("")).to_owned(), edits };
        change.make(&mut self.names);
        self.changes.push(change);
    }

    fn create_dir_all(&mut self, dir: &Path) {
        let above: Vec<_> = dir.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        for path in above.into_iter().rev() {
            if !self.names.contains_key(path) {
                self.change(path, vec![(path.to_owned(), Some(Node::Dir))]);
            }
        }
    }

    /// `path` and what lies below it.
    fn tree(&self, path: &Path) -> Vec<(PathBuf, Node)> {
        let below = self.names.iter().filter(|(name, _)| name.starts_with(path));
        below.map(|(name, node)| (name.clone(), *node)).collect()
    }

    fn remove(&mut self, path: &Path) {
        for (name, _) in self.tree(path).into_iter().rev() {
            self.change(&name, vec![(name.clone(), None)]);
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.dir_of(to)?;
        let moved = self.tree(from);
        if moved.is_empty() {
            return Err(missing(from));
        }
        let new_name = |name: &Path| match name.strip_prefix(from) {
            Ok(rest) if !rest.as_os_str().is_empty() => to.join(rest),
            _ => to.to_owned(),
        };
        let edits =
            moved.iter().flat_map(|(name, node)| [(name.clone(), None), (new_name(name), Some(*node))]);
        self.change(to, edits.collect());
        Ok(())
    }

    fn sync_dir(&mut self, dir: &Path) {
        if self.sync_lies {
            return;
        }
        let (synced, rest) = std::mem::take(&mut self.changes).into_iter().partition(|c| c.dir == dir);
        self.changes = rest;
        let synced: Vec<Change> = synced;
        synced.into_iter().for_each(|change| change.make(&mut self.durable));
    }

    /// Of each directory's changes, a prefix is kept; what hangs below a lost directory is lost with it.
    fn settle_names(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let dirs: BTreeSet<_> = changes.iter().map(|change| change.dir.clone()).collect();
        for dir in dirs {
            let of_dir: Vec<_> = changes.iter().filter(|change| change.dir == dir).collect();
            let kept = self.rng.usize(..=of_dir.len());
            of_dir.into_iter().take(kept).for_each(|change| change.make(&mut self.durable));
        }
        loop {
            let is_lost = |name: &&PathBuf| {
                let dir = name.parent().unwrap_or(Path::new(""));
                !dir.as_os_str().is_empty() && !self.durable.contains_key(dir)
            };
            let Some(lost) = self.durable.keys().find(is_lost).cloned() else { break };
            self.durable.remove(&lost);
        }
        self.names = self.durable.clone();
    }
}

impl Change {
    fn make(&self, names: &mut BTreeMap<PathBuf, Node>) {
        for (name, now) in &self.edits {
            match now {
                Some(node) => drop(names.insert(name.clone(), *node)),
                None => drop(names.remove(name)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
