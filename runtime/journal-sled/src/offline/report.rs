//! What was found in a data directory that nobody uses.

use std::fmt;

use serde::Serialize;

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    /// Nothing has to be done: it is no loss, and the next start tidies it up.
    None,
    /// The next start heals it, or `repair` does now.
    Repair,
    /// No copy holds it: only a backup brings it back.
    Backup,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where: a file below the data directory, or a task, record or session.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// What helps.
    pub cure: Cure,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cure = match self.cure {
            Cure::None => "no loss; the next start tidies it up",
            Cure::Repair => "the other copy is whole; `playhouse journal repair` or the next start heals it",
            Cure::Backup => "no whole copy is left; restore a backup",
        };
        write!(f, "{}: {} ({cure})", self.place, self.what)
    }
}

/// The outcome of [`verify`](super::verify): what is there, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which generation of files counts.
    pub generation: u64,
    /// Number of the last commit.
    pub commit: u64,
    /// The root of the chain of commits at that one, in hex. Kept elsewhere, it proves later that nothing
    /// before it was rewritten.
    pub root: String,
    /// Segments of the log.
    pub segments: u64,
    /// Commits that were read and checked.
    pub frames: u64,
    /// Rows of the index that were read and compared with the log.
    pub rows: u64,
    /// Tasks.
    pub tasks: u64,
    /// Records of all of them.
    pub records: u64,
    /// Tasks whose records were erased by destroying their tenant's key. No damage.
    pub erased: u64,
    /// Sessions.
    pub sessions: u64,
    /// Large values.
    pub blobs: u64,
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is lost and nothing needs healing.
    pub fn is_whole(&self) -> bool {
        self.findings.iter().all(|finding| finding.cure == Cure::None)
    }

    /// For scripts: 0 if all is well, 1 if something is damaged that heals, 2 if something is lost.
    pub fn exit_code(&self) -> u8 {
        match self.findings.iter().map(|finding| finding.cure).max() {
            None | Some(Cure::None) => 0,
            Some(Cure::Repair) => 1,
            Some(Cure::Backup) => 2,
        }
    }

    pub(super) fn found(&mut self, place: impl fmt::Display, what: impl fmt::Display, cure: Cure) {
        self.findings.push(Finding { place: place.to_string(), what: what.to_string(), cure });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_of_the_worst() {
        let mut report = Report::default();
        assert_eq!((report.exit_code(), report.is_whole()), (0, true));
        for (cure, code) in [(Cure::None, 0), (Cure::Backup, 2), (Cure::Repair, 2)] {
            report.found("log", "it is torn", cure);
            assert_eq!(report.exit_code(), code);
        }
        assert!(!report.is_whole());
        let last = report.findings.last().unwrap().to_string();
        assert!(last.starts_with("log: it is torn (the other copy is whole"), "{last}");
    }
}
