//! Sealing: a value that only the holder of its key can read, and nobody can change or move.
//!
//! ```text
//! version  key id  nonce (counter ‖ salt)  ciphertext  tag
//!    1        8          8        4             n       16    bytes
//! ```
//!
//! AES-256-GCM. Two values sealed with one key must never share a nonce, or both can be read and forged. Each
//! opening of a journal draws 96 random bits: where its counter starts, and a salt. Within one opening the
//! caller's numbers never repeat, so neither do nonces; nonces of two openings meet only if their salts are
//! equal *and* their stretches of 64-bit numbers overlap, which a million openings of a billion values each
//! make no likelier than 1 in 10⁸. Nothing has to be remembered, so a restored backup does no harm.
//!
//! What stands around a value (its task, its position, the hash of what came before) is not hidden but is
//! part of the seal: in any other place the value does not open.

use std::fmt;

use playhouse_core::id::Tenant;
use playhouse_ports::JournalError;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// What this build writes and reads.
const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + ID_BYTES + NONCE_LEN;
/// How many bytes a sealed value has more than what is in it.
pub(crate) const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;

/// Names a key for ever; drawn at random, so that a ring that was lost and begun anew meets no old name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Why a sealed value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The tenant's key was destroyed, and with it everything sealed by it. This is final, and no damage.
    #[error("it was erased: the key of tenant {0} was destroyed")]
    Erased(Tenant),
    /// Neither copy of the key ring holds the key.
    #[error(
        "its key {0} is in neither `keys` nor `keys.copy`: restore them from a backup of this data directory"
    )]
    UnknownKey(KeyId),
    /// The data is sealed and no master key was given.
    #[error("it is sealed and no master key was given: set it to the one this journal was written with")]
    NoMaster,
    /// The value or what stands around it is not what was sealed.
    #[error("its seal is broken: it was changed, or belongs elsewhere")]
    Broken,
    /// It is too short to be a sealed value.
    #[error("it is cut short ({0} bytes)")]
    Short(usize),
    /// It was written by a later version.
    #[error("it was sealed by a newer playhouse (format {0}, this one reads {VERSION}); upgrade to read it")]
    Newer(u8),
}

impl SealError {
    /// The same in the words of the port; `what` names the value for people.
    pub fn into_journal(self, what: &impl fmt::Display) -> JournalError {
        match self {
            Self::Erased(tenant) => JournalError::Erased(format!(
                "{what} was sealed for tenant {tenant}, whose key was destroyed"
            )),
            Self::NoMaster => JournalError::Unavailable(format!("{what} cannot be read: {self}")),
            _ => JournalError::Damaged(format!("{what} cannot be read: {self}")),
        }
    }
}

/// The key of one tenant, ready for use.
pub struct TenantKey {
    id: KeyId,
    /// Where counting starts, and the salt.
    start: [u8; NONCE_LEN],
    key: LessSafeKey,
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKey({}, hidden)", self.id)
    }
}

impl TenantKey {
    /// `start` is drawn anew for every opening of the journal.
    pub(crate) fn new(id: KeyId, bytes: &[u8; KEY_BYTES], start: [u8; NONCE_LEN]) -> Self {
        Self { id, start, key: cipher(bytes) }
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals `plain` in its place: `aad` is everything around it that must not change.
    ///
    /// `counter` must never be used twice with this key while the journal is open.
    pub fn seal(&self, counter: u64, aad: &[u8], mut plain: Vec<u8>) -> Vec<u8> {
        let mut nonce = self.start;
        let start = self.start.first_chunk().expect("a nonce has 12 bytes");
        nonce[..8].copy_from_slice(&u64::from_be_bytes(*start).wrapping_add(counter).to_be_bytes());
        let mut sealed = Vec::with_capacity(OVERHEAD_BYTES + plain.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id.0.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut plain)
            .expect("values are bounded far below the cipher's 64 GiB");
        sealed.extend_from_slice(&plain);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// What was sealed with this key and `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        if key_of(sealed)? != self.id {
            return Err(SealError::Broken);
        }
        let (header, content) = sealed.split_at(HEADER_BYTES);
        let (_, nonce) =
            header.split_last_chunk::<NONCE_LEN>().expect("a header ends in a nonce, as `key_of` checked");
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, Aad::from(aad), &mut content);
        let bytes = plain.map_err(|_| SealError::Broken)?.len();
        content.truncate(bytes);
        Ok(content)
    }
}

/// The name of the key that `sealed` was sealed with.
pub(crate) fn key_of(sealed: &[u8]) -> Result<KeyId, SealError> {
    match sealed.first() {
        Some(version) if *version != VERSION => return Err(SealError::Newer(*version)),
        _ if sealed.len() < OVERHEAD_BYTES => return Err(SealError::Short(sealed.len())),
        _ => {}
    }
    let id = sealed[1..].first_chunk::<ID_BYTES>().expect("the length was just checked");
    Ok(KeyId(u64::from_be_bytes(*id)))
}

/// The cipher over a key's bytes.
pub(crate) fn cipher(bytes: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("a key of AES-256 has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> TenantKey {
        TenantKey::new(KeyId(7), &[3; KEY_BYTES], [255, 255, 255, 255, 255, 255, 255, 254, 1, 2, 3, 4])
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let sealed = key().seal(1, b"task t, record 4", b"hello".to_vec());
        assert_eq!(sealed.len(), 5 + OVERHEAD_BYTES);
        assert_eq!(key().open(b"task t, record 4", &sealed), Ok(b"hello".to_vec()));
        assert_eq!(key().open(b"task t, record 5", &sealed), Err(SealError::Broken));
        let other = TenantKey::new(KeyId(7), &[4; KEY_BYTES], [0; NONCE_LEN]);
        assert_eq!(other.open(b"task t, record 4", &sealed), Err(SealError::Broken));
    }

    #[test]
    fn a_nonce_counts_from_its_start_and_makes_equal_values_differ() {
        let [one, two] = [1, 2].map(|counter| key().seal(counter, b"", b"same".to_vec()));
        assert_eq!(one[9..21], [255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]);
        assert_eq!(two[9..21], [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        assert_ne!(one[21..], two[21..]);
    }

    #[test]
    fn neither_the_key_nor_the_content_is_shown() {
        assert_eq!(format!("{:?}", key()), "TenantKey(0000000000000007, hidden)");
        let sealed = key().seal(1, b"", b"a secret of some length".to_vec());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn what_is_cut_or_newer_says_so() {
        assert_eq!(key().open(b"", b""), Err(SealError::Short(0)));
        assert_eq!(key().open(b"", &[1; 30]), Err(SealError::Short(30)));
        let mut sealed = key().seal(1, b"", b"a".to_vec());
        sealed[0] = 2;
        assert_eq!(key().open(b"", &sealed), Err(SealError::Newer(2)));
    }

    proptest! {
        #[test]
        fn any_value_comes_back_and_any_flipped_bit_is_noticed(
            plain: Vec<u8>, aad: Vec<u8>, counter: u64, at: prop::sample::Index, bit in 0..8u8,
        ) {
            let mut sealed = key().seal(counter, &aad, plain.clone());
            prop_assert_eq!(key().open(&aad, &sealed), Ok(plain));
            let at = at.index(sealed.len());
            sealed[at] ^= 1u8 << bit;
            prop_assert!(key().open(&aad, &sealed).is_err());
        }
    }
}
