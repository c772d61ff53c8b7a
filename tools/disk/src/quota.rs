//! How much is there, and how much may be.

use std::io;

/// A number of bytes that is counted once and kept up to date by those who write.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) most: u64,
    /// Bytes there; not known before somebody writes.
    used: Option<u64>,
}

impl Quota {
    pub(crate) fn new(most: u64) -> Self {
        Self { most, used: None }
    }

    /// Whether `new` bytes may take the place of `old`. Others may change a folder, too: before anything is refused, it is
    /// counted again.
    pub(crate) fn allows(
        &mut self,
        old: u64,
        new: u64,
        count: impl Fn() -> io::Result<u64>,
    ) -> io::Result<bool> {
        let fits = |used: u64| used.saturating_sub(old).saturating_add(new) <= self.most;
        if self.used.is_some_and(fits) || new <= old {
            return Ok(true);
        }
        let used = count()?;
        self.used = Some(used);
        Ok(used.saturating_sub(old).saturating_add(new) <= self.most)
    }

    /// `new` bytes have taken the place of `old`.
    pub(crate) fn changed(&mut self, old: u64, new: u64) {
        self.used = self.used.map(|used| used.saturating_sub(old).saturating_add(new));
    }
}
