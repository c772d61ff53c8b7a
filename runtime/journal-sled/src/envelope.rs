//! What is around every stored value, so that wrong data is never taken for right.
//!
//! ```text
//! offset  bytes
//!      0      4  magic `PLAY`                 ┐ fixed
//!      4      1  version                      ┘ for ever
//!      5      1  kind
//!      6      2  length of the subject
//!      8      8  seq
//!     16      4  epoch
//!     20      8  time, in milliseconds since 1970
//!     28      4  length of the payload
//!     32      2  how many records are in the payload   ┐
//!     34      1  flags: 1 sealed, 2 in a file           │ since
//!     35      1  zero                                  │ version 2
//!     36     32  hash of the task's entry before       ┘
//!      …      …  subject: the task, or `tenant/session`, or `tenant/session/task`
//!      …      …  payload: JSON; sealed if flag 1 is set; with flag 2, the SHA-256 that names a file with it
//!    end-4    4  CRC32C of all bytes before     fixed for ever
//! ```
//!
//! All numbers are big-endian. Subject and seq are compared with the key the value was found at, so a value
//! in the wrong place is as visible as a flipped bit. Versions: see [`values`](crate::values).

#[cfg(test)]
mod tests;

use crate::sums::Hash;

/// Flag: the payload is sealed with a key of its tenant.
pub(crate) const SEALED: u8 = 1;
/// Flag: the payload names the file that holds it.
pub(crate) const IN_FILE: u8 = 2;

const MAGIC: [u8; 4] = *b"PLAY";
/// What this build writes. It reads every version from 1 to this.
pub(crate) const VERSION: u8 = 2;
/// What every version begins with.
const HEADER_BYTES: usize = 32;
/// What version 2 has behind it.
const MORE_BYTES: usize = 36;
const CRC_BYTES: usize = 4;

/// What a value is. The numbers are on disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Record = 1,
    Head = 2,
    Submission = 3,
    Session = 4,
    Pinned = 5,
    Turn = 6,
    Commits = 7,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind::{Commits, Head, Pinned, Record, Session, Submission, Turn};
        [Record, Head, Submission, Session, Pinned, Turn, Commits]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// A value with what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Kind,
    pub(crate) subject: &'a str,
    pub(crate) seq: u64,
    pub(crate) epoch: u32,
    pub(crate) at_ms: u64,
    /// Records in the payload; 1 in version 1, 0 for what is no record.
    pub(crate) count: u16,
    /// See the table above.
    pub(crate) flags: u8,
    /// SHA-256 of the entry before, in a task's chain of records. All zero in version 1, and for the first.
    pub(crate) before: Hash,
    pub(crate) payload: &'a [u8],
}

/// Why bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it is cut short ({0} bytes)")]
    Short(usize),
    #[error("it does not begin as a journal entry")]
    Magic,
    #[error("its checksum does not match")]
    Checksum,
    #[error(
        "it was written by a newer playhouse (format {0}, this one reads up to {VERSION}); upgrade to read it"
    )]
    Newer(u8),
    #[error("its lengths do not add up")]
    Lengths,
    #[error("it is of unknown kind {0}")]
    Kind(u8),
}

impl<'a> Envelope<'a> {
    /// The bytes to store.
    ///
    /// # Panics
    ///
    /// If subject or payload do not fit their length fields; names and
    /// [`VALUE_BYTES_MAX`](crate::values::VALUE_BYTES_MAX) are far smaller.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let subject_len = u16::try_from(self.subject.len()).expect("names are short");
        let payload_len = u32::try_from(self.payload.len()).expect("values are bounded far below 4 GiB");
        let content = self.subject.len() + self.payload.len();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + MORE_BYTES + content + CRC_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&subject_len.to_be_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        bytes.extend_from_slice(&payload_len.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&[self.flags, 0]);
        bytes.extend_from_slice(&self.before);
        bytes.extend_from_slice(self.subject.as_bytes());
        bytes.extend_from_slice(self.payload);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    /// All that is around the payload but its length: what a seal binds it to.
    pub(crate) fn around(&self) -> Vec<u8> {
        let mut bytes = Envelope { payload: b"", ..*self }.encode();
        bytes.truncate(bytes.len() - CRC_BYTES);
        bytes
    }

    /// Reads stored bytes, and the version they were written in. The checksum comes before everything
    /// else: whatever it covers is not worth looking at if it fails.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<(u8, Self), Fault> {
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(Fault::Short(bytes.len()))?;
        if !body.starts_with(&MAGIC) {
            return Err(Fault::Magic);
        }
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return Err(Fault::Checksum);
        }
        match body.get(MAGIC.len()) {
            None => Err(Fault::Short(bytes.len())),
            Some(version) if *version == 0 || VERSION < *version => Err(Fault::Newer(*version)),
            Some(version) => Ok((*version, Self::fields(body, *version)?)),
        }
    }

    fn fields(body: &'a [u8], version: u8) -> Result<Self, Fault> {
        let (header, rest) = body.split_first_chunk::<HEADER_BYTES>().ok_or(Fault::Short(body.len()))?;
        let mut at = 5;
        let kind = u8::from_be_bytes(number(header, &mut at));
        let subject_len = usize::from(u16::from_be_bytes(number(header, &mut at)));
        let seq = u64::from_be_bytes(number(header, &mut at));
        let epoch = u32::from_be_bytes(number(header, &mut at));
        let at_ms = u64::from_be_bytes(number(header, &mut at));
        let payload_len = u32::from_be_bytes(number(header, &mut at));

        let (count, flags, before, rest) = if version == 1 {
            (1, 0, Hash::default(), rest)
        } else {
            let (more, rest) = rest.split_first_chunk::<MORE_BYTES>().ok_or(Fault::Lengths)?;
            let before = more[4..].try_into().expect("32 of 36 bytes");
            (u16::from_be_bytes([more[0], more[1]]), more[2], before, rest)
        };
        let (subject, payload) = rest.split_at_checked(subject_len).ok_or(Fault::Lengths)?;
        if u32::try_from(payload.len()) != Ok(payload_len) {
            return Err(Fault::Lengths);
        }
        let subject = str::from_utf8(subject).map_err(|_| Fault::Lengths)?;
        let kind = Kind::of(kind).ok_or(Fault::Kind(kind))?;
        Ok(Self { kind, subject, seq, epoch, at_ms, count, flags, before, payload })
    }
}

/// The next `N` bytes of the header.
fn number<const N: usize>(header: &[u8; HEADER_BYTES], at: &mut usize) -> [u8; N] {
    let bytes = header[*at..*at + N].try_into().expect("the fields add up to the header");
    *at += N;
    bytes
}
