//! The high-water mark: how many commits were durable, noted beside the engine.
//!
//! sled takes damage in the segment it last wrote for a torn write and quietly forgets everything behind it:
//! a flipped bit can cost acknowledged commits, and the heads go with the records, so nothing looks wrong.
//! Every commit therefore carries its number, and after it is durable the number is written here. A start
//! that finds fewer commits in the engine than here refuses.
//!
//! The mark itself is not synced: it is written after its commit, so it never runs ahead of the disk, and
//! after a power cut an old mark only notices less.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

/// The file's name, beside the engine's own.
pub(crate) const FILE: &str = "mark";
const NUMBER_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// The open file.
#[derive(Debug)]
pub(crate) struct Mark(File);

impl Mark {
    /// Opens the mark in `dir` and reads it: 0 if there is none, or none that can be read. Without a mark
    /// less is noticed, which is no reason not to start.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, u64)> {
        let path = dir.join(FILE);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let number = decode(&bytes);
        if number.is_none() && !bytes.is_empty() {
            tracing::warn!(path = %path.display(), "the journal's mark cannot be read; it starts anew");
        }
        Ok((Self(file), number.unwrap_or(0)))
    }

    /// Notes that commit `number` is durable.
    pub(crate) fn set(&self, number: u64) -> io::Result<()> {
        let number = number.to_be_bytes();
        let crc = crc32c::crc32c(&number).to_be_bytes();
        self.0.write_all_at(&[number.as_slice(), &crc].concat(), 0)
    }
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (number, crc) = bytes.split_first_chunk::<NUMBER_BYTES>()?;
    let crc: [u8; CRC_BYTES] = crc.try_into().ok()?;
    (crc32c::crc32c(number).to_be_bytes() == crc).then_some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let (mark, number) = Mark::open(dir.path()).unwrap();
        assert_eq!(number, 0);
        mark.set(1_000_000).unwrap();
        mark.set(7).unwrap();
        assert_eq!(Mark::open(dir.path()).unwrap().1, 7);

        let path = dir.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Mark::open(dir.path()).unwrap().1, 0);
    }
}
