//! What happens to files on disks.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

const PAGE: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// One bit is the other one.
    Flip,
    /// The file ends early.
    Truncation,
    /// A page holds zeros.
    ZeroedPage,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flip => "flipped bit",
            Self::Truncation => "truncation",
            Self::ZeroedPage => "zeroed page",
        }
    }
}

/// One thing that happens to one file.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) kind: Kind,
    file: PathBuf,
    at: usize,
    bit: u8,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} at {}", self.kind.name(), self.file.display(), self.at)
    }
}

impl Damage {
    /// Damage to a file below `dir` that changes it. As often any file as any byte, since files differ in size.
    pub(crate) fn choose(dir: &Path, random: &mut fastrand::Rng) -> Self {
        let mut files = Vec::new();
        list(dir, Path::new(""), &mut files);
        files.retain(|(_, bytes)| 0 < *bytes);
        files.sort();
        let total: usize = files.iter().map(|(_, bytes)| bytes).sum();
        let (file, bytes) = if random.bool() {
            files[random.usize(..files.len())].clone()
        } else {
            let mut at = random.usize(..total);
            let holds = |(_, bytes): &&(PathBuf, usize)| {
                at < *bytes || {
                    at -= bytes;
                    false
                }
            };
            files.iter().find(holds).unwrap().clone()
        };
        let kind = [Kind::Flip, Kind::Truncation, Kind::ZeroedPage][random.usize(..3)];
        let content = fs::read(dir.join(&file)).unwrap();
        let mut at = random.usize(..bytes);
        if kind == Kind::ZeroedPage {
            // One that is not zero already.
            let pages: Vec<_> = content.chunks(PAGE).map(|page| page.iter().any(|byte| *byte != 0)).collect();
            let start = at / PAGE;
            let used = (0..pages.len()).map(|n| (start + n) % pages.len()).find(|page| pages[*page]);
            at = used.map_or(0, |page| page * PAGE);
        }
        Self { kind, file, at, bit: random.u8(..8) }
    }

    pub(crate) fn inflict(&self, dir: &Path) {
        let path = dir.join(&self.file);
        let mut bytes = fs::read(&path).unwrap();
        match self.kind {
            Kind::Flip => bytes[self.at] ^= 1 << self.bit,
            Kind::Truncation => bytes.truncate(self.at),
            Kind::ZeroedPage => {
                let end = bytes.len().min(self.at + PAGE);
                bytes[self.at..end].fill(0);
            }
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Every file below `dir`, with its size.
fn list(dir: &Path, path: &Path, files: &mut Vec<(PathBuf, usize)>) {
    for entry in fs::read_dir(dir.join(path)).unwrap().map(Result::unwrap) {
        let found = entry.metadata().unwrap();
        let path = path.join(entry.file_name());
        if found.is_dir() {
            list(dir, &path, files);
        } else {
            files.push((path, usize::try_from(found.len()).unwrap()));
        }
    }
}

/// Copies the directory `from`.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
