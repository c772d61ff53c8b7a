//! How the master key wraps a tenant's key, and how it is recognised.

use playhouse_core::id::Tenant;
use ring::{
    aead::{Aad, LessSafeKey, NONCE_LEN, Nonce},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::file::{CHECK_BYTES, Ring, WRAPPED_BYTES};
use crate::seal::{KEY_BYTES, KeyId};

/// What the check in the ring's head is sealed with.
const CHECK: &[u8] = b"playhouse key ring";

/// What a wrapped key is bound to, so that no tenant can be given another's.
pub(super) fn place(id: KeyId, tenant: &Tenant) -> Vec<u8> {
    [b"key".as_slice(), &id.0.to_be_bytes(), tenant.as_str().as_bytes()].concat()
}

/// The master key seals so little that random nonces are safe.
pub(super) fn wrap(master: &LessSafeKey, place: &[u8], key: &[u8; KEY_BYTES]) -> [u8; WRAPPED_BYTES] {
    let nonce: [u8; NONCE_LEN] = random();
    let mut content = *key;
    let tag = master
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut content)
        .expect("32 bytes are not too many for the cipher");
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped[..NONCE_LEN].copy_from_slice(&nonce);
    wrapped[NONCE_LEN..NONCE_LEN + KEY_BYTES].copy_from_slice(&content);
    wrapped[NONCE_LEN + KEY_BYTES..].copy_from_slice(tag.as_ref());
    wrapped
}

pub(super) fn unwrap(
    master: &LessSafeKey,
    place: &[u8],
    wrapped: &[u8; WRAPPED_BYTES],
) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let (nonce, content) = wrapped.split_first_chunk::<NONCE_LEN>()?;
    let mut content = Zeroizing::new(content.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let key = master.open_in_place(nonce, Aad::from(place), &mut content).ok()?;
    Some(Zeroizing::new(<[u8; KEY_BYTES]>::try_from(&*key).ok()?))
}

/// Nothing, sealed: who can open it has the right master key.
pub(super) fn check(master: &LessSafeKey) -> [u8; CHECK_BYTES] {
    let nonce: [u8; NONCE_LEN] = random();
    let tag = master
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(CHECK), &mut [])
        .expect("nothing is not too much for the cipher");
    let mut check = [0; CHECK_BYTES];
    check[..NONCE_LEN].copy_from_slice(&nonce);
    check[NONCE_LEN..].copy_from_slice(tag.as_ref());
    check
}

pub(super) fn opens(master: &LessSafeKey, ring: &Ring) -> bool {
    let (nonce, tag) = ring.check.split_first_chunk::<NONCE_LEN>().expect("a check begins with a nonce");
    let nonce = Nonce::assume_unique_for_key(*nonce);
    master.open_in_place(nonce, Aad::from(CHECK), &mut tag.to_vec()).is_ok()
}

pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system always has randomness once it has booted");
    bytes
}
