//! Keys and signatures: who can read them, what they bind, and that other programs of minisign agree.

use std::os::unix::fs::PermissionsExt;

use playhouse_tools_store::{KeyError, Passphrase, SecretKey, SignError, Signature, bound, keygen};
use tempfile::tempdir;

use crate::kit::{NOW, claims, key, signed};

#[test]
fn a_secret_key_is_its_owners_alone() {
    let folder = tempdir().unwrap();
    let made = keygen(&folder.path().join("me"), None).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&made.secret), mode(&made.public) & 0o444), (0o600, 0o444));
    for open in [0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(&made.secret, std::fs::Permissions::from_mode(open)).unwrap();
        let refused = SecretKey::open(&made.secret, None);
        assert!(matches!(refused, Err(KeyError::Readable { mode, .. }) if mode == open), "{open:o}");
    }
    std::fs::set_permissions(&made.secret, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(SecretKey::open(&made.secret, None).unwrap().id(), made.id);
}

#[test]
fn a_key_is_never_replaced() {
    let folder = tempdir().unwrap();
    let stem = folder.path().join("me");
    let made = keygen(&stem, None).unwrap();
    let before = std::fs::read(&made.secret).unwrap();
    assert!(matches!(keygen(&stem, None), Err(KeyError::Exists(_))));
    std::fs::remove_file(&made.public).unwrap();
    assert!(matches!(keygen(&stem, None), Err(KeyError::Exists(path)) if path == made.secret));
    assert_eq!(std::fs::read(&made.secret).unwrap(), before);
}

#[test]
fn a_passphrase_protects_a_key_and_nothing_prints_either() {
    let folder = tempdir().unwrap();
    let words = Passphrase::new("correct horse");
    let made = keygen(&folder.path().join("me"), Some(&words)).unwrap();
    assert!(matches!(SecretKey::open(&made.secret, None), Err(KeyError::Protected(_))));
    let wrong = SecretKey::open(&made.secret, Some(&Passphrase::new("wrong horse")));
    assert!(matches!(wrong, Err(KeyError::WrongPassphrase(_))));
    let key = SecretKey::open(&made.secret, Some(&words)).unwrap();
    assert_eq!(format!("{key:?} {words:?}"), format!("SecretKey({}) Passphrase(…)", made.id));
    let bytes = b"wasm";
    signed(&key, bytes, &claims("adder", "1.0.0", bytes));
}

#[test]
fn another_program_of_minisign_accepts_what_is_signed_and_reads_the_same_id() {
    let folder = tempdir().unwrap();
    let made = keygen(&folder.path().join("me"), None).unwrap();
    let key = SecretKey::open(&made.secret, None).unwrap();
    let (bytes, claims) = (b"wasm".as_slice(), claims("adder", "1.0.0", b"wasm"));
    let signature = signed(&key, bytes, &claims);
    let public = minisign_verify::PublicKey::from_file(&made.public).unwrap();
    let read = minisign_verify::Signature::decode(signature.text()).unwrap();
    public.verify(bytes, &read, false).unwrap();
    assert!(public.verify(b"wasm?", &read, false).is_err());
    assert_eq!(read.trusted_comment(), format!("{} timestamp:{NOW}", bound(&claims)));
    assert!(
        public.untrusted_comment().unwrap().ends_with(&made.id),
        "the id is the one that minisign prints"
    );
    assert_eq!(made.line, key.public_line());
}

#[test]
fn other_bytes_than_those_described_are_not_signed() {
    let folder = tempdir().unwrap();
    let key = key(folder.path(), "me");
    let refused = Signature::make(&key, b"other", &claims("adder", "1.0.0", b"wasm"), NOW);
    assert!(matches!(refused, Err(SignError::OtherBytes { .. })));
    let mut odd = claims("adder", "1.0.0", b"wasm");
    odd.name = "adder version:2.0.0".into();
    assert!(matches!(Signature::make(&key, b"wasm", &odd, NOW), Err(SignError::Claims(_))));
}

#[test]
fn files_that_are_no_keys_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("none.key");
    std::fs::write(&path, "untrusted comment: x\nAAAA\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(SecretKey::open(&path, None), Err(KeyError::NoKey(_))));
    assert!(matches!(SecretKey::open(&folder.path().join("gone"), None), Err(KeyError::File { .. })));
}
