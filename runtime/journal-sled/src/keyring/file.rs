//! The file of the key ring: what stands in `keys` and in `keys.copy`.
//!
//! ```text
//! "PLKR"  version  generation  check  count   entries …                                          crc32c
//!   4        1         8        28      4     id  state  length  tenant  wrapped key (zeros if destroyed)  4
//!                                              8    1      2       n       60
//! ```
//!
//! All numbers are big-endian. An entry never moves and never changes its size, so writing the file again in
//! place overwrites the bytes of a destroyed key with zeros.

use playhouse_core::id::Tenant;

use crate::seal::{KEY_BYTES, KeyId};

const MAGIC: [u8; 4] = *b"PLKR";
const VERSION: u8 = 1;
const LIVE: u8 = 1;
const DESTROYED: u8 = 2;
/// Nonce and tag of the sealed nothing that tells whether a master key is the right one.
pub(crate) const CHECK_BYTES: usize = 28;
/// Nonce, sealed key, tag.
pub(crate) const WRAPPED_BYTES: usize = CHECK_BYTES + KEY_BYTES;

/// A tenant's key, wrapped; `None` once it is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: KeyId,
    pub(crate) tenant: Tenant,
    pub(crate) wrapped: Option<[u8; WRAPPED_BYTES]>,
}

/// One copy of the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ring {
    /// Counts the changes. Of two whole copies the higher one is right: a crash came between them.
    pub(crate) generation: u64,
    pub(crate) check: [u8; CHECK_BYTES],
    pub(crate) entries: Vec<Entry>,
}

/// Why bytes are not a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it is cut short or is no key ring")]
    Form,
    #[error("its checksum does not match")]
    Checksum,
    #[error("it was written by a newer playhouse (format {0}); upgrade to read it")]
    Newer(u8),
}

impl Ring {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.check);
        let count = u32::try_from(self.entries.len()).expect("tenants are far fewer than 2³²");
        bytes.extend_from_slice(&count.to_be_bytes());
        for Entry { id, tenant, wrapped } in &self.entries {
            let name = tenant.as_str().as_bytes();
            bytes.extend_from_slice(&id.0.to_be_bytes());
            bytes.push(if wrapped.is_some() { LIVE } else { DESTROYED });
            bytes.extend_from_slice(&u16::try_from(name.len()).expect("names are short").to_be_bytes());
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&wrapped.unwrap_or([0; WRAPPED_BYTES]));
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(Fault::Form)?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return Err(Fault::Checksum);
        }
        let mut rest = body.strip_prefix(&MAGIC).ok_or(Fault::Form)?;
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return Err(Fault::Newer(version));
        }
        let generation = u64::from_be_bytes(take(&mut rest)?);
        let check = take(&mut rest)?;
        let count = u32::from_be_bytes(take(&mut rest)?);
        let entries = (0..count).map(|_| entry(&mut rest)).collect::<Result<_, _>>()?;
        if rest.is_empty() { Ok(Self { generation, check, entries }) } else { Err(Fault::Form) }
    }
}

fn entry(rest: &mut &[u8]) -> Result<Entry, Fault> {
    let id = KeyId(u64::from_be_bytes(take(rest)?));
    let [state] = take(rest)?;
    let length = usize::from(u16::from_be_bytes(take(rest)?));
    let (name, after) = rest.split_at_checked(length).ok_or(Fault::Form)?;
    *rest = after;
    let tenant = str::from_utf8(name).ok().and_then(|name| Tenant::new(name).ok()).ok_or(Fault::Form)?;
    let wrapped = take(rest)?;
    let wrapped = match state {
        LIVE => Some(wrapped),
        DESTROYED => None,
        _ => return Err(Fault::Form),
    };
    Ok(Entry { id, tenant, wrapped })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(Fault::Form)?;
    *rest = after;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring() -> Ring {
        let entry =
            |id, name: &str, wrapped| Entry { id: KeyId(id), tenant: Tenant::new(name).unwrap(), wrapped };
        let entries = vec![entry(1, "a", Some([7; WRAPPED_BYTES])), entry(u64::MAX, "b", None)];
        Ring { generation: 3, check: [9; CHECK_BYTES], entries }
    }

    #[test]
    fn a_ring_comes_back_and_keeps_its_size_when_a_key_is_destroyed() {
        let mut one = ring();
        let bytes = one.encode();
        assert_eq!(Ring::decode(&bytes), Ok(one.clone()));
        one.entries[0].wrapped = None;
        let without = one.encode();
        assert_eq!(without.len(), bytes.len());
        assert!(!without.windows(8).any(|window| window == [7; 8]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic_and_no_flip_goes_unnoticed(
            noise: Vec<u8>, at: prop::sample::Index, bit in 0..8u8,
        ) {
            prop_assert!(Ring::decode(&noise).is_err());
            let mut bytes = ring().encode();
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(Ring::decode(&bytes).is_err());
            prop_assert!(Ring::decode(&bytes[..at]).is_err());
        }
    }
}
