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

/// How much a power cut may take of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Written since the last sync.
    Open,
    /// A sync covered it.
    Safe,
    /// The sync that should have covered it failed: no later one does.
    GivenUp,
}

/// A file as the process sees it, and as the disk would give it back.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    durable: Vec<u8>,
    /// What was done since everything was durable, in order.
    changes: Vec<(Fate, Change)>,
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
        self.changes.push((Fate::Open, change));
    }

    /// Makes what was done durable, but for what a failed sync has given up.
    pub(super) fn sync(&mut self) {
        self.end_as(Fate::Safe);
        if self.changes.iter().all(|(fate, _)| *fate == Fate::Safe) {
            self.changes.clear();
            self.durable.clone_from(&self.bytes);
        }
    }

    /// A sync that failed.
    pub(super) fn give_up(&mut self) {
        self.end_as(Fate::GivenUp);
    }

    fn end_as(&mut self, end: Fate) {
        let open = self.changes.iter_mut().filter(|(fate, _)| *fate == Fate::Open);
        open.for_each(|(fate, _)| *fate = end);
    }

    /// What a power cut leaves.
    pub(super) fn settle(&mut self, rng: &mut Rng) {
        let mut changes = std::mem::take(&mut self.changes);
        let is_safe = |fate: Fate| fate == Fate::Safe;
        match rng.u32(..4) {
            // Nothing.
            0 => changes.retain(|(fate, _)| is_safe(*fate)),
            // Everything.
            1 => {}
            // A prefix, torn at any byte.
            2 => {
                let kept = rng.usize(..=changes.len());
                let mut at = 0;
                changes.retain(|(fate, _)| {
                    at += 1;
                    at <= kept || is_safe(*fate)
                });
                if let Some((Fate::Open | Fate::GivenUp, Change::Write(_, bytes))) = changes.last_mut() {
                    bytes.truncate(rng.usize(..=bytes.len()));
                }
            }
            // Some of them, whatever came before.
            _ => changes.retain(|(fate, _)| is_safe(*fate) || rng.bool()),
        }
        changes.iter().for_each(|(_, change)| change.make(&mut self.durable));
        self.bytes.clone_from(&self.durable);
    }
}
