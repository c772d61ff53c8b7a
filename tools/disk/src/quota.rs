//! How much is there, and how much may be.

use std::io;

/// What lies in a folder and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) bytes: u64,
    /// Files and folders: an empty one costs the disk something, too.
    pub(crate) entries: usize,
}

/// A number of bytes and entries that is counted once and kept up to date by those who write.
#[derive(Debug)]
pub(crate) struct Quota {
    most: Tally,
    /// What is there; not known before somebody writes.
    used: Option<Tally>,
}

/// What a change takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    /// Bytes before and after.
    pub(crate) old: u64,
    pub(crate) new: u64,
    /// Files and folders that it makes at most.
    pub(crate) made: usize,
    /// And those that it removes.
    pub(crate) gone: usize,
}

impl Quota {
    pub(crate) fn new(bytes: u64, entries: usize) -> Self {
        Self { most: Tally { bytes, entries }, used: None }
    }

    /// Whether there is room for `change`. Others may change a folder, too: before anything is refused, it is counted
    /// again.
    pub(crate) fn allows(
        &mut self,
        change: Change,
        count: impl Fn() -> io::Result<Tally>,
    ) -> io::Result<bool> {
        let fits = |used: Tally| {
            let after = after(used, change);
            after.bytes <= self.most.bytes && after.entries <= self.most.entries
        };
        if self.used.is_some_and(fits) || change.new <= change.old && change.made == 0 {
            return Ok(true);
        }
        let used = count()?;
        self.used = Some(used);
        Ok(fits(used))
    }

    /// `change` was made.
    pub(crate) fn changed(&mut self, change: Change) {
        self.used = self.used.map(|used| after(used, change));
    }
}

fn after(used: Tally, change: Change) -> Tally {
    let Change { old, new, made, gone } = change;
    Tally {
        bytes: used.bytes.saturating_sub(old).saturating_add(new),
        entries: used.entries.saturating_sub(gone).saturating_add(made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_bytes_takes_room_as_well() {
        let mut quota = Quota::new(1_000, 10);
        let there = |entries| move || Ok(Tally { bytes: 0, entries });
        let empty = Change { made: 2, ..Change::default() };
        assert!(quota.allows(empty, there(8)).expect("it is counted"));
        quota.changed(empty);
        assert!(!quota.allows(empty, there(10)).expect("it is counted again"));
        quota.changed(Change { gone: 2, ..Change::default() });
        assert!(quota.allows(empty, there(99)).expect("it is not counted again"));
        let smaller = Change { old: 9, new: 3, ..Change::default() };
        assert!(quota.allows(smaller, there(99)).expect("it makes room"));
    }
}
