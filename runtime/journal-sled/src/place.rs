//! Where the files are, and which of them count.
//!
//! ```text
//! journal/CURRENT, CURRENT.copy     which generation counts
//! journal/gen-N/log/00000001.log …  the truth
//! journal/gen-N/log/copy            what the index does not hold durably yet, once more
//! journal/gen-N/sled/               the index
//! journal/ballast                   space kept for a full disk
//! journal/suspect                   present when a reader found damage: the next start looks at everything
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use playhouse_ports::crash::{Point, around};

use crate::{
    Options,
    disk::{Disk, list_if_any, read_if_any},
    frame::At,
    index::{Index, MemoryIndex, Packed, Recent, Refusal, SledIndex},
};

const CURRENT: &str = "CURRENT";
const CURRENT_COPY: &str = "CURRENT.copy";
const SUSPECT: &str = "suspect";
const MAGIC: &[u8; 8] = b"PLAYCUR1";
const CURRENT_BYTES: usize = 8 + 8 + 8 + 32;

/// Where rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sled,
    Memory,
}

/// A data directory and how to work in it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) engine: Engine,
    pub(crate) options: Options,
}

/// The generation that counts, and where its log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) generation: u64,
    pub(crate) base: At,
}

impl Place {
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.journal().join(format!("gen-{number}"))
    }

    pub(crate) fn log(&self, number: u64) -> PathBuf {
        self.generation(number).join("log")
    }

    pub(crate) fn sled(&self, number: u64) -> PathBuf {
        self.generation(number).join("sled")
    }

    pub(crate) fn suspect(&self) -> PathBuf {
        self.journal().join(SUSPECT)
    }

    /// Opens or makes the index of generation `number`.
    pub(crate) fn open_index(&self, number: u64) -> Result<Arc<dyn Index>, Refusal> {
        match self.engine {
            Engine::Memory => recent(MemoryIndex::default()),
            Engine::Sled => {
                let index = SledIndex::open(&self.sled(number), self.options.cache_bytes)?;
                index.settle().map_err(Refusal::Io)?;
                recent(index)
            }
        }
    }

    /// Moves the index of generation `number` aside for whoever wants to look at it; keeps one such.
    pub(crate) fn set_index_aside(&self, number: u64) -> io::Result<()> {
        if self.engine == Engine::Memory {
            return Ok(());
        }
        let dir = self.generation(number);
        let names = self.disk.list(&dir)?;
        let bad = |name: &String| name.strip_prefix("sled.bad-")?.parse::<u64>().ok();
        let last = names.iter().filter_map(bad).max().unwrap_or(0);
        for name in names.iter().filter(|name| bad(name).is_some()) {
            self.disk.remove(&dir.join(name))?;
        }
        if names.iter().any(|name| name == "sled") {
            let aside = dir.join(format!("sled.bad-{}", last + 1));
            around(Point::FileRename, || self.disk.rename(&self.sled(number), &aside))?;
        }
        around(Point::DirSync, || self.disk.sync_dir(&dir))
    }

    /// Numbers of the generations there are, ascending.
    pub(crate) fn generations(&self) -> io::Result<Vec<u64>> {
        let names = list_if_any(&*self.disk, &self.journal())?;
        let mut all: Vec<_> =
            names.iter().filter_map(|name| name.strip_prefix("gen-")?.parse().ok()).collect();
        all.sort_unstable();
        Ok(all)
    }

    /// The generation that counts, if one was ever named. Either of two copies will do.
    pub(crate) fn current(&self) -> io::Result<Option<Current>> {
        let [first, second] = self.names()?;
        Ok(first.or(second))
    }

    /// What the two copies of the name say.
    pub(crate) fn names(&self) -> io::Result<[Option<Current>; 2]> {
        let read = |name| -> io::Result<Option<Current>> {
            let bytes = read_if_any(&*self.disk, &self.journal().join(name))?;
            Ok(bytes.and_then(|bytes| decode(&bytes)))
        };
        Ok([read(CURRENT)?, read(CURRENT_COPY)?])
    }

    /// Makes both copies say `current`: one that still named an older generation would bring that back.
    pub(crate) fn settle_current(&self, current: Current) -> io::Result<()> {
        if self.names()? == [Some(current); 2] { Ok(()) } else { self.set_current(current) }
    }

    /// Makes `current` count, durably.
    pub(crate) fn set_current(&self, current: Current) -> io::Result<()> {
        for name in [CURRENT, CURRENT_COPY] {
            replace(&*self.disk, &self.journal().join(name), &encode(current))?;
        }
        Ok(())
    }
}

/// `below`, with appends in packs and changes in front.
fn recent(below: impl Index) -> Result<Arc<dyn Index>, Refusal> {
    let packed = Packed::over(below).map_err(|error| Refusal::Damaged(error.to_string()))?;
    Ok(Arc::new(Recent::over(packed)))
}

/// Replaces the file at `path`, all of it or nothing.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().expect("a file is in a directory");
    let temporary = path.with_extension("tmp");
    disk.write(&temporary, bytes)?;
    around(Point::FileSync, || disk.sync_file(&temporary))?;
    around(Point::FileRename, || disk.rename(&temporary, path))?;
    around(Point::DirSync, || disk.sync_dir(parent))
}

fn encode(current: Current) -> Vec<u8> {
    let numbers = [current.generation.to_be_bytes(), current.base.commit.to_be_bytes()].concat();
    let mut bytes = [MAGIC.as_slice(), &numbers, &current.base.root].concat();
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Current> {
    let (bytes, crc) = bytes.split_last_chunk::<4>()?;
    let bytes: &[u8; CURRENT_BYTES] = bytes.try_into().ok()?;
    if !bytes.starts_with(MAGIC) || crc32c::crc32c(bytes).to_be_bytes() != *crc {
        return None;
    }
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let root = bytes[24..].try_into().expect("32 bytes");
    Some(Current { generation: number(8), base: At { commit: number(16), root } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_name_of_the_generation_is_none() {
        let current = Current { generation: 3, base: At { commit: 9, root: [7; 32] } };
        let bytes = encode(current);
        assert_eq!(decode(&bytes), Some(current));
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 4;
            assert_eq!(decode(&bytes), None, "byte {at}");
        }
    }
}
