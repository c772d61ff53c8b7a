//! The mark of format 1: how many commits were durable, noted beside sled.
//!
//! That sled alone could forget its newest commits without a word. A journal of format 1 is migrated only if
//! it still has as many commits as its mark says.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

/// The file's name, beside the engine's own.
pub(crate) const FILE: &str = "mark";

/// The mark in `dir`: 0 if there is none, or none that can be read. Without a mark less is noticed, which is
/// no reason not to start.
pub(crate) fn read(dir: &Path) -> io::Result<u64> {
    match fs::read(dir.join(FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        bytes => Ok(decode(&bytes?).unwrap_or(0)),
    }
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (number, crc) = bytes.split_first_chunk::<8>()?;
    let crc: [u8; 4] = crc.try_into().ok()?;
    (crc32c::crc32c(number).to_be_bytes() == crc).then_some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_and_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), 0);
        let number = 7u64.to_be_bytes();
        let mut bytes = [number.as_slice(), &crc32c::crc32c(&number).to_be_bytes()].concat();
        fs::write(dir.path().join(FILE), &bytes).unwrap();
        assert_eq!(read(dir.path()).unwrap(), 7);
        bytes[3] ^= 1;
        fs::write(dir.path().join(FILE), bytes).unwrap();
        assert_eq!(read(dir.path()).unwrap(), 0);
    }
}
