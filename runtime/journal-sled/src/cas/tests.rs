//! The store of large values under damage, sweeps and races.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::disk::RealDisk;

fn store() -> (TempDir, Cas) {
    let dir = tempfile::tempdir().unwrap();
    let cas = Cas::open(Arc::new(RealDisk), &dir.path().join("blobs")).unwrap();
    (dir, cas)
}

fn large(byte: u8) -> Vec<u8> {
    vec![byte; 100_000]
}

#[test]
fn a_value_comes_back_by_its_name_and_equal_values_share_files() {
    let (dir, cas) = store();
    let digest = cas.put(&large(1)).unwrap();
    assert_eq!(cas.put(&large(1)).unwrap(), digest);
    assert_eq!(cas.get(&digest), Ok(large(1)));
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!(cas.list().unwrap(), [digest]);
    assert_eq!(cas.files().unwrap().len(), 2);
    let again = Cas::open(Arc::new(RealDisk), &dir.path().join("blobs")).unwrap();
    assert_eq!(again.get(&digest), Ok(large(1)));
}

#[test]
fn no_text_but_64_lower_case_digits_is_a_digest() {
    let good = "0f".repeat(32);
    assert!(good.parse::<Digest>().is_ok());
    for bad in ["", &good[1..], &good.to_uppercase(), &good.replacen('0', "g", 1), &format!("{good}00")] {
        assert_eq!(bad.parse::<Digest>(), Err(BadDigest), "{bad}");
    }
}

#[test]
fn either_file_heals_the_other() {
    let (_dir, cas) = store();
    let digest = cas.put(&large(1)).unwrap();
    for path in cas.paths(digest) {
        let damages: [&dyn Fn(); 3] = [
            &|| {
                let mut bytes = large(1);
                bytes[70_000] ^= 4;
                fs::write(&path, bytes).unwrap();
            },
            &|| fs::write(&path, b"").unwrap(),
            &|| fs::remove_file(&path).unwrap(),
        ];
        for damage in damages {
            damage();
            assert_eq!(cas.check(&digest), Health::Half);
            assert_eq!(cas.get(&digest), Ok(large(1)));
            assert_eq!(cas.check(&digest), Health::Whole);
        }
    }
}

#[test]
fn damage_to_both_files_is_named_and_cured_by_putting_the_value_again() {
    let (_dir, cas) = store();
    let digest = cas.put(&large(1)).unwrap();
    let [file, copy] = cas.paths(digest);
    fs::write(file, b"other").unwrap();
    assert_eq!(cas.check(&digest), Health::Half);
    fs::remove_file(copy).unwrap();
    assert_eq!(cas.check(&digest), Health::Damaged);
    let JournalError::Damaged(what) = cas.get(&digest).unwrap_err() else { panic!() };
    let name = digest.to_string();
    let (folder, rest) = name.split_at(2);
    let expected = "is not what its name says, and its copy is missing";
    assert_eq!(what, format!("the large value `blobs/{folder}/{rest}` {expected}"));
    cas.put(&large(1)).unwrap();
    assert_eq!(cas.get(&digest), Ok(large(1)));
}

#[test]
fn a_sweep_removes_what_nothing_names_and_spares_what_is_on_its_way() {
    let (dir, cas) = store();
    let [kept, dropped] = [1, 2].map(|byte| cas.put(&large(byte)).unwrap());
    fs::write(cas.folder(dropped).join(format!("{}.new-7", &dropped.to_string()[2..])), b"torn").unwrap();
    let keep = HashSet::from([kept]);
    assert_eq!(cas.sweep(&keep).unwrap(), 0, "both were just put");
    assert_eq!(cas.sweep(&keep).unwrap(), 3);
    assert_eq!(cas.list().unwrap(), [kept]);
    assert_eq!(cas.check(&dropped), Health::Missing);

    let again = Cas::open(Arc::new(RealDisk), &dir.path().join("blobs")).unwrap();
    assert_eq!(again.put(&large(1)).unwrap(), kept);
    assert_eq!(again.sweep(&HashSet::new()).unwrap(), 0, "it was there, but is wanted anew");
    assert_eq!(again.get(&kept), Ok(large(1)));
}

#[test]
fn a_sweep_never_takes_a_value_from_under_a_put() {
    const ROUNDS: u8 = 60;
    let (_dir, cas) = store();
    // One sweep and two puts of the same value in each round: a value stays until the second sweep.
    let round = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..ROUNDS {
                    round.wait();
                    let digest = cas.put(&large(n % 3)).unwrap();
                    assert_eq!(cas.check(&digest), Health::Whole);
                }
            });
        }
        let mut removed = 0;
        for _ in 0..ROUNDS {
            round.wait();
            removed += cas.sweep(&HashSet::new()).unwrap();
        }
        assert!(removed > 0, "no sweep met anything");
    });
}
