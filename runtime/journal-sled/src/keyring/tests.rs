use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{disk::RealDisk, seal::KEY_BYTES};

fn master(byte: u8) -> MasterKey {
    MasterKey::from_hex_or_base64(&format!("{byte:02x}").repeat(KEY_BYTES)).unwrap()
}

fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

fn open(dir: &TempDir, byte: u8) -> Result<Keyring, KeyringError> {
    Keyring::open(Arc::new(RealDisk), dir.path(), Some(&master(byte)))
}

/// A ring with a key of tenant `a`, and something sealed with it.
fn written() -> (TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let key = open(&dir, 1).unwrap().key_of(&tenant("a")).unwrap().unwrap();
    (dir, key.seal(1, b"here", b"hello".to_vec()))
}

fn bytes(dir: &TempDir) -> [Vec<u8>; 2] {
    FILES.map(|file| fs::read(dir.path().join(file)).unwrap())
}

#[test]
fn without_a_master_key_nothing_is_sealed_and_no_file_appears() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(Arc::new(RealDisk), dir.path(), None).unwrap();
    assert!(keyring.key_of(&tenant("a")).unwrap().is_none());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_tenants_key_is_made_once_and_survives() {
    let (dir, sealed) = written();
    let before = bytes(&dir);
    assert_eq!(before[0], before[1]);
    let keyring = open(&dir, 1).unwrap();
    assert_eq!(keyring.unseal(b"here", &sealed), Ok(b"hello".to_vec()));
    assert_eq!(keyring.unseal(b"there", &sealed), Err(SealError::Broken));
    let again = keyring.key_of(&tenant("a")).unwrap().unwrap();
    assert_eq!(seal::key_of(&sealed), Ok(again.id()));
    assert_eq!(bytes(&dir), before);
    let other = keyring.key_of(&tenant("b")).unwrap().unwrap();
    assert_ne!(other.id(), again.id());
    assert_eq!(open(&dir, 1).unwrap().key_of(&tenant("b")).unwrap().unwrap().id(), other.id());
}

#[test]
fn nonces_start_elsewhere_at_every_opening() {
    let (dir, sealed) = written();
    let again = open(&dir, 1).unwrap().key_of(&tenant("a")).unwrap().unwrap();
    assert_ne!(again.seal(1, b"here", b"hello".to_vec()), sealed);
}

#[test]
fn a_missing_and_a_wrong_master_key_are_named() {
    let (dir, _) = written();
    let none = Keyring::open(Arc::new(RealDisk), dir.path(), None).unwrap_err();
    assert!(matches!(none, KeyringError::NoMaster(_)), "{none}");
    let wrong = open(&dir, 2).unwrap_err();
    assert!(matches!(wrong, KeyringError::WrongMaster(_)), "{wrong}");
    open(&dir, 1).unwrap();
}

#[test]
fn either_copy_heals_the_other() {
    let (dir, sealed) = written();
    let whole = bytes(&dir);
    for file in FILES.map(|file| dir.path().join(file)) {
        let damages: [&dyn Fn(); 4] = [
            &|| {
                let mut bytes = fs::read(&file).unwrap();
                bytes[40] ^= 1;
                fs::write(&file, bytes).unwrap();
            },
            &|| fs::write(&file, b"").unwrap(),
            &|| fs::write(&file, [0; 4096]).unwrap(),
            &|| fs::remove_file(&file).unwrap(),
        ];
        for damage in damages {
            damage();
            let keyring = open(&dir, 1).unwrap();
            assert_eq!(keyring.unseal(b"here", &sealed), Ok(b"hello".to_vec()));
            assert_eq!(bytes(&dir), whole);
        }
    }
}

#[test]
fn damage_to_both_copies_is_refused_by_name() {
    let (dir, _) = written();
    fs::write(dir.path().join("keys"), &bytes(&dir)[0][..50]).unwrap();
    fs::remove_file(dir.path().join("keys.copy")).unwrap();
    let error = open(&dir, 1).unwrap_err().to_string();
    assert!(
        error.contains("`keys`: its checksum does not match") && error.contains("`keys.copy`: it is missing"),
        "{error}"
    );
}

#[test]
fn with_both_copies_gone_sealed_data_names_them() {
    let (dir, sealed) = written();
    FILES.into_iter().for_each(|file| fs::remove_file(dir.path().join(file)).unwrap());
    let error = open(&dir, 1).unwrap().unseal(b"here", &sealed).unwrap_err();
    assert_eq!(error, SealError::UnknownKey(seal::key_of(&sealed).unwrap()));
    let unsealed = Keyring::open(Arc::new(RealDisk), dir.path(), None).unwrap();
    assert_eq!(unsealed.unseal(b"here", &sealed), Err(SealError::NoMaster));
}

#[test]
fn a_destroyed_key_is_gone_from_both_copies_and_its_data_read_as_erased() {
    let (dir, sealed) = written();
    let before = bytes(&dir);
    let keyring = open(&dir, 1).unwrap();
    let kept = keyring.key_of(&tenant("b")).unwrap().unwrap().seal(1, b"", b"kept".to_vec());
    assert!(keyring.destroy(&tenant("a")).unwrap());
    assert!(!keyring.destroy(&tenant("a")).unwrap());
    assert!(!keyring.destroy(&tenant("nobody")).unwrap());

    let wrapped = Ring::decode(&before[0]).unwrap().entries[0].wrapped.unwrap();
    for copy in bytes(&dir) {
        assert!(!copy.windows(8).any(|window| wrapped.windows(8).any(|part| part == window)));
    }
    for keyring in [keyring, open(&dir, 1).unwrap()] {
        assert_eq!(keyring.unseal(b"here", &sealed), Err(SealError::Erased(tenant("a"))));
        assert_eq!(keyring.unseal(b"", &kept), Ok(b"kept".to_vec()));
        // Whoever comes back begins anew.
        let new = keyring.key_of(&tenant("a")).unwrap().unwrap();
        assert_ne!(Ok(new.id()), seal::key_of(&sealed));
        let fresh = new.seal(1, b"", b"new".to_vec());
        assert_eq!(keyring.unseal(b"", &fresh), Ok(b"new".to_vec()));
        assert_eq!(keyring.unseal(b"here", &sealed), Err(SealError::Erased(tenant("a"))));
    }
}

#[test]
fn a_crash_between_the_copies_never_brings_a_destroyed_key_back() {
    let (dir, sealed) = written();
    let [_, old] = bytes(&dir);
    assert!(open(&dir, 1).unwrap().destroy(&tenant("a")).unwrap());
    fs::write(dir.path().join("keys.copy"), old).unwrap();
    assert_eq!(open(&dir, 1).unwrap().unseal(b"here", &sealed), Err(SealError::Erased(tenant("a"))));
    let [one, other] = bytes(&dir);
    assert_eq!(one, other);
}

#[test]
fn after_a_change_of_the_master_key_only_the_new_one_opens_the_same_data() {
    let (dir, sealed) = written();
    let keyring = open(&dir, 1).unwrap();
    keyring.key_of(&tenant("gone")).unwrap();
    keyring.destroy(&tenant("gone")).unwrap();
    keyring.rewrap(&master(2)).unwrap();
    keyring.key_of(&tenant("later")).unwrap();
    assert!(matches!(open(&dir, 1).unwrap_err(), KeyringError::WrongMaster(_)));
    assert_eq!(open(&dir, 2).unwrap().unseal(b"here", &sealed), Ok(b"hello".to_vec()));
}

#[test]
fn a_change_of_the_master_key_torn_between_the_copies_opens_with_either() {
    let (dir, sealed) = written();
    let [_, old] = bytes(&dir);
    open(&dir, 1).unwrap().rewrap(&master(2)).unwrap();
    for byte in [1, 2] {
        fs::write(dir.path().join("keys.copy"), &old).unwrap();
        let [new, _] = bytes(&dir);
        let keyring = open(&dir, byte).unwrap();
        assert_eq!(keyring.unseal(b"here", &sealed), Ok(b"hello".to_vec()));
        fs::write(dir.path().join("keys"), new).unwrap();
    }
}

#[test]
fn keys_cannot_be_swapped_between_tenants() {
    let (dir, _) = written();
    open(&dir, 1).unwrap().key_of(&tenant("b")).unwrap();
    let mut ring = Ring::decode(&bytes(&dir)[0]).unwrap();
    let wrapped = ring.entries[0].wrapped;
    ring.entries[1].wrapped = wrapped;
    FILES.into_iter().for_each(|file| fs::write(dir.path().join(file), ring.encode()).unwrap());
    assert!(matches!(open(&dir, 1).unwrap_err(), KeyringError::Damaged { .. }));
}
