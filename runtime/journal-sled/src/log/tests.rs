//! Replaying a log restores what was there, however it was cut, and from wherever an index stands.

use std::{collections::BTreeMap, convert::Infallible, fs, sync::Arc};

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any, prop},
    prop_assert, prop_assert_eq, proptest,
};

use super::*;
use crate::{disk::RealDisk, frame::Frame, index::Edit};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Few keys, so that rows are replaced and removed.
fn groups() -> impl Strategy<Value = Vec<Vec<Edit>>> {
    let edit = (vec(0..4u8, 1..3), prop::option::of(vec(any::<u8>(), 0..20)));
    vec(vec(edit, 0..6), 1..12)
}

fn apply(rows: &mut Rows, edits: &[Edit]) {
    for (key, value) in edits {
        match value {
            Some(value) => rows.insert(key.clone(), value.clone()),
            None => rows.remove(key),
        };
    }
}

/// Writes `groups`, and returns where each commit ended and what there was then, the empty start included.
fn write(dir: &Path, groups: &[Vec<Edit>]) -> Vec<(At, Rows)> {
    let mut log = Log::create(Arc::new(RealDisk), dir, At::default()).unwrap();
    let mut states = vec![(At::default(), Rows::new())];
    for edits in groups {
        let borrowed = edits.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
        let at = log.append(borrowed, Sums::default()).unwrap();
        let mut rows = states.last().unwrap().1.clone();
        apply(&mut rows, edits);
        states.push((at, rows));
    }
    log.sync().unwrap();
    states
}

fn replay(dir: &Path, (at, rows): &(At, Rows)) -> (Walk, Rows) {
    let mut rows = rows.clone();
    let each = |Frame { edits, .. }: Frame| {
        apply(&mut rows, &edits);
        Ok::<_, Infallible>(())
    };
    let Ok(walk) = walk(&RealDisk, dir, [At::default(), *at], each);
    (walk, rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn replay_from_anywhere_restores_what_was_there(groups in groups(), from in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let states = write(dir.path(), &groups);
        let (walk, rows) = replay(dir.path(), from.get(&states));
        prop_assert!(walk.is_whole());
        prop_assert_eq!((walk.at, rows), states.last().unwrap().clone());
    }

    #[test]
    fn a_log_cut_anywhere_replays_to_a_state_there_was_and_the_copy_has_the_rest(
        groups in groups(),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let states = write(dir.path(), &groups);
        let path = dir.path().join(segment_name(1));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        let (walk, rows) = replay(dir.path(), &states[0]);
        prop_assert_eq!((walk.at, rows), states.last().unwrap().clone());
        fs::remove_file(dir.path().join(COPY)).unwrap();
        let (walk, rows) = replay(dir.path(), &states[0]);
        prop_assert!(states.contains(&(walk.at, rows)));
        prop_assert!(walk.faults.is_empty());
    }

    #[test]
    fn a_changed_byte_is_never_replayed_as_something_else(
        groups in groups(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let states = write(dir.path(), &groups);
        fs::remove_file(dir.path().join(COPY)).unwrap();
        let path = dir.path().join(segment_name(1));
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, &bytes).unwrap();
        let (walk, rows) = replay(dir.path(), &states[0]);
        prop_assert!(states.contains(&(walk.at, rows)));
        // Damage before the last commit shows; in the last, it looks like what a crash tears.
        prop_assert!(walk.torn.is_some() || walk.has_gap());
    }
}
