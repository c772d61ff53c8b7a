//! One file: what is durable, and what was done to it since.

use fastrand::Rng;

/// Something done to a file that is not synced.
#[derive(Debug, Clone)]
enum Change {
    /// Bytes written at a place.
    Write(usize, Vec<u8>),
    /// Cut, or grown with zeros.
    Len(usize),
}

/// A file as the process sees it, and as the disk would give it back.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
    /// Those that a failed sync gave up: no later sync covers them, and every power cut loses them.
    given_up: bool,
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, new) => {
                let end = at + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(new);
            }
            Self::Len(len) => bytes.resize(*len, 0),
        }
    }
}

impl File {
    /// Writes at the end.
    pub(super) fn append(&mut self, new: &[u8]) {
        self.make(Change::Write(self.bytes.len(), new.to_vec()));
    }

    /// Replaces the content.
    pub(super) fn replace(&mut self, new: &[u8]) {
        self.make(Change::Len(0));
        self.make(Change::Write(0, new.to_vec()));
    }

    /// Cuts, or grows with zeros.
    pub(super) fn set_len(&mut self, len: usize) {
        self.make(Change::Len(len));
    }

    fn make(&mut self, change: Change) {
        change.make(&mut self.bytes);
        self.changes.push(change);
    }

    /// Makes what was done durable.
    pub(super) fn sync(&mut self) {
        // Behind pages that were given up the file has a hole that no sync fills.
        if !self.given_up {
            self.changes.clear();
            self.durable.clone_from(&self.bytes);
        }
    }

    /// A sync that failed.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// What a power cut leaves.
    pub(super) fn settle(&mut self, rng: &mut Rng) {
        let mut changes = std::mem::take(&mut self.changes);
        match rng.u32(..4) {
            // Nothing.
            0 => changes.clear(),
            // Everything.
            1 => {}
            // A prefix, torn at any byte.
            2 => {
                changes.truncate(rng.usize(..=changes.len()));
                if let Some(Change::Write(_, bytes)) = changes.last_mut() {
                    bytes.truncate(rng.usize(..=bytes.len()));
                }
            }
            // Some of them, whatever came before.
            _ => changes.retain(|_| rng.bool()),
        }
        changes.iter().for_each(|change| change.make(&mut self.durable));
        self.bytes.clone_from(&self.durable);
        self.given_up = false;
    }
}
