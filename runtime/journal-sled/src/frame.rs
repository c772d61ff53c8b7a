//! One commit as the log has it.
//!
//! ```text
//! offset  bytes
//!      0      4  magic `PLOG`
//!      4      1  version
//!      5      3  zero
//!      8      4  length of the edits
//!     12      8  number of the commit
//!     20     32  root of the commit before
//!     52     56  sums after this commit
//!    108      …  edits: 1 put or 0 remove, length of key (2), length of value (4), key, value
//!      …     32  root: SHA-256 of all bytes before
//!      …      4  CRC32C of all bytes before
//! ```
//!
//! Numbers are big-endian. The root covers the root before it, so roots are a chain: who keeps one elsewhere can
//! later prove that nothing before it was rewritten.

use crate::{
    index::{Edit, EditRef},
    sums::{Hash, SUMS_BYTES, Sums, hash},
};

pub(crate) const MAGIC: [u8; 4] = *b"PLOG";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 52 + SUMS_BYTES;
const ROOT_BYTES: usize = 32;
const TRAILER_BYTES: usize = ROOT_BYTES + 4;
/// Before the key and the value of an edit.
const EDIT_HEADER_BYTES: usize = 7;

/// A place in the log: after this commit, whose frame ends in this root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct At {
    pub(crate) commit: u64,
    pub(crate) root: Hash,
}

/// A commit read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The commit before.
    pub(crate) before: At,
    pub(crate) at: At,
    pub(crate) sums: Sums,
    pub(crate) edits: Vec<Edit>,
}

/// Writes the commit after `before` into `bytes`, and says what it is called.
///
/// # Panics
///
/// If the edits do not fit their length fields; groups and values are bounded far below 4 GiB.
pub(crate) fn encode<'a>(
    bytes: &mut Vec<u8>,
    before: At,
    edits: impl Iterator<Item = EditRef<'a>>,
    sums: Sums,
) -> At {
    bytes.clear();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, 0, 0, 0]);
    bytes.extend_from_slice(&[0; 4]);
    let commit = before.commit + 1;
    bytes.extend_from_slice(&commit.to_be_bytes());
    bytes.extend_from_slice(&before.root);
    bytes.extend_from_slice(&sums.to_bytes());
    for (key, value) in edits {
        let key_len = u16::try_from(key.len()).expect("keys are made of short names");
        let value_len = u32::try_from(value.map_or(0, <[u8]>::len)).expect("values are stored in pieces");
        bytes.push(u8::from(value.is_some()));
        bytes.extend_from_slice(&key_len.to_be_bytes());
        bytes.extend_from_slice(&value_len.to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
    }
    let length = u32::try_from(bytes.len() - HEADER_BYTES).expect("groups are bounded");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let root = hash(bytes);
    bytes.extend_from_slice(&root);
    bytes.extend_from_slice(&crc32c::crc32c(bytes).to_be_bytes());
    At { commit, root }
}

/// Reads the frame that `bytes` begin with, and its length. `None`: they begin with none that is whole.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Frame, usize)> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    if !header.starts_with(&MAGIC) || header[4] != VERSION {
        return None;
    }
    let end = HEADER_BYTES.checked_add(usize::try_from(number::<4>(header, 8)).ok()?)?;
    let (content, trailer) = bytes.split_at_checked(end)?;
    let trailer: &[u8; TRAILER_BYTES] = trailer.first_chunk()?;
    let (root, crc) = trailer.split_at(ROOT_BYTES);
    // Checked first, and over everything: what fails it is not worth looking at.
    if crc32c::crc32c(&bytes[..end + ROOT_BYTES]).to_be_bytes() != crc || hash(content) != root {
        return None;
    }
    let before = At {
        commit: number::<8>(header, 12).checked_sub(1)?,
        root: header[20..52].try_into().expect("32 bytes of the header"),
    };
    let at = At { commit: before.commit + 1, root: root.try_into().expect("32 bytes of the trailer") };
    let sums = Sums::from_bytes(header[52..].try_into().expect("the rest of the header"));
    let frame = Frame { before, at, sums, edits: edits(&content[HEADER_BYTES..])? };
    Some((frame, end + TRAILER_BYTES))
}

fn edits(mut bytes: &[u8]) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    while !bytes.is_empty() {
        let (header, rest) = bytes.split_first_chunk::<EDIT_HEADER_BYTES>()?;
        let (key, rest) = rest.split_at_checked(usize::try_from(number::<2>(header, 1)).ok()?)?;
        let (value, rest) = rest.split_at_checked(usize::try_from(number::<4>(header, 3)).ok()?)?;
        edits.push((key.to_vec(), (header[0] == 1).then(|| value.to_vec())));
        bytes = rest;
    }
    Some(edits)
}

/// The number in `N` bytes at `at`.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Where the next whole frame begins in `bytes`, if one does: past damage, the rest can still be read.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    let starts = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&MAGIC));
    starts.into_iter().find(|at| decode(&bytes[*at..]).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{any, prop},
        prop_assert, prop_assert_eq, proptest,
    };

    use super::*;

    fn encoded(edits: &[Edit]) -> (Vec<u8>, At) {
        let mut bytes = Vec::new();
        let before = At { commit: 6, root: [3; 32] };
        let sums = Sums { rows: 1, rows_sum: 2, open: 3, open_sum: 4, bytes: 5 };
        let at = encode(&mut bytes, before, crate::index::borrowed(edits), sums);
        (bytes, at)
    }

    proptest! {
        #[test]
        fn a_frame_comes_back_whole_or_not_at_all(
            edits in vec((vec(any::<u8>(), 0..40), prop::option::of(vec(any::<u8>(), 0..100))), 0..6),
            at in any::<prop::sample::Index>(),
            flip in 1..=255u8,
        ) {
            let (mut bytes, end) = encoded(&edits);
            let (frame, used) = decode(&bytes).unwrap();
            prop_assert_eq!((used, frame.at, frame.before.commit), (bytes.len(), end, 6));
            prop_assert_eq!((&frame.edits, frame.sums.bytes), (&edits, 5));
            prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_none());
            bytes[at.index(used)] ^= flip;
            prop_assert!(decode(&bytes).is_none());
        }
    }

    #[test]
    fn the_next_frame_is_found_past_damage() {
        let (one, _) = encoded(&[(b"k".to_vec(), None)]);
        let bytes = [b"PLOG damaged PLO".as_slice(), &one].concat();
        assert_eq!(find(&bytes), Some(16));
        assert_eq!(find(&bytes[..bytes.len() - 1]), None);
    }
}
