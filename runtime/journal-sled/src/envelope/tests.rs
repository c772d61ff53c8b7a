//! Properties of the envelope: what goes in comes out, and nothing else does.

use proptest::{
    collection::vec,
    prelude::{any, prop},
    prop_assert, prop_assert_eq, proptest,
    strategy::Strategy,
};

use super::*;

type Parts = (u8, String, (u64, u32, u64), (u16, u8, [u8; 32]), Vec<u8>);

fn parts() -> impl Strategy<Value = Parts> {
    let numbers = (any::<u64>(), any::<u32>(), any::<u64>());
    let more = (any::<u16>(), any::<u8>(), any::<[u8; 32]>());
    (1..=7u8, "[a-zA-Z0-9._:/-]{1,64}", numbers, more, vec(any::<u8>(), 0..300))
}

fn envelope(parts: &Parts) -> Envelope<'_> {
    let (kind, subject, (seq, epoch, at_ms), (count, flags, before), payload) = parts;
    let kind = Kind::of(*kind).unwrap();
    let (seq, epoch, at_ms, count, flags, before) = (*seq, *epoch, *at_ms, *count, *flags, *before);
    Envelope { kind, subject, seq, epoch, at_ms, count, flags, before, payload }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(parts in parts()) {
        let bytes = envelope(&parts).encode();
        prop_assert_eq!(Envelope::decode(&bytes), Ok((VERSION, envelope(&parts))));
    }

    #[test]
    fn any_changed_byte_is_noticed(parts in parts(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let mut bytes = envelope(&parts).encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(Envelope::decode(&bytes).is_err());
    }

    #[test]
    fn any_cut_is_noticed(parts in parts(), keep in any::<prop::sample::Index>()) {
        let bytes = envelope(&parts).encode();
        prop_assert!(Envelope::decode(&bytes[..keep.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Envelope::decode(&bytes).is_err());
    }
}

/// `bytes` with `version` in place, and a checksum that agrees.
fn with_version(mut bytes: Vec<u8>, version: u8) -> Vec<u8> {
    bytes[4] = version;
    let body = bytes.len() - CRC_BYTES;
    let crc = crc32c::crc32c(&bytes[..body]).to_be_bytes();
    bytes[body..].copy_from_slice(&crc);
    bytes
}

const SAMPLE: Envelope<'_> = Envelope {
    kind: Kind::Record,
    subject: "t1",
    seq: 7,
    epoch: 2,
    at_ms: 258,
    count: 1,
    flags: 0,
    before: [0; 32],
    payload: b"{}",
};

#[test]
fn a_newer_format_is_said_to_be_newer() {
    let newer = with_version(SAMPLE.encode(), VERSION + 1);
    assert_eq!(Envelope::decode(&newer), Err(Fault::Newer(VERSION + 1)));
}

/// The bytes of version 1, spelled out: they must be read for ever.
#[test]
fn version_1_is_read() {
    let header = b"PLAY\x01\x01\0\x02\0\0\0\0\0\0\0\x07\0\0\0\x02\0\0\0\0\0\0\x01\x02\0\0\0\x02";
    let bytes = with_version([header.as_slice(), b"t1{}", &[0; CRC_BYTES]].concat(), 1);
    assert_eq!(Envelope::decode(&bytes), Ok((1, SAMPLE)));
}

/// The bytes of version 2, spelled out: a change here makes old journals unreadable.
#[test]
fn version_2_is_these_bytes() {
    let bytes = Envelope { count: 3, flags: 1, before: [9; 32], ..SAMPLE }.encode();
    let header = b"PLAY\x02\x01\0\x02\0\0\0\0\0\0\0\x07\0\0\0\x02\0\0\0\0\0\0\x01\x02\0\0\0\x02";
    let expected = [header.as_slice(), &[0, 3, 1, 0], &[9; 32], b"t1{}"].concat();
    assert_eq!(bytes[..bytes.len() - CRC_BYTES], expected);
}
